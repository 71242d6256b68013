"""Toy recogniser: "hears" what its options say, whatever the sound. For testing flows to their corner cases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from dub import progress
from engines.asr.contract import HeardWord, Recognition, Segment
from engines.spec import EngineSpec
from lang.bcp47 import Locale


class ScriptedSegment(BaseModel):
    """What is said from `start_s` to `end_s`; `english`: what translation into English gives."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    start_s: float = Field(ge=0)
    end_s: float = Field(gt=0)
    english: str = ""


class Options(BaseModel):
    """The answer to every call. A profile has no lists: there `segments` is their JSON, as text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    locale: Locale = Locale("en")
    language_probability: float = Field(1.0, ge=0, le=1)
    segments: tuple[ScriptedSegment, ...] = ()

    @field_validator("segments", mode="before")
    @classmethod
    def _of_text(cls, given: Any) -> Any:
        return json.loads(given) if isinstance(given, str) else given


class ScriptedRecogniser:
    """Meets `contract.Recogniser`. To `into_english` a file named `<number>.wav` is that segment's own sound."""

    def __init__(self, options: Options) -> None:
        self._options = options

    def find_language(self, speech: Path) -> tuple[Locale, float] | None:
        return (self._options.locale, self._options.language_probability) if self._options.segments else None

    def recognise(self, speech: Path, locale: Locale | None = None, *, into_english: bool = False) -> Recognition:
        segments = self._options.segments
        if into_english and speech.stem.isdigit():
            segments = segments[int(speech.stem) : int(speech.stem) + 1]
        progress.report(1, 1)
        heard = tuple(
            Segment(segment.english if into_english else segment.text, segment.start_s, segment.end_s, words)
            for segment in segments
            if (words := () if into_english else _evenly(segment)) or segment.english
        )
        return Recognition(locale or self._options.locale, 1.0 if locale else self._options.language_probability, heard)


def _evenly(segment: ScriptedSegment) -> tuple[HeardWord, ...]:
    words = segment.text.split()
    step = (segment.end_s - segment.start_s) / max(1, len(words))
    return tuple(
        HeardWord(f" {word}", segment.start_s + number * step, segment.start_s + (number + 1) * step, 1.0)
        for number, word in enumerate(words)
    )


def load(**options: object) -> ScriptedRecogniser:
    return ScriptedRecogniser(Options.model_validate(options))


ENGINE = EngineSpec(
    id="scripted",
    family="asr",
    version=1,
    summary="toy: answers what its options say",
    load=load,
    is_toy=True,
    capabilities={"into_english": True},
)
