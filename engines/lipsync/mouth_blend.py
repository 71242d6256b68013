"""Set a borrowed mouth into a frame: the frame's own jaw follows, colours meet on the rim, edges are soft.

Works on the planes of a yuv420p frame, inside one box; every pixel outside the box stays the one that was decoded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engines.lipsync import mouth_warp as warp

Bytes = npt.NDArray[np.uint8]
Map = npt.NDArray[np.float32]
Terms = npt.NDArray[np.float64]

SMALLEST_JAW_MOVE_PX = 0.3
COARSE = 8
"""Colour differences are spread over the mouth on a grid this much coarser than the picture."""


@dataclass(frozen=True)
class MaskShape:
    """The replaced region at rest, canonical: a rounded box between nose and chin."""

    centre_y: float
    half_width: float
    half_height: float
    softness: float = 0.28

    def at(self, x: Map, y: Map) -> Map:
        """0..1: 1 well inside, 0 outside."""
        a = np.abs(x) * np.float32(1 / self.half_width)
        b = np.abs(y - np.float32(self.centre_y)) * np.float32(1 / self.half_height)
        radius = np.sqrt(np.sqrt(np.square(a * a) + np.square(b * b)))
        t = np.clip((1 - radius) * np.float32(1 / self.softness), 0, 1)
        return t * t * (3 - 2 * t)


COARSE_OVAL = 4
OVAL_SOFTNESS = 0.07
"""IOD over which the mouth fades towards the face's outline."""


def inside_face(oval_px: npt.NDArray[np.floating], box: Box, px_per_unit: float) -> Map:
    """0 on and beyond the face's outline (n, 2; displayed pixels), 1 well inside it; the box's size. Keeps a borrowed
    cheek from sticking out where the head is turned."""
    import cv2

    width, height = box.x1 - box.x0, box.y1 - box.y0
    inner = _inner(
        oval_px - np.array([box.x0, box.y0]), -(-width // COARSE_OVAL), -(-height // COARSE_OVAL), px_per_unit
    )
    large = cv2.resize(
        inner, (inner.shape[1] * COARSE_OVAL, inner.shape[0] * COARSE_OVAL), interpolation=cv2.INTER_LINEAR
    )
    return np.asarray(large[:height, :width], np.float32)


def inside_bank_face(
    oval_px: npt.NDArray[np.floating], shape: tuple[int, int], px_per_unit: float, map_x: Map, map_y: Map
) -> Map:
    """The same of a bank frame's outline (in its crop's pixels; the crop is `shape` (h, w)), looked up where the maps
    lead: its background must not come along."""
    import cv2

    inner = _inner(oval_px, -(-shape[1] // COARSE_OVAL), -(-shape[0] // COARSE_OVAL), px_per_unit)
    scale, shift = np.float32(1 / COARSE_OVAL), np.float32(0.5 / COARSE_OVAL - 0.5)
    return np.asarray(
        cv2.remap(
            inner, map_x * scale + shift, map_y * scale + shift, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        ),
        np.float32,
    )


def _inner(oval_px: npt.NDArray[np.floating], width: int, height: int, px_per_unit: float) -> Map:
    """Polygon (n, 2) in full pixels -> float32 (height, width) of a raster COARSE_OVAL times coarser."""
    import cv2

    filled = np.zeros((height, width), np.float32)
    points = np.rint((oval_px / COARSE_OVAL - 0.5) * 16).astype(np.int32)
    cv2.fillPoly(filled, [points], 1.0, shift=4)
    soft = cv2.GaussianBlur(filled, (0, 0), max(0.8, OVAL_SOFTNESS * px_per_unit / COARSE_OVAL))
    return np.clip(soft * 2 - 1, 0, 1)


@dataclass(frozen=True)
class Box:
    """Even pixel box in the picture."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def is_empty(self) -> bool:
        return self.x1 - self.x0 < 16 or self.y1 - self.y0 < 16


def box_around(terms: Terms, corners: Terms, width_px: int, height_px: int) -> Box:
    """The picture's box that holds canonical `corners` (n, 2), clipped, even."""
    a, b, tx, ty = terms
    x, y = a * corners[:, 0] - b * corners[:, 1] + tx, b * corners[:, 0] + a * corners[:, 1] + ty
    x0, y0 = max(0, int(x.min())) & ~1, max(0, int(y.min())) & ~1
    x1, y1 = min(width_px, int(x.max()) + 2) & ~1, min(height_px, int(y.max()) + 2) & ~1
    return Box(x0, y0, max(x0, x1), max(y0, y1))


def canonical_grid(terms: Terms, box: Box, every: int = 1) -> tuple[Map, Map]:
    """Canonical x and y, float32, of the box's pixel centres; with `every` n, of the centres of its n x n cells."""
    a, b, tx, ty = (float(value) for value in terms)
    scale = a * a + b * b
    first = every / 2
    px = (np.arange(box.x0, box.x1, every, dtype=np.float32) + np.float32(first - tx))[None]
    py = (np.arange(box.y0, box.y1, every, dtype=np.float32) + np.float32(first - ty))[:, None]
    a, b = np.float32(a / scale), np.float32(b / scale)
    return px * a + py * b, py * a - px * b


def enlarged(cells: Map, box: Box, every: int) -> Map:
    """A smooth map known at the centres of n x n cells -> one value per pixel of the box."""
    import cv2

    size = (cells.shape[1] * every, cells.shape[0] * every)
    return np.asarray(
        cv2.resize(cells, size, interpolation=cv2.INTER_LINEAR)[: box.y1 - box.y0, : box.x1 - box.x0], np.float32
    )


def to_pixels(terms: Terms, x: Map, y: Map, corner: tuple[int, int]) -> tuple[Map, Map]:
    """Canonical positions -> pixel indices (0 = first pixel's centre) of an image whose top left was at `corner`."""
    a, b, tx, ty = (np.float32(value) for value in terms)
    return x * a - y * b + (tx - np.float32(corner[0] + 0.5)), x * b + y * a + (ty - np.float32(corner[1] + 0.5))


def half(map_x: Map, map_y: Map) -> tuple[Map, Map]:
    """Luma maps -> chroma maps: one sample per 2x2 pixels, in units of chroma samples."""
    return tuple(  # type: ignore[return-value]
        (plane[::2, ::2] + plane[1::2, 1::2]) * np.float32(0.25) - np.float32(0.25) for plane in (map_x, map_y)
    )


def sample(image: Bytes, map_x: Map, map_y: Map) -> Map:
    """Cubic look-up of a plane, float32, borders repeated."""
    import cv2

    return np.asarray(cv2.remap(image, map_x, map_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE), np.float32)


def planes(frame: Bytes) -> tuple[Bytes, Bytes, Bytes]:
    """Views of a planar yuv420p frame's three planes."""
    height, width = frame.shape[0] * 2 // 3, frame.shape[1]
    chroma = frame[height:].reshape(2, height // 2, width // 2)
    return frame[:height], chroma[0], chroma[1]


def move_jaw(frame: Bytes, box: Box, field: Map, terms: Terms, chin_move: float) -> None:
    """Shift the frame's own lower face down by `chin_move` (IOD, negative: up) where `field` (the box's size) says.
    In place."""
    a, b = float(terms[0]), float(terms[1])
    if abs(chin_move) * np.hypot(a, b) < SMALLEST_JAW_MOVE_PX:
        return
    rows = np.arange(box.y1 - box.y0, dtype=np.float32)[:, None]
    columns = np.arange(box.x1 - box.x0, dtype=np.float32)[None]
    map_x = columns + field * np.float32(chin_move * b)
    map_y = rows - field * np.float32(chin_move * a)
    chroma_maps = half(map_x, map_y)
    for plane, scale in zip(planes(frame), (1, 2, 2), strict=True):
        view = plane[box.y0 // scale : box.y1 // scale, box.x0 // scale : box.x1 // scale]
        maps = (map_x, map_y) if scale == 1 else chroma_maps
        view[:] = np.clip(sample(view, *maps) + 0.5, 0, 255)


def sharpened(image: Map, amount: float) -> Map:
    """Unsharp mask of one pixel's radius, float32."""
    import cv2

    soft = cv2.GaussianBlur(image, (0, 0), 1.0)
    return np.asarray(cv2.addWeighted(image, 1 + amount, soft, -amount, 0), np.float32)


def lay_over(under: Bytes, over: Map, mask: Map, share: float) -> None:
    """Lay `over` on `under` (in place) through `mask` and at most `share` of it, after carrying the colour difference
    on the mask's rim over the whole of it: smooth light changes vanish, texture stays."""
    import cv2

    base = under.astype(np.float32)
    rim = mask * (1 - mask)
    size = (max(2, over.shape[1] // COARSE), max(2, over.shape[0] // COARSE))
    weight = cv2.resize(rim, size, interpolation=cv2.INTER_AREA)
    unlike = cv2.resize((base - over) * rim, size, interpolation=cv2.INTER_AREA)
    sd = max(size) * 0.22
    spread = cv2.GaussianBlur(weight, (0, 0), sd, borderType=cv2.BORDER_CONSTANT) + 1e-5
    shift = cv2.GaussianBlur(unlike, (0, 0), sd, borderType=cv2.BORDER_CONSTANT) / spread
    shift = cv2.resize(shift, (over.shape[1], over.shape[0]), interpolation=cv2.INTER_LINEAR)
    base += mask * np.float32(share) * (over + shift - base)
    under[:] = np.clip(base + 0.5, 0, 255)


def set_mouth(frame: Bytes, box: Box, mask: Map, mouth: Sequence[Map], share: float) -> None:
    """Write a borrowed mouth into the frame's planes, in place. `mask` 0..1 has the box's size, as has the first of
    `mouth`'s three planes; the chroma planes have half of it."""
    half_mask = np.ascontiguousarray(mask[::2, ::2])
    for plane, over, scale in zip(planes(frame), mouth, (1, 2, 2), strict=True):
        view = plane[box.y0 // scale : box.y1 // scale, box.x0 // scale : box.x1 // scale]
        lay_over(view, over, mask if scale == 1 else half_mask, share)


def lower_face_corners(field: warp.JawField, mask: MaskShape) -> tuple[Terms, Terms]:
    """Canonical corners of what the jaw field moves, and of what the mask covers."""
    x, low, high = field.half_width, field.lip_y, field.chin_y + field.throat
    moved = np.array([(-x, low), (x, low), (-x, high), (x, high)])
    x, low = mask.half_width, mask.centre_y - mask.half_height
    high = mask.centre_y + mask.half_height
    return moved, np.array([(-x, low), (x, low), (-x, high), (x, high)])
