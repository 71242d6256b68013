"""Where a long title is cut into parts that are worked on alone and joined again.

How many parts there are depends on the length alone, and every cut is looked for in a window of its own: a changed
line moves no cut but the ones beside it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from dub.source import VideoFacts
from dub.timecode import MASTER_RATE_HZ

Mask = npt.NDArray[np.bool_]

PART_S = 20
"""A part is usually so long: some 5 s of work at 720p and 10 s at 1080p on two cores, which is worth a task run; and of
half an hour one changed line costs a ninetieth or two."""
LONGEST_S = 3 * PART_S
"""A window without a place to cut gives its part to the neighbour; of two such windows the second is cut all the same.
So no part is longer, however long somebody speaks without a pause."""
SHORTEST_S = PART_S // 4
"""Windows are so far apart: shorter parts would only start encoders."""
SETTLED_S = 0.4
"""So long before a sound and after it its lips may still be moved (and pauses of twice that bridged)."""


def n_parts(facts: VideoFacts) -> int:
    """How many parts a title has, empty ones counted."""
    return max(1, math.floor(facts.duration / PART_S + Fraction(1, 2)))


def moved_frames(facts: VideoFacts, sounds: Iterable[tuple[int, int]], settled_s: float = SETTLED_S) -> Mask:
    """(n_frames,): frames in which a mouth may be moved, for sounds [start, end) in master samples."""
    moved = np.zeros(facts.n_frames, bool)
    for start, end in sounds:
        first = int((start / MASTER_RATE_HZ - settled_s) * facts.frame_rate)
        last = math.ceil((end / MASTER_RATE_HZ + settled_s) * facts.frame_rate)
        moved[max(0, first) : max(0, last)] = True
    return moved


def parts_of(facts: VideoFacts, is_moved: Mask, shots: Sequence[int]) -> tuple[range, ...]:
    """The title's frames as `n_parts` ranges in order, which may be empty. `is_moved` (n_frames,); `shots`: first frame
    of every shot.

    In the window around its usual place a cut falls where no mouth is moved: at a change of shot, else in the
    middle of the longest pause. Where there is no such place, see LONGEST_S.
    """
    n = n_parts(facts)
    edges: list[int | None] = [0]
    for k in range(1, n):
        usual = k * PART_S * facts.frame_rate
        half = (PART_S - SHORTEST_S) * facts.frame_rate / 2
        window = range(round(usual - half), round(usual + half))
        place = _place(window, round(usual), is_moved, shots)
        if place is None and edges[-1] is None:
            place = next((shot for shot in shots if shot in window), round(usual))
        edges.append(place)
    edges.append(facts.n_frames)
    return tuple(_range(edges, k) for k in range(n))


def _place(window: range, usual: int, is_moved: Mask, shots: Sequence[int]) -> int | None:
    free = ~is_moved[window.start : window.stop]
    changes = [shot for shot in shots if shot in window and free[shot - window.start]]
    if changes:
        return min(changes, key=lambda shot: abs(shot - usual))
    edges = np.flatnonzero(np.diff(np.concatenate([[False], free, [False]]).astype(np.int8)))
    pauses = [(int(first), int(end)) for first, end in zip(edges[::2], edges[1::2], strict=True)]
    if not pauses:
        return None
    first, end = max(pauses, key=lambda pause: pause[1] - pause[0])
    return window.start + (first + end) // 2


def _range(edges: Sequence[int | None], k: int) -> range:
    """Part `k`: from its edge to the next that there is; empty where it has none of its own."""
    end = next(edge for edge in edges[k + 1 :] if edge is not None)
    start = edges[k]
    return range(end, end) if start is None else range(start, end)
