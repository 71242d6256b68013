"""Recognition: speech to text with word times."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lang.bcp47 import Locale


@dataclass(frozen=True)
class HeardWord:
    """One word; seconds from the file's start; confidence 0..1. `text` carries the space before it where its script
    has one, so that the words joined give the segment's text."""

    text: str
    start_s: float
    end_s: float
    confidence: float


@dataclass(frozen=True)
class Segment:
    """A stretch of speech as the recogniser cuts it. `words` is empty where the engine gives no word times."""

    text: str
    start_s: float
    end_s: float
    words: tuple[HeardWord, ...]


@dataclass(frozen=True)
class Recognition:
    """`segments` is empty for a file without speech: that is an answer, not an error."""

    locale: Locale
    language_probability: float
    segments: tuple[Segment, ...]


class Recogniser(Protocol):
    def find_language(self, speech: Path) -> tuple[Locale, float] | None:
        """The language spoken and its probability, without writing down what is said; None where nobody speaks."""
        ...

    def recognise(self, speech: Path, locale: Locale | None = None, *, into_english: bool = False) -> Recognition:
        """Transcribe any audio file ffmpeg reads. `locale` None: find the language. `into_english`: translate instead.

        Deterministic. Reports `dub.progress` in seconds. Thread-safe (calls may queue behind one another).
        """
        ...
