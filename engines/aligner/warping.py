"""Dynamic time warping of two feature sequences, by antidiagonals, so that NumPy does the inner loop."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

BAND = 0.2
"""How far a path may leave the straight line, as a share of the length ..."""
BAND_FRAMES = 40
"""... and at least so many frames."""
STEP_COST = 0.05
"""Cost of standing still in one sequence, in medians of the frame distances: paths keep to an even tempo unless the
sounds say otherwise."""


def warp(own: Floats, heard: Floats) -> Floats:
    """For each frame of `own` (n, d) the frame of `heard` (m, d) that it falls on: (n,), never falling."""
    from scipy.spatial.distance import cdist

    distance = cdist(own, heard)
    n, m = distance.shape
    line = np.arange(n)[:, None] * (m - 1) / max(n - 1, 1)
    reach = max(BAND * m, BAND_FRAMES)
    still = STEP_COST * float(np.median(distance))
    distance[np.abs(np.arange(m)[None, :] - line) > reach] = np.inf
    moves = _moves(distance, still)
    return _mean_column(_path(moves), n)


def _moves(distance: Floats, still: float) -> npt.NDArray[np.int8]:
    """Best way into each cell: 0 both sequences move on, 1 only the first, 2 only the second."""
    n, m = distance.shape
    moves = np.zeros((n, m), np.int8)
    before, last = np.full(n, np.inf), np.full(n, np.inf)
    for diagonal in range(n + m - 1):
        rows = np.arange(max(0, diagonal - m + 1), min(n, diagonal + 1))
        columns = diagonal - rows
        cost = distance[rows, columns]
        both = np.where(rows > 0, before[rows - 1], np.inf)
        both[columns == 0] = np.inf
        first = np.where(rows > 0, last[rows - 1], np.inf) + still
        second = np.where(columns > 0, last[rows], np.inf) + still
        ways = np.stack([both + cost, first + cost, second + cost])
        best = ways.argmin(axis=0)
        total = ways[best, np.arange(len(rows))]
        if diagonal == 0:
            total = cost.copy()
        moves[rows, columns] = best
        before, last = last, np.full(n, np.inf)
        last[rows] = total
    return moves


def _path(moves: npt.NDArray[np.int8]) -> list[tuple[int, int]]:
    i, j = moves.shape[0] - 1, moves.shape[1] - 1
    path = [(i, j)]
    while i or j:
        move = moves[i, j]
        i, j = i - (move != 2), j - (move != 1)
        i, j = max(i, 0), max(j, 0)
        path.append((i, j))
    return path[::-1]


def _mean_column(path: list[tuple[int, int]], n: int) -> Floats:
    rows, columns = np.array(path).T
    return np.bincount(rows, columns, n) / np.bincount(rows, minlength=n)
