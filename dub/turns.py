"""Who speaks when: the turns that diarization finds."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Literal

from pydantic import Field

from dub.artifact import Record
from dub.diarization import Stretch
from dub.timecode import Span

ONLY_SPEAKER = "s1"
TURN_PAUSE_S = Fraction(1, 2)
"""Whoever pauses for less than this and goes on is still in the same turn."""
UNCERTAIN_BELOW = 0.6


class Turn(Record):
    """One speaker's stretch of speech; turns of several speakers may overlap.

    `certainty`: 1.0 where the sound is this speaker's own mean, 0.5 where it is as near to the next speaker's.
    """

    speaker: str
    span: Span
    certainty: float = Field(1.0, ge=0, le=1)

    @property
    def is_uncertain(self) -> bool:
        return self.certainty < UNCERTAIN_BELOW


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

    def certainty_of(self, span: Span, speaker: str) -> float:
        """The mean certainty of the speaker's turns during `span`; 1.0 where there are none."""
        shares = [(turn.span.overlap(span), turn.certainty) for turn in self.turns if turn.speaker == speaker]
        seconds = sum(share for share, _ in shares)
        return float(sum(float(share) * certainty for share, certainty in shares) / float(seconds)) if seconds else 1.0


NOT_TOLD_APART = Turns()


def joined_turns(stretches: Sequence[Stretch]) -> Turns:
    """Turns of the stretches in order, those of one speaker joined over pauses of less than 0.5 s."""
    turns: list[Turn] = []
    for stretch in stretches:
        turn = Turn(
            speaker=f"s{stretch.speaker + 1}",
            span=Span.of_seconds(stretch.start_s, stretch.end_s),
            certainty=stretch.certainty,
        )
        before = turns[-1] if turns else None
        if before and before.speaker == turn.speaker and turn.span.start - before.span.end < TURN_PAUSE_S:
            turns[-1] = _joined(before, turn)
        else:
            turns.append(turn)
    return Turns(turns=tuple(turns))


def _joined(one: Turn, other: Turn) -> Turn:
    lengths = [float(turn.span.duration) for turn in (one, other)]
    certainty = (one.certainty * lengths[0] + other.certainty * lengths[1]) / max(sum(lengths), 1e-9)
    return Turn(speaker=one.speaker, span=Span(start=one.span.start, end=other.span.end), certainty=min(1.0, certainty))
