"""Isochrony: when each take starts and how far it is stretched. Pure arithmetic on rational seconds.

In this order, after wording and speaking speed were chosen: stretch towards the source line's own duration, as far as
the voice's tempo stays natural (0.82 to 1.25 of its own, nearer to 1 where the source's line is slow or hurried);
borrow the pause that follows; shorten the pauses inside the line; stretch on, at most to 1.35; start the next line
later. Nothing is ever cut short, and no line is piled on another that it did not already overlap in the source.

A line with pauses inside is several phrases at one tempo. Each starts with the source's own phrase where it can: what
the hands and the head do, they do with a phrase.
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
"""What stays of a borrowed pause before the next line, and of a pause inside a line that has no time for more."""

LEAST_PAUSE_S = Fraction(3, 10)
"""What stays of a pause inside a line while the tempo can be natural: long enough for lips to close."""

LONGER_PAUSE_S = Fraction(2, 5)
"""How much longer than the source's a pause may be, so that the next phrase starts with the source's."""


@dataclass(frozen=True)
class Phrase:
    """A stretch of a take between two pauses: seconds of speech, and when the source says its own (title's clock)."""

    duration: Fraction
    source_start: Fraction


@dataclass(frozen=True)
class Line:
    """One line to place: who says it, when the source says it, and how long the take is. In order of `span.start`.

    `phrases`: of a take with pauses, () for one in one breath. `pauses`: the source's, seconds, one less. `speed`: the
    tempo already asked of the voice. `slowest`, `fastest`: the tempo that is natural for this line, times the voice's
    own.
    """

    speaker: str
    span: Span
    duration: Fraction
    phrases: tuple[Phrase, ...] = ()
    pauses: tuple[Fraction, ...] = ()
    speed: Fraction = Fraction(1)
    slowest: Fraction = UTMOST_SLOW_DOWN
    fastest: Fraction = NATURAL_SPEED_UP

    @property
    def speech(self) -> Fraction:
        """Seconds of the take without its pauses."""
        return sum((phrase.duration for phrase in self.phrases), Fraction(0)) if self.phrases else self.duration

    def paused(self, longest: Fraction | None = None) -> Fraction:
        """Seconds of its pauses, none longer than `longest`."""
        return sum((pause if longest is None else min(pause, longest) for pause in self.pauses), Fraction(0))


@dataclass(frozen=True)
class Place:
    """Where a line went. `stretch_ratio`: new / old duration of its speech. `slot`: the source line's start to its
    slot's end. `phrase_starts`: on the title's clock; () for a take in one breath."""

    start: Fraction
    duration: Fraction
    stretch_ratio: Fraction
    slot: Span
    phrase_starts: tuple[Fraction, ...] = ()

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
        ratio = _stretch(line, room_end - start)
        if start + line.speech * ratio + line.paused(LEAST_PAUSE_S) > title_end:
            needed = line.speech * max(ratio, line.speed / NATURAL_SPEED_UP) + line.paused(LEAST_PAUSE_S)
            start = max(earliest, min(start, title_end - needed))
            ratio = _stretch(line, room_end - start)
        starts = _phrase_starts(line, start, ratio, room_end)
        end = starts[-1] + line.phrases[-1].duration * ratio if line.phrases else start + line.duration * ratio
        slot = Span(start=line.span.start, end=slot_end)
        placed.append(Place(start, end - start, ratio, slot, starts))
        said.setdefault(line.speaker, []).append((line, placed[-1]))
    return placed


def _last_said(line: Line, said: dict[str, list[tuple[Line, Place]]]) -> tuple[Line, Place] | None:
    """Of what was placed and does not overlap `line` in the source, what ends last."""
    lasts = (
        next((pair for pair in reversed(pairs) if not _may_overlap(pair[0], line)), None) for pairs in said.values()
    )
    return max((pair for pair in lasts if pair), key=lambda pair: pair[1].end, default=None)


def _stretch(line: Line, room: Fraction) -> Fraction:
    """New / old duration for a line's speech, given the room up to the next line."""
    speech = line.speech
    own = max(line.span.duration - line.paused(), Fraction(0))
    if speech <= own:
        ratio = min(own / speech, max(Fraction(1), line.speed / line.slowest))
    else:
        ratio = max(own / speech, min(Fraction(1), line.speed / line.fastest))
    if abs(ratio - 1) < UNHEARD:
        ratio = Fraction(1)
    # The natural tempo is given up only when its pauses are as short as they may be, and the pauses only after that.
    for longest_pause, fastest in ((LEAST_PAUSE_S, line.speed / NATURAL_SPEED_UP), (GAP_S, 1 / UTMOST_SPEED_UP)):
        for_speech = room - line.paused(longest_pause)
        if speech * ratio > for_speech:
            ratio = min(ratio, max(for_speech / speech, fastest))
    return ratio


def _phrase_starts(line: Line, start: Fraction, ratio: Fraction, room_end: Fraction) -> tuple[Fraction, ...]:
    """When each phrase of a line that starts at `start` begins: with the source's phrase, but no pause grows by more
    than LONGER_PAUSE_S, nor takes the time that the phrases after it need."""
    if not line.phrases:
        return ()
    lasting = [phrase.duration * ratio for phrase in line.phrases]
    end = max(line.span.end, start + sum(lasting, Fraction(0)) + line.paused())
    end = min(end, room_end)
    least = [min(pause, LEAST_PAUSE_S) for pause in line.pauses]
    if start + sum(lasting, Fraction(0)) + sum(least, Fraction(0)) > end:
        least = [min(pause, GAP_S) for pause in line.pauses]
    shift = start - line.span.start
    starts = [start]
    for number, pause in enumerate(line.pauses, 1):
        ended = starts[-1] + lasting[number - 1]
        latest = end - sum(lasting[number:], Fraction(0)) - sum(least[number:], Fraction(0))
        wanted = min(line.phrases[number].source_start + shift, ended + pause + LONGER_PAUSE_S, latest)
        starts.append(max(ended + least[number - 1], wanted))
    return tuple(starts)


def _may_overlap(line: Line, after: Line) -> bool:
    """Two people who already talked at once in the source may do so in the dub."""
    return line.speaker != after.speaker and line.span.overlap(after.span) > 0
