"""What is said: the source's DubScript, its Translation, and the Takes that speak it. All frozen JSON records."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

from pydantic import Field, model_validator

from dub.artifact import Artifact, Record
from dub.finding import Finding
from dub.timecode import Span
from lang.bcp47 import Locale


class Word(Record):
    """One word as heard; confidence 0..1."""

    text: str
    span: Span
    confidence: float = Field(1.0, ge=0, le=1)


class Utterance(Record):
    """One speaker's dubbable line: the unit of translation, of takes and of every finding. The id is stable."""

    id: str = Field(pattern=r"^u\d{4}$")
    speaker: str
    span: Span
    text: str = Field(min_length=1)
    words: tuple[Word, ...] = ()


class DubScript(Record):
    """Everything that is said in a title, in order, in one locale.

    `pivot`: the same utterance ids in English when the source is not English and the targets are reached through
    English. `language_probability`: how sure the recogniser was (1.0 when the user gave the language or script).
    """

    schema_version: Literal[1] = 1
    source_locale: Locale
    language_probability: float = Field(1.0, ge=0, le=1)
    duration: Fraction
    utterances: tuple[Utterance, ...]
    pivot: dict[str, str] = {}
    recogniser: str = "given"

    @model_validator(mode="after")
    def _in_order(self) -> DubScript:
        ids = [utterance.id for utterance in self.utterances]
        if len(set(ids)) != len(ids):
            raise ValueError("utterance ids must be unique")
        starts = [utterance.span.start for utterance in self.utterances]
        if starts != sorted(starts):
            raise ValueError("utterances must be in order of their start")
        return self

    def slot(self, index: int) -> Span:
        """The time that utterance `index` may fill: its start to the next one's start, or the title's end."""
        start = self.utterances[index].span.start
        following = self.utterances[index + 1 :]
        return Span(start=start, end=max(start, following[0].span.start if following else self.duration))


class TranslatedLine(Record):
    """One utterance in the target locale; `alternatives` are other wordings, shorter ones first."""

    utterance_id: str
    text: str = Field(min_length=1)
    alternatives: tuple[str, ...] = ()


class WithheldLine(Record):
    """A line that must not be spoken: no engine gave it words of the target language. `text`: the last that came."""

    utterance_id: str
    text: str
    reason: str


class Translation(Record):
    """A DubScript's lines in one target locale. `route`: the engines that made it, in order.

    `withheld`: utterances that have no line, and why. `findings`: what a human should know of the wording: lines that
    were withheld, that another engine had to mend, that lack a glossary's term.
    """

    schema_version: Literal[1] = 1
    locale: Locale
    route: tuple[str, ...]
    lines: tuple[TranslatedLine, ...]
    withheld: tuple[WithheldLine, ...] = ()
    findings: tuple[Finding, ...] = ()


class PhonemeSpan(Record):
    """One IPA phoneme of a take; samples at the take's own rate."""

    ipa: str
    start_sample: int = Field(ge=0)
    end_sample: int = Field(ge=0)


class TakePause(Record):
    """A pause that was put into a take, in its samples, and the pause of the source line that it stands for."""

    start_sample: int = Field(ge=0)
    end_sample: int = Field(ge=0)
    source: Span


class Take(Record):
    """One line as the voice says it: mono WAV, its phoneme times, the speaking speed asked of the engine, and the
    pauses put between its phrases."""

    utterance_id: str
    text: str
    audio: Artifact
    rate_hz: int
    n_samples: int
    speed: float
    phonemes: tuple[PhonemeSpan, ...]
    pauses: tuple[TakePause, ...] = ()

    @property
    def duration(self) -> Fraction:
        return Fraction(self.n_samples, self.rate_hz)

    @property
    def spoken_duration(self) -> Fraction:
        """Without the pauses that were put in."""
        return self.duration - Fraction(
            sum(pause.end_sample - pause.start_sample for pause in self.pauses), self.rate_hz
        )


class Takes(Record):
    """All takes of one locale, in the script's order."""

    schema_version: Literal[1] = 1
    locale: Locale
    voice_engine: str
    takes: tuple[Take, ...]


class Overrun(Record):
    """A take that ends after its slot by `seconds`: said in the report, never chopped."""

    utterance_id: str
    seconds: Fraction


class PlacedTake(Record):
    """A take on the master clock (48 kHz): where it starts, how long it lasts after stretching by `stretch_ratio`
    (new / old duration), and its phonemes in master samples relative to the title's start. `audio`: the take as
    placed, stretched, mono 48 kHz. `slot`: the source line's start to where the next line may not be talked over."""

    utterance_id: str
    speaker: str
    text: str
    slot: Span
    audio: Artifact
    start_sample: int = Field(ge=0)
    n_samples: int = Field(gt=0)
    stretch_ratio: float
    speed: float
    phonemes: tuple[PhonemeSpan, ...]

    @property
    def end_sample(self) -> int:
        return self.start_sample + self.n_samples


class Timeline(Record):
    """One locale's takes, placed. `dialogue` is their sum: mono 48 kHz float WAV, as long as the title."""

    schema_version: Literal[1] = 1
    locale: Locale
    placed: tuple[PlacedTake, ...]
    overruns: tuple[Overrun, ...]
    dialogue: Artifact
