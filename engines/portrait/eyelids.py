"""Blinks on a photo: the upper lid's own skin is drawn down over the eye, which stays where it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engines.lipsync import mouth_blend as blend

Map = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]
Terms = npt.NDArray[np.float64]

RIGHT_EYE = {
    "upper": (33, 246, 161, 160, 159, 158, 157, 173, 133),
    "lower": (33, 7, 163, 144, 145, 153, 154, 155, 133),
    "brow": (46, 53, 52, 65, 55),
}
LEFT_EYE = {
    "upper": (362, 398, 384, 385, 386, 387, 388, 466, 263),
    "lower": (362, 382, 381, 380, 374, 373, 390, 249, 263),
    "brow": (285, 295, 282, 283, 276),
}
"""The person's own right and left: left and right in the picture. Lines from left to right in the picture."""
LOW_SHARE = 0.86
"""Where the lids meet: this far down from the upper lid to the lower one."""
LASHES = 0.03
"""IOD above the lid's rim that keep their shape: the lashes and the line they stand in."""
SKIN_FROM = 0.35
"""The lid's skin begins this far down from the brow: rims of glasses, which lie at the brow, stay straight."""
BELOW = 0.10
"""IOD under the eye over which the lower lid's rise fades out."""
BESIDE = 0.06


@dataclass(frozen=True)
class Eyelid:
    """One eye. Lines are canonical heights over the columns of `x`, in steps of a pixel or less."""

    box: blend.Box
    terms: Terms
    x: Map
    y: Map
    columns: Map
    brow: Map
    upper: Map
    lower: Map
    pixel: float

    @classmethod
    def of(cls, points: Terms, lines: dict[str, tuple[int, ...]], terms: Terms, size: tuple[int, int]) -> Eyelid:
        """`points` (478, 2) canonical; `size`: width and height of the picture."""
        brow, upper, lower = (points[list(lines[name])] for name in ("brow", "upper", "lower"))
        left, right = float(upper[0, 0]), float(upper[-1, 0])
        top = float(brow[:, 1].min())
        bottom = float(lower[:, 1].max()) + BELOW
        corners = np.array(
            [(left - BESIDE, top), (right + BESIDE, top), (left - BESIDE, bottom), (right + BESIDE, bottom)]
        )
        box = blend.box_around(terms, corners, *size)
        x, y = blend.canonical_grid(terms, box)
        pixel = 1.0 / float(np.hypot(terms[0], terms[1]))
        columns = np.arange(left - BESIDE - 0.02, right + BESIDE + 0.02, pixel / 2, dtype=np.float32)
        heights = [_line(columns, line) for line in (brow, upper, lower)]
        skin = heights[0] + np.float32(SKIN_FROM) * (heights[1] - heights[0])
        heights[0] = np.minimum(skin, heights[1] - np.float32(2 * LASHES))
        return cls(box, terms, x, y, columns, heights[0], heights[1], np.maximum(heights[1], heights[2]), pixel)

    def shut(self, frame: Bytes, photo: Bytes, amount: float) -> None:
        """Draw the lid over the eye by `amount` 0..1, in place. `photo`: the frame with open eyes."""
        if self.box.is_empty or amount <= 0:
            return
        station = np.clip((self.x - self.columns[0]) * np.float32(2 / self.pixel), 0, len(self.columns) - 1)
        index = station.astype(np.intp)
        meet = self.upper + np.float32(LOW_SHARE) * (self.lower - self.upper)
        rim = np.take(self.upper + np.float32(amount) * (meet - self.upper), index)
        floor = np.take(self.lower + np.float32(amount) * (meet - self.lower), index)
        from_y = self._lid(rim, index)
        below = np.clip((self.y - floor) / np.maximum(np.take(self.lower, index) + BELOW - floor, 1e-4), 0, 1)
        rise = (np.take(self.lower, index) - floor) * (1 - below)
        from_y = np.where(self.y > (rim + floor) / 2, self.y + rise, from_y)
        seen = np.clip((self.y - rim) / self.pixel + 0.5, 0, 1) * np.clip((floor - self.y) / self.pixel + 0.5, 0, 1)
        seen *= np.clip((floor - rim) / (2 * self.pixel), 0, 1)
        map_x, map_y = blend.to_pixels(self.terms, self.x, from_y.astype(np.float32), (0, 0))
        halves = blend.half(map_x, map_y)
        box = self.box
        half_seen = np.ascontiguousarray(seen[::2, ::2])
        for plane, source, scale in zip(blend.planes(frame), blend.planes(photo), (1, 2, 2), strict=True):
            part = (slice(box.y0 // scale, box.y1 // scale), slice(box.x0 // scale, box.x1 // scale))
            lid = blend.sample(source, *((map_x, map_y) if scale == 1 else halves))
            eye = seen if scale == 1 else half_seen
            plane[part] = np.clip(lid + eye * (source[part].astype(np.float32) - lid) + 0.5, 0, 255)

    def _lid(self, rim: Map, index: npt.NDArray[np.intp]) -> Map:
        """Where the upper lid's skin comes from: brow to lashes is stretched, the lashes ride on the rim."""
        brow, upper = np.take(self.brow, index), np.take(self.upper, index)
        stretch = (upper - LASHES - brow) / np.maximum(rim - LASHES - brow, 1e-4)
        skin = brow + (self.y - brow) * stretch
        lashes = self.y - rim + upper
        return np.where(self.y < brow, self.y, np.where(self.y < rim - LASHES, skin, lashes))


def eyelids(canonical: Terms, terms: Terms, size: tuple[int, int]) -> tuple[Eyelid, ...]:
    """Both eyes of a face whose mesh is `canonical` (478, 2)."""
    return tuple(Eyelid.of(canonical, lines, terms, size) for lines in (RIGHT_EYE, LEFT_EYE))


def _line(columns: Map, points: Terms) -> Map:
    order = np.argsort(points[:, 0])
    return np.interp(columns, points[order, 0], points[order, 1]).astype(np.float32)
