"""Whose mouth says what: every utterance matched to the face that says it on screen, shot by shot."""

from __future__ import annotations

import itertools
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from dub.artifact import Record
from dub.script import Utterance
from dub.timecode import Span

OFF_SCREEN, UNCERTAIN = -1, -2
"""In place of a face's number: nobody in the picture says it; it could not be told who does."""


class SeenSpan(Record):
    """One part of an utterance, within one shot: frames [first_frame, end_frame).

    `face`: index into the title's TrackedFaces, given exactly where a face on screen says it. `certainty`: 0..1.
    """

    utterance_id: str
    speaker: str
    first_frame: int = Field(ge=0)
    end_frame: int = Field(gt=0)
    verdict: Literal["speaks", "off screen", "uncertain"]
    face: int | None = Field(default=None, ge=0)
    certainty: float = Field(1.0, ge=0, le=1)

    @model_validator(mode="after")
    def _face_where_somebody_speaks(self) -> SeenSpan:
        if (self.verdict == "speaks") != (self.face is not None):
            raise ValueError("a span has a face exactly where a face on screen says it")
        return self

    @property
    def code(self) -> int:
        """The face's number, or OFF_SCREEN, or UNCERTAIN."""
        if self.face is not None:
            return self.face
        return OFF_SCREEN if self.verdict == "off screen" else UNCERTAIN


class OnScreen(Record):
    """A whole title: spans in order of their first frame. `faces_of`: the faces that each speaker was seen to have,
    surest first; a speaker who is never seen has none."""

    schema_version: Literal[1] = 1
    spans: tuple[SeenSpan, ...]
    faces_of: dict[str, tuple[int, ...]] = {}


class ShownRun(NamedTuple):
    """Frames [first_frame, end_frame) in which one thing holds: a face says it, or OFF_SCREEN, or UNCERTAIN."""

    first_frame: int
    end_frame: int
    face: int


def with_their_sound(lines: Sequence[Utterance], islands: Sequence[Span]) -> tuple[Span, ...]:
    """Each line's span, out to the ends of the stretches of speech (`islands`, in order, not touching) that reach into
    it, but never into another line: recognisers end words early. `lines`: in order of their start."""
    spans = []
    before, starts, ends = Fraction(0), [island.start for island in islands], [island.end for island in islands]
    for index, line in enumerate(lines):
        after = lines[index + 1].span.start if index + 1 < len(lines) else None
        own = islands[bisect_right(ends, line.span.start) : bisect_left(starts, line.span.end)]
        start = min([line.span.start, *(max(before, island.start) for island in own)])
        end = max([line.span.end, *(island.end if after is None else min(after, island.end) for island in own)])
        spans.append(Span(start=start, end=end))
        before = max(before, end)
    return tuple(spans)


def shown_runs(
    on_screen: OnScreen,
    utterance_id: str,
    speaker: str,
    frames: range,
    shots: Sequence[int],
    is_seen: Sequence[npt.NDArray[np.bool_]],
) -> tuple[ShownRun, ...]:
    """Whose mouth says a take of this utterance that sounds during `frames`, which may not be the source's own.

    Where the utterance itself was seen in the same shot, as there (the nearest part of it). In a shot that it never
    reached, by the speaker's own face where that is in the picture. `shots`: first frame of every shot; `is_seen`: per
    face (n_frames,).
    """
    own = [span for span in on_screen.spans if span.utterance_id == utterance_id]
    codes = np.full(len(frames), OFF_SCREEN, np.int64)
    numbers = np.searchsorted(shots, np.arange(frames.start, frames.stop), side="right") - 1
    for shot in np.unique(numbers):
        here = np.flatnonzero(numbers == shot)
        parts = [span for span in own if np.searchsorted(shots, span.first_frame, side="right") - 1 == shot]
        for i in here:
            frame = frames.start + int(i)
            if parts:
                nearest = min(parts, key=lambda span: max(span.first_frame - frame, frame - span.end_frame + 1, 0))
                codes[i] = nearest.code
            else:
                codes[i] = next((k for k in on_screen.faces_of.get(speaker, ()) if is_seen[k][frame]), OFF_SCREEN)
    return _runs(codes, frames.start)


def _runs(codes: npt.NDArray[np.int64], first_frame: int) -> tuple[ShownRun, ...]:
    if not len(codes):
        return ()
    edges = [0, *(np.flatnonzero(np.diff(codes)) + 1), len(codes)]
    return tuple(
        ShownRun(first_frame + int(start), first_frame + int(end), int(codes[start]))
        for start, end in itertools.pairwise(edges)
    )


def face_on_stage(
    dubbed: Iterable[ShownRun], source: Iterable[ShownRun], shots: Sequence[int], n_frames: int
) -> npt.NDArray[np.int64]:
    """(n_frames,): the face whose mouth is to be judged in each frame: who says the dub, else who spoke in the source,
    else who did so nearest in the same shot, else face 0. Negative while only OFF_SCREEN or UNCERTAIN voices sound."""
    unset = -9
    who = np.full(n_frames, unset, np.int64)
    for runs in (source, dubbed):
        for run in sorted(runs, key=lambda run: run.face):  # a face that is seen counts before a voice that is not
            who[run.first_frame : run.end_frame] = run.face
    numbers = np.searchsorted(shots, np.arange(n_frames), side="right") - 1
    for shot in np.unique(numbers):
        here = np.flatnonzero(numbers == shot)
        known = here[who[here] >= 0]
        empty = here[who[here] == unset]
        if len(known):
            who[empty] = who[known[np.abs(empty[:, None] - known[None]).argmin(axis=1)]]
        else:
            who[empty] = 0
    return who
