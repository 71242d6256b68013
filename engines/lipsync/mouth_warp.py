"""Where each pixel of the new mouth comes from.

Along the mouth, position u runs from -1 (left corner in the picture) to 1 (right corner). At every u six heights are
known, in the target and in the bank frame: nose base, the four lip lines, chin. Between them heights map linearly, so
lip lines land on lip lines exactly, and where the target's inner lines meet, the opening vanishes: a mouth that is to
be shut is shut. Sideways, corners map to corners.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engines.lipsync import mouth_geometry as geometry

Floats = npt.NDArray[np.float64]
Map = npt.NDArray[np.float32]

N_STATIONS = 257
"""Stations along u in [-REACH, REACH]: under a pixel apart, or a tilted lip line becomes a stair."""
REACH = 2.2
"""Lip lines end at |u| = 1; what they move fades out to |u| = REACH."""


@dataclass(frozen=True)
class MouthLines:
    """`heights` (6, N_STATIONS): canonical y of nose base, outer top, inner top, inner bottom, outer bottom and chin;
    `left`, `right`: x of the corners."""

    heights: Floats
    left: float
    right: float


def mouth_lines(shape: Floats, nose_y: float, chin_y: float) -> MouthLines:
    """`shape` (n_points, 2) canonical, see geometry.SHAPE_POINTS. Nose and chin are given apart: the tracker knows them
    less well than a whole title's average does. Lines that cross are set to their mean (lips do not overlap)."""
    left, right = float(shape[0, 0]), float(shape[geometry.N_LIP - 1, 0])
    stations = np.linspace(-REACH, REACH, N_STATIONS)
    lines = []
    for line in geometry.LIP_LINES:
        points = shape[line]
        u = (points[:, 0] - left) / max(right - left, 1e-6) * 2 - 1
        order = np.argsort(u)
        lines.append(np.interp(stations, u[order], points[order, 1]))
    heights = np.stack([np.full(N_STATIONS, nose_y), *lines, np.full(N_STATIONS, chin_y)])
    crossed = heights[2] > heights[3]
    heights[2:4, crossed] = heights[2:4, crossed].mean(axis=0)
    return MouthLines(np.maximum.accumulate(heights, axis=0), left, right)


def source_of(x: Map, y: Map, target: MouthLines, bank: MouthLines) -> tuple[Map, Map]:
    """For canonical pixel positions (h, w) of the new picture: the bank frame's canonical positions, float32 (h, w)."""
    half = (target.right - target.left) / 2
    u = (x - np.float32((target.left + target.right) / 2)) * np.float32(1 / half)
    fade = _fall(np.abs(u), 1.0, REACH)
    station = np.clip((u + np.float32(REACH)) * np.float32((N_STATIONS - 1) / (2 * REACH)), 0, N_STATIONS - 1)
    station_index = np.rint(station).astype(np.intp)
    move = (bank.heights - target.heights).astype(np.float32)
    knots = target.heights.astype(np.float32)
    rise = np.diff(knots, axis=0)
    slope = np.diff(move, axis=0) / np.maximum(rise, np.float32(1e-4))
    dy = np.take(move[0], station_index)
    for k in range(5):
        step = np.minimum(np.maximum(y - np.take(knots[k], station_index), 0), np.take(rise[k], station_index))
        if k == 2:  # a shut line has no height: the move jumps there, as lips do
            is_below = y > np.take(knots[3], station_index) - np.take(rise[2], station_index) * np.float32(0.5)
            flat = np.take(rise[2], station_index) < 2e-3
            jump = np.take(move[3] - move[2], station_index)
            dy += np.where(flat, np.where(is_below, jump, 0), step * np.take(slope[2], station_index))
        else:
            dy += step * np.take(slope[k], station_index)
    centre_move = np.float32((bank.left + bank.right - target.left - target.right) / 2)
    widen = np.float32((bank.right - bank.left) / (target.right - target.left) - 1)
    near = _near_mouth(y, target)
    dx = near * fade * (centre_move + widen * np.float32(half) * np.clip(u, -1, 1))
    return x + dx, y + dy * fade


def _near_mouth(y: Map, lines: MouthLines) -> Map:
    """1 at the lips, fading to 0 at the nose and at the chin."""
    top, bottom = np.float32(lines.heights[1].min()), np.float32(lines.heights[4].max())
    above = _fall(top - y, 0.0, float(top - lines.heights[0, 0]))
    below = _fall(y - bottom, 0.0, float(lines.heights[5, 0] - bottom))
    return above * below


def _fall(value: Map, start: float, end: float) -> Map:
    """1 up to `start`, smoothly to 0 at `end`."""
    t = np.clip((value - np.float32(start)) * np.float32(1 / max(end - start, 1e-6)), 0, 1)
    return 1 - t * t * (3 - 2 * t)


@dataclass(frozen=True)
class JawField:
    """How much of the chin's movement each point of the lower face follows: all of it on the chin, none above the lips,
    beside the ears, and below the throat. Canonical."""

    lip_y: float
    chin_y: float
    half_width: float = 0.85
    throat: float = 0.38

    def at(self, x: Map, y: Map) -> Map:
        """0..1, float32 of the given positions."""
        sideways = _fall(np.abs(x), 0.28, self.half_width)
        upper = 1 - _fall(y, self.lip_y, self.chin_y - 0.06)
        lower = _fall(y, self.chin_y + 0.03, self.chin_y + self.throat)
        return sideways * upper * lower
