"""Following every face through a shot: from one frame's sights to tracklets, whatever model looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from engines.face.contract import PER_FRAME, Floats

Plane = npt.NDArray[np.uint8]
Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 in displayed pixels."""

MOST_FACES = 8
"""Followed at once: beyond that a picture shows a crowd, and nobody in it is large enough for a lip to be read."""
SEARCH_EVERY = 12
"""Frames between two looks for newcomers in the whole picture."""
FINE_SEARCH_EVERY = 72
"""Frames between two looks for small newcomers."""
STAYS_FRAMES = 10
"""So long a lost face is looked for where it was last seen, frame by frame: a hand or a fast turn hides it briefly."""
RETURNS_FRAMES = 60
"""So long a face that comes back near its last place is taken to be the one that was lost."""
LEAST_FRAMES = 5
"""A face that is seen for less is a false sight, unless its shot is as short."""
MOST_MOVED, MOST_GROWN = 0.6, 1.6
"""Between two frames a face moves by less than this of its own height, and grows or shrinks by less than this factor:
farther away it is somebody else."""
SAME_PLACE = 0.3
"""Two sights whose middles are closer than this (face heights) are one face."""


@dataclass(frozen=True)
class Sight:
    """One face in one frame. `outline` float32 (n, 2): points that span the face. `row`: the values of PER_FRAME.
    `look`: float32 (side, side), the face upright at a fixed size, for telling people apart; None if not taken."""

    outline: Floats
    row: dict[str, Floats | float]
    look: Floats | None = None

    @property
    def box(self) -> Box:
        return box_of(self.outline)


class Eye(Protocol):
    """A model that sees faces in planar yuv420p frames."""

    def search(self, frame: Plane, *, is_fine: bool) -> Sequence[Box]:
        """Boxes of faces anywhere in the picture, surest first; `is_fine` looks for small ones too."""
        ...

    def look(self, frame: Plane, near: Box, others: Sequence[Box], *, index: int) -> Sight | None:
        """The face in and around the box `near`; `others`: where other faces were just seen. `index`: of the frame."""
        ...


@dataclass(eq=False)
class Tracklet:
    """One face through one shot: in frame `frames[i]` it has `rows[i]`."""

    shot: int
    frames: list[int] = field(default_factory=list)
    rows: dict[str, list[Floats | float]] = field(default_factory=lambda: {name: [] for name in PER_FRAME})
    looks: list[Floats] = field(default_factory=list)
    box: Box = (0.0, 0.0, 0.0, 0.0)

    def add(self, frame: int, sight: Sight) -> None:
        self.frames.append(frame)
        for name in PER_FRAME:
            self.rows[name].append(sight.row[name])
        if sight.look is not None:
            self.looks.append(sight.look)
        self.box = sight.box

    def column(self, name: str) -> Floats:
        """(n, ...) of one of PER_FRAME."""
        return np.asarray(self.rows[name], np.float32)


class Follower:
    """Fed with one frame after the other; `tracklets()` at the end. Memory grows with the faces seen alone."""

    def __init__(self, eye: Eye) -> None:
        self._eye = eye
        self._live: list[Tracklet] = []
        self._lost: list[Tracklet] = []
        self._done: list[Tracklet] = []
        self._shot, self._shot_start = -1, 0
        self._searched = self._searched_finely = 0

    def see(self, index: int, frame: Plane, *, starts_shot: bool) -> None:
        if starts_shot:
            self._end_shot(index)
        self._follow(index, frame)
        is_fine = starts_shot or index - self._searched_finely >= FINE_SEARCH_EVERY
        if is_fine or not self._live or index - self._searched >= SEARCH_EVERY:
            self._searched = index
            self._searched_finely = index if is_fine else self._searched_finely
            self._find_newcomers(index, frame, is_fine=is_fine)

    def tracklets(self, n_frames: int) -> list[Tracklet]:
        """Every face of every shot, in order of when it was first seen. Ends the following."""
        self._end_shot(n_frames)
        return sorted(self._done, key=lambda tracklet: tracklet.frames[0])

    def _end_shot(self, index: int) -> None:
        least = min(LEAST_FRAMES, index - self._shot_start)
        self._done += [tracklet for tracklet in self._live + self._lost if len(tracklet.frames) >= least]
        self._live, self._lost = [], []
        self._shot, self._shot_start = self._shot + 1, index

    def _follow(self, index: int, frame: Plane) -> None:
        """Every face that was just seen, near where it was; the longest known first, so that of two that end up on
        one face the newer gives way."""
        near = [tracklet for tracklet in self._lost if index - tracklet.frames[-1] <= STAYS_FRAMES]
        expected = sorted([*self._live, *near], key=lambda tracklet: -len(tracklet.frames))
        seen: list[Tracklet] = []
        for tracklet in expected:
            others = [other.box for other in expected if other is not tracklet]
            sight = self._eye.look(frame, tracklet.box, others, index=index)
            if sight is None or not _could_be(tracklet.box, sight.box):
                continue
            if any(distance(sight.box, other.box) < SAME_PLACE for other in seen):
                continue
            tracklet.add(index, sight)
            seen.append(tracklet)
        everybody = self._live + self._lost
        self._live = [tracklet for tracklet in everybody if tracklet in seen]
        self._lost = [tracklet for tracklet in everybody if tracklet not in seen]

    def _find_newcomers(self, index: int, frame: Plane, *, is_fine: bool) -> None:
        for box in self._eye.search(frame, is_fine=is_fine):
            if len(self._live) >= MOST_FACES:
                return
            if any(distance(box, other.box) < 2 * SAME_PLACE for other in self._live):
                continue
            others = [other.box for other in self._live]
            rough = self._eye.look(frame, box, others, index=index)
            sight = rough and (self._eye.look(frame, rough.box, others, index=index) or rough)
            if sight is None or any(distance(sight.box, other) < SAME_PLACE for other in others):
                continue
            tracklet = self._known_again(index, sight.box) or Tracklet(self._shot)
            tracklet.add(index, sight)
            self._live.append(tracklet)

    def _known_again(self, index: int, box: Box) -> Tracklet | None:
        """The lost face that this one is, by its place and size."""
        near = [
            tracklet
            for tracklet in self._lost
            if index - tracklet.frames[-1] <= RETURNS_FRAMES and _could_be(tracklet.box, box)
        ]
        if not near:
            return None
        nearest = min(near, key=lambda tracklet: distance(tracklet.box, box))
        self._lost.remove(nearest)
        return nearest


def box_of(points: Floats) -> Box:
    low, high = points.min(axis=0), points.max(axis=0)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def distance(one: Box, other: Box) -> float:
    """Between the middles of two boxes, in mean heights."""
    across = (one[0] + one[2] - other[0] - other[2]) / 2
    down = (one[1] + one[3] - other[1] - other[3]) / 2
    return float(np.hypot(across, down)) / max(1.0, (_height(one) + _height(other)) / 2)


def _could_be(before: Box, now: Box) -> bool:
    grown = _height(now) / max(1.0, _height(before))
    return distance(before, now) < MOST_MOVED and 1 / MOST_GROWN < grown < MOST_GROWN


def _height(box: Box) -> float:
    return max(box[2] - box[0], box[3] - box[1])
