"""Isochrony: when each take starts and how far it is stretched. Pure arithmetic on rational seconds.

In this order, after wording and speaking speed were chosen: stretch towards the source line's own duration, at
most to 1.25 times its speed; borrow the pause that follows; stretch on, at most to 1.35; start the next line later.
Nothing is ever cut short, and no line is piled on another that it did not already overlap in the source.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from dub.timecode import Span

NATURAL_SPEED_UP = Fraction(5, 4)
UTMOST_SPEED_UP = Fraction(27, 20)
"""Listeners take 1.2-1.25 as natural; from 1.35 on, words are lost."""

UTMOST_SLOW_DOWN = Fraction(41, 50)
"""Below 0.82 of its speed, speech drags."""

UNHEARD = Fraction(1, 50)
"""A stretch by less than 2 % is not heard, and every stretch costs some clarity: then the take stays as it is."""

GAP_S = Fraction(1, 10)
"""What stays of a borrowed pause before the next line."""


@dataclass(frozen=True)
class Line:
    """One line to place: who says it, when the source says it, and how long the take is. In order of `span.start`."""

    speaker: str
    span: Span
    duration: Fraction


@dataclass(frozen=True)
class Place:
    """Where a line went. `stretch_ratio`: new / old duration. `slot`: the source line's start to its slot's end."""

    start: Fraction
    duration: Fraction
    stretch_ratio: Fraction
    slot: Span

    @property
    def end(self) -> Fraction:
        return self.start + self.duration

    @property
    def overrun(self) -> Fraction:
        """Seconds past the end of the slot; 0 for a line that fits."""
        return max(Fraction(0), self.end - self.slot.end)


def place(lines: Sequence[Line], title_end: Fraction) -> list[Place]:
    """A Place for every line, in order.

    A line's slot ends where the next line starts that does not overlap it in the source, or with the title. A line
    starts where the source's does; later when the line before is still being said; earlier only when it would
    otherwise end after the title, as far as the line before leaves room.
    """
    placed: list[Place] = []
    said: dict[str, list[tuple[Line, Place]]] = {}
    for index, line in enumerate(lines):
        before = _last_said(line, said)
        after = next((after for after in lines[index + 1 :] if not _may_overlap(line, after)), None)
        slot_end = max(line.span.start, min(after.span.start, title_end) if after else title_end)
        room_end = min(slot_end, title_end)
        if after:  # of a borrowed pause a gap stays, but the source line's own span is there to be filled
            room_end = min(room_end, max(line.span.end, room_end - GAP_S))
        start = earliest = Fraction(0)
        if before:
            pause = line.span.start - before[0].span.end
            earliest = before[1].end + min(max(pause, Fraction(0)), GAP_S)
        start = max(line.span.start, earliest)
        ratio = _stretch(line.duration, line.span.duration, room_end - start)
        if start + line.duration * ratio > title_end:
            start = max(earliest, min(start, title_end - line.duration * max(ratio, 1 / NATURAL_SPEED_UP)))
            ratio = _stretch(line.duration, line.span.duration, room_end - start)
        slot = Span(start=line.span.start, end=slot_end)
        placed.append(Place(start, line.duration * ratio, ratio, slot))
        said.setdefault(line.speaker, []).append((line, placed[-1]))
    return placed


def _last_said(line: Line, said: dict[str, list[tuple[Line, Place]]]) -> tuple[Line, Place] | None:
    """Of what was placed and does not overlap `line` in the source, what ends last."""
    lasts = (
        next((pair for pair in reversed(pairs) if not _may_overlap(pair[0], line)), None) for pairs in said.values()
    )
    return max((pair for pair in lasts if pair), key=lambda pair: pair[1].end, default=None)


def _stretch(duration: Fraction, own: Fraction, room: Fraction) -> Fraction:
    """New / old duration for a take, the source line's own duration, and the room up to the next line."""
    if own > 0 and duration <= own:
        ratio = min(own / duration, 1 / UTMOST_SLOW_DOWN)
    else:
        ratio = max(own / duration, 1 / NATURAL_SPEED_UP)
    if abs(ratio - 1) < UNHEARD:
        ratio = Fraction(1)
    if duration * ratio > room:
        ratio = max(room / duration, 1 / UTMOST_SPEED_UP)
    return ratio


def _may_overlap(line: Line, after: Line) -> bool:
    """Two people who already talked at once in the source may do so in the dub."""
    return line.speaker != after.speaker and line.span.overlap(after.span) > 0
