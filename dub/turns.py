"""Who speaks when: the turns that diarization finds."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

from dub.artifact import Record
from dub.timecode import Span

ONLY_SPEAKER = "s1"


class Turn(Record):
    """One speaker's stretch of speech; turns of several speakers may overlap."""

    speaker: str
    span: Span


class Turns(Record):
    """A title's turns in order of their start; speakers are named s1, s2, ... in order of appearance. () where nobody
    was told from anybody: then everything is said by ONLY_SPEAKER."""

    schema_version: Literal[1] = 1
    turns: tuple[Turn, ...] = ()

    @property
    def speakers(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(turn.speaker for turn in self.turns)) or (ONLY_SPEAKER,)

    def speaker_of(self, span: Span) -> str:
        """Who speaks most of `span`; of the nearest turn where nobody does."""
        if not self.turns:
            return ONLY_SPEAKER
        seconds: dict[str, Fraction] = {}
        for turn in self.turns:
            seconds[turn.speaker] = seconds.get(turn.speaker, Fraction(0)) + turn.span.overlap(span)
        most = max(seconds, key=lambda speaker: seconds[speaker])
        if seconds[most] > 0:
            return most
        return min(self.turns, key=lambda turn: max(turn.span.start - span.end, span.start - turn.span.end)).speaker
