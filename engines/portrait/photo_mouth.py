"""The photo's mouth as a bank of one: its lips warped to any shape, its jaw following, its inside painted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engines.face.mediapipe_landmarker import FACE_OVAL
from engines.lipsync import mouth_blend as blend
from engines.lipsync import mouth_geometry as geometry
from engines.lipsync import mouth_warp as warp
from engines.lipsync.mouth_curve import SpeakerRange
from engines.portrait.mouth_interior import MouthColours, MouthInterior, coverage, inner_lips

Map = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]
Terms = npt.NDArray[np.float64]

MASK_BESIDE_MOUTH, MASK_BELOW_NOSE, MASK_ABOVE_CHIN = 0.20, 0.02, 0.03
"""How far the replaced region reaches, IOD; as lip-sync of videos has it."""
SMOOTH_CELL = 4
RESAMPLED = 0.15
"""Sharpening that gives back what one cubic look-up takes."""
JAW_SHARE = 0.5
"""IOD that the chin drops per IOD of aperture: the lower lip drops 0.65 of it, and soft tissue lags."""
SHOWS_TEETH = 0.03
"""Aperture (IOD) from which the photo's own mouth is taken to show what is inside."""
SHUT, RIM_SHARE, MOST_RIM = 0.01, 0.35, 0.025
"""Of an opening beyond SHUT this share counts as rim above and below, at most MOST_RIM; all IOD."""
OWN_MARGIN = 0.012
"""IOD next to the photo's lips that are lip and shadow, not teeth."""


def usual_range(shape: Terms) -> SpeakerRange:
    """How a mouth of this size moves while talking: `shape` (n_points, 2) canonical, geometry.SHAPE_POINTS. The
    aperture's mean, spread and top are those of the five development clips' speakers, taken together; a smile is
    narrowed towards a talking mouth."""
    width = float(shape[geometry.N_LIP - 1, 0] - shape[0, 0])
    lip = float(shape[geometry.LIP_LINES[3], 1][geometry.MID] - shape[geometry.LIP_LINES[2], 1][geometry.MID])
    lip = min(max(lip, 0.07), 0.16)
    talking = min(width, 0.60 + 0.6 * max(width - 0.60, 0.0))
    return SpeakerRange(
        aperture_mean=0.075,
        aperture_sd=0.055,
        aperture_high=0.22,
        width_low=0.86 * talking,
        width_mid=0.98 * talking,
        width_high=1.06 * talking,
        width_rest=talking,
        lip_low=0.78 * lip,
        lip_mid=lip,
        lip_high=1.12 * lip,
    )


@dataclass(frozen=True)
class MouthShape:
    """One frame's aim, IOD: see mouth_curve.MouthCurve."""

    aperture: float
    width: float
    lip: float


class PhotoMouth:
    """Keeps nothing between frames."""

    def __init__(self, photo: Bytes, shape: Terms, oval_px: Terms, terms: Terms) -> None:
        """`photo`: planar yuv420p. `shape`: canonical lips and jaw; `oval_px`: the face's outline; `terms`: see
        geometry.Placement, of the one frame there is."""
        self._photo, self._shape, self._terms = photo, shape, terms
        self._size = photo.shape[1], photo.shape[0] * 2 // 3
        self._oval = oval_px
        self._px_per_unit = float(np.hypot(terms[0], terms[1]))
        self._nose_y, self._chin_y = float(shape[geometry.NOSE, 1]), float(shape[geometry.CHIN, 1])
        self._own = warp.mouth_lines(shape, self._nose_y, self._chin_y)
        self._lines = warp.mouth_lines(_without_rim(shape), self._nose_y, self._chin_y)
        lips = shape[: 4 * geometry.N_LIP]
        self._width = float(self._lines.right - self._lines.left)
        self._lip = max(float((shape[geometry.LIP_LINES[3], 1] - shape[geometry.LIP_LINES[2], 1])[geometry.MID]), 1e-3)
        self.aperture = max(
            0.0, float((shape[geometry.LIP_LINES[2], 1] - shape[geometry.LIP_LINES[1], 1])[geometry.MID])
        )
        self._half_width = max(self._width, usual_range(shape).width_high) / 2 + MASK_BESIDE_MOUTH
        middle_x = float(lips[:, 0].mean())
        rest_y = float(shape[geometry.LIP_LINES[1], 1][geometry.MID]) + 0.35 * self.aperture
        self._interior = MouthInterior(MouthColours.beside(self._skin()), rest_y, middle_x)
        self._prepare_jaw()

    def target(self, aim: MouthShape) -> Terms:
        """Lips and jaw as they shall be: canonical (n_points, 2)."""
        shape = self._shape.copy()
        lips = shape[: 4 * geometry.N_LIP]
        middle = (self._lines.left + self._lines.right) / 2
        lips[:, 0] = middle + (lips[:, 0] - middle) * (aim.width / self._width)
        inner, outer = (shape[geometry.LIP_LINES[k], 1] for k in (2, 3))
        outer[:] = inner + (outer - inner) * (aim.lip / self._lip)
        moved: Terms = geometry.with_aperture(shape[None], np.array([aim.aperture]))[0]
        moved[geometry.JAW_LINE, 1] += JAW_SHARE * (aim.aperture - self.aperture)
        return moved

    def set(self, frame: Bytes, aim: MouthShape) -> None:
        """Give a frame that shows the photo this mouth, in place."""
        target = self.target(aim)
        chin_y = float(target[geometry.CHIN, 1])
        if not self._jaw_box.is_empty:
            blend.move_jaw(frame, self._jaw_box, self._jaw_moves, self._terms, chin_y - self._chin_y)
        top, bottom = self._nose_y + MASK_BELOW_NOSE, chin_y - MASK_ABOVE_CHIN
        region = blend.MaskShape((top + bottom) / 2, self._half_width, (bottom - top) / 2)
        covered = blend.lower_face_corners(self._field, region)[1]
        box = blend.box_around(self._terms, covered, *self._size)
        if box.is_empty:
            return
        x, y = blend.canonical_grid(self._terms, box)
        lines = warp.mouth_lines(target, self._nose_y, chin_y)
        mask = blend.enlarged(region.at(*blend.canonical_grid(self._terms, box, SMOOTH_CELL)), box, SMOOTH_CELL)
        mask *= blend.inside_face(self._oval, box, self._px_per_unit)
        mouth = self._look_up(*warp.source_of(x, y, lines, self._lines))
        mouth[0] = blend.sharpened(mouth[0], RESAMPLED)
        self._fill(mouth, x, y, lines)
        blend.set_mouth(frame, box, mask, mouth, 1.0)

    def _fill(self, mouth: list[Map], x: Map, y: Map, lines: warp.MouthLines) -> None:
        """Lay the mouth's inside between the parted lips; in place."""
        pixel = 1 / self._px_per_unit
        top, bottom = inner_lips(x, lines)
        open_ = coverage(y, top, bottom, pixel) * np.clip((bottom - top) / np.float32(2 * pixel), 0, 1)
        rows, columns = np.flatnonzero(open_.any(axis=1)), np.flatnonzero(open_.any(axis=0))
        if not len(rows):
            return
        part = (
            slice(int(rows[0]) & ~1, (int(rows[-1]) + 2) & ~1),
            slice(int(columns[0]) & ~1, (int(columns[-1]) + 2) & ~1),
        )
        x, y, top, bottom, open_ = (np.ascontiguousarray(field[part]) for field in (x, y, top, bottom, open_))
        inside = self._interior.paint(x, y, top, bottom)
        if self.aperture > SHOWS_TEETH:
            inside = self._with_own(inside, x, y)
        for k, scale in enumerate((1, 2, 2)):
            shown, over = (open_, inside[k]) if scale == 1 else (open_[::2, ::2], inside[k][::2, ::2])
            view = mouth[k][
                part[0].start // scale : part[0].stop // scale, part[1].start // scale : part[1].stop // scale
            ]
            view += shown[: view.shape[0], : view.shape[1]] * (over[: view.shape[0], : view.shape[1]] - view)

    def _with_own(self, inside: tuple[Map, Map, Map], x: Map, y: Map) -> tuple[Map, Map, Map]:
        """The photo's own teeth where it shows them, carried up behind the upper lip; below them what was painted."""
        top, bottom = inner_lips(x, self._own)
        from_y = np.maximum(y, top + np.float32(OWN_MARGIN))
        own = np.clip((bottom - OWN_MARGIN - y) / np.float32(OWN_MARGIN), 0, 1)
        own *= np.clip((bottom - top) / np.float32(2 * OWN_MARGIN) - 0.5, 0, 1)
        map_x, map_y = blend.to_pixels(self._terms, x, from_y, (0, 0))
        planes = blend.planes(self._photo)
        sampled = [blend.sample(planes[0], map_x, map_y)]
        sampled += [
            blend.sample(plane, map_x / 2 - np.float32(0.25), map_y / 2 - np.float32(0.25)) for plane in planes[1:]
        ]
        return tuple(over + own * (real - over) for over, real in zip(inside, sampled, strict=True))  # type: ignore[return-value]

    def _look_up(self, from_x: Map, from_y: Map) -> list[Map]:
        map_x, map_y = blend.to_pixels(self._terms, from_x, from_y, (0, 0))
        halves = blend.half(map_x, map_y)
        luma, *chroma = blend.planes(self._photo)
        return [blend.sample(luma, map_x, map_y), *(blend.sample(plane, *halves) for plane in chroma)]

    def _prepare_jaw(self) -> None:
        """The jaw's field is the same in every frame."""
        lip_y = float(self._shape[geometry.LIP_LINES[2], 1].mean())
        self._field = warp.JawField(lip_y=lip_y, chin_y=self._chin_y)
        moved = blend.lower_face_corners(self._field, blend.MaskShape(0.0, 1.0, 1.0))[0]
        self._jaw_box = blend.box_around(self._terms, moved, *self._size)
        cells = self._field.at(*blend.canonical_grid(self._terms, self._jaw_box, SMOOTH_CELL))
        self._jaw_moves = blend.enlarged(cells, self._jaw_box, SMOOTH_CELL)

    def _skin(self) -> tuple[float, float, float]:
        """Median luma, Cb and Cr of the skin on both sides of the mouth."""
        planes = blend.planes(self._photo)
        reach = max(2, round(0.05 * self._px_per_unit))
        patches: list[list[npt.NDArray[np.uint8]]] = [[], [], []]
        a, b, tx, ty = self._terms
        for x in (self._lines.left - 0.12, self._lines.right + 0.12):
            y = float(self._shape[0, 1]) - 0.05
            px, py = int(a * x - b * y + tx), int(b * x + a * y + ty)
            for k, scale in enumerate((1, 2, 2)):
                u, v, r = px // scale, py // scale, max(1, reach // scale)
                patches[k].append(planes[k][max(0, v - r) : v + r, max(0, u - r) : u + r].reshape(-1))
        values = [np.concatenate(patch) for patch in patches]
        return tuple(float(np.median(each)) if len(each) else 128.0 for each in values)  # type: ignore[return-value]


def _without_rim(shape: Terms) -> Terms:
    """The photo's lips where they are surely lip: of parted lips the inner rims, which are wet, shaded and not found to
    the pixel, are left out, or they would be seen as a gap when the lips meet."""
    trimmed = shape.copy()
    top, bottom = (trimmed[geometry.LIP_LINES[k], 1] for k in (1, 2))
    opening = bottom - top
    rim = np.clip(opening - SHUT, 0, None) * RIM_SHARE
    upper = trimmed[geometry.LIP_LINES[0], 1] - top
    lower = trimmed[geometry.LIP_LINES[3], 1] - bottom
    top -= np.minimum(np.minimum(rim, MOST_RIM), -0.45 * np.minimum(upper, 0))
    bottom += np.minimum(np.minimum(rim, MOST_RIM), 0.45 * np.maximum(lower, 0))
    return trimmed


def face_shape(canonical: Terms) -> Terms:
    """(478, 2) canonical mesh -> (n_points, 2), geometry.SHAPE_POINTS."""
    return canonical[list(geometry.SHAPE_POINTS)].astype(np.float64)


def eye_terms(points_px: npt.NDArray[np.floating]) -> Terms:
    """geometry.Placement's terms of a mesh in pixels, from the outer eye corners alone."""
    left, right = points_px[33, :2].astype(np.float64), points_px[263, :2].astype(np.float64)
    (dx, dy), (tx, ty) = right - left, (left + right) / 2
    return np.array([dx, dy, tx, ty])


def outline(points_px: npt.NDArray[np.floating]) -> Terms:
    """The face's outline in pixels, (36, 2)."""
    return points_px[list(FACE_OVAL), :2].astype(np.float64)
