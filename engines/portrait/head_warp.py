"""Turn the head of a photo by a few degrees: every pixel moves by its depth, neck and shoulders follow less and less.

The mesh knows the face's depth; hair, ears and neck lie on the head's axis, so a turn hardly moves its outline, and
nothing tears. All movements are sums of a few smooth fields, made once per photo on a coarse grid.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engines.face.mediapipe_landmarker import FACE_OVAL
from engines.lipsync import mouth_blend as blend
from engines.portrait.head_motion import HeadMotion
from engines.portrait.photo_face import PhotoFace

Map = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

CELL = 8
"""Pixels per side of the fields' cells."""
CHIN, FOREHEAD = 152, 10
EARS = (234, 454)
BROWS = (105, 334)
NECK_S, NECK_E = 0.0, 1.5
"""From the chin down (IOD): where the neck begins to stay behind, and where it no longer moves."""
NOD_DROP = 0.3
"""IOD by which a nod of one radian lowers the head: it turns about the neck, not about its middle."""


@dataclass(frozen=True)
class HeadFields:
    """On cells of CELL pixels, float32 (rows, columns) each. `depth`: towards the camera (px) from the axis through the
    ears; `rigid` 0..1: how much of the head's own movement a point takes part in; `brow` 0..1: of the brows' rise.
    `x`, `y`: from the neck's pivot, px. `iod_px`."""

    depth: Map
    rigid: Map
    brow: Map
    x: Map
    y: Map
    iod_px: float

    @classmethod
    def of(cls, face: PhotoFace, width_px: int, height_px: int) -> HeadFields:
        import cv2

        iod = face.iod_px
        rows, columns = -(-height_px // CELL), -(-width_px // CELL)
        x = (np.arange(columns, dtype=np.float32) + np.float32(0.5))[None] * CELL + np.zeros((rows, 1), np.float32)
        y = (np.arange(rows, dtype=np.float32) + np.float32(0.5))[:, None] * CELL + np.zeros((1, columns), np.float32)
        chin, forehead = face.points[CHIN, :2], face.points[FOREHEAD, :2]
        up = (forehead - chin) / np.hypot(*(forehead - chin))
        tall = float(np.hypot(*(forehead - chin)))
        ears = face.points[list(EARS)]
        middle = (chin + forehead) / 2 + up * 0.12 * tall
        along = (x - middle[0]) * up[0] + (y - middle[1]) * up[1]
        across = (x - middle[0]) * -up[1] + (y - middle[1]) * up[0]
        broad = float(np.hypot(*(ears[1, :2] - ears[0, :2])))
        radius = np.hypot(along / (0.78 * tall), across / (0.82 * broad))
        below_chin = -((x - chin[0]) * up[0] + (y - chin[1]) * up[1]) / iod
        rigid = _fall(radius, 1.0, 2.1) * _fall(below_chin, NECK_S, NECK_E)
        pivot = chin - up * 0.9 * iod
        brow = sum(
            np.exp(-0.5 * (((x - px) / (0.22 * iod)) ** 2 + ((y - py + 0.04 * iod) / (0.10 * iod)) ** 2))
            for px, py in face.points[list(BROWS), :2]
        )
        depth = _depth(face, rows, columns) * _fall(radius, 0.95, 1.35)
        soft = max(1.0, 0.05 * iod / CELL)
        return cls(
            depth=np.asarray(cv2.GaussianBlur(depth, (0, 0), soft), np.float32),
            rigid=rigid.astype(np.float32),
            brow=np.minimum(np.asarray(brow, np.float32), 1.0),
            x=(x - pivot[0]).astype(np.float32),
            y=(y - pivot[1]).astype(np.float32),
            iod_px=iod,
        )

    def displacement(self, motion: HeadMotion, frame: int) -> tuple[Map, Map]:
        """By how many pixels each cell's middle moves, to the right and down."""
        yaw, pitch, roll = float(motion.yaw[frame]), float(motion.pitch[frame]), float(motion.roll[frame])
        shift_x = float(motion.dx[frame]) * self.iod_px
        shift_y = (float(motion.dy[frame]) + NOD_DROP * pitch) * self.iod_px
        dx = self.rigid * np.float32(shift_x) + self.rigid * self.y * np.float32(-roll) + self.depth * np.float32(yaw)
        dy = self.rigid * np.float32(shift_y) + self.rigid * self.x * np.float32(roll) + self.depth * np.float32(pitch)
        dy -= self.brow * np.float32(float(motion.brows[frame]) * self.iod_px)
        return dx, dy


@dataclass(frozen=True)
class Look:
    """Where each pixel of one frame is looked up in the photo: maps in pixel indices for luma and for chroma."""

    luma: tuple[Map, Map]
    chroma: tuple[Map, Map]

    @classmethod
    def of(cls, displacement: tuple[Map, Map], width_px: int, height_px: int) -> Look:
        luma = _maps(displacement, width_px, height_px, CELL, 1.0)
        return cls(luma, _maps(displacement, width_px // 2, height_px // 2, CELL // 2, 0.5))

    def of_frame(self, frame: Bytes) -> Bytes:
        """A planar yuv420p frame as it is seen: a new one."""
        seen = np.empty_like(frame)
        for k, (into, plane) in enumerate(zip(blend.planes(seen), blend.planes(frame), strict=True)):
            into[:] = self.at(plane, is_chroma=k > 0)
        return seen

    def at(self, plane: Bytes, *, is_chroma: bool = False) -> Bytes:
        """A plane as it is seen; beyond the photo's edge its edge is repeated."""
        import cv2

        maps = self.chroma if is_chroma else self.luma
        return np.asarray(cv2.remap(plane, *maps, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _maps(displacement: tuple[Map, Map], width: int, height: int, cell: int, scale: float) -> tuple[Map, Map]:
    """Fields are smooth and small, so where a pixel comes from is where it is, less how far that place moves."""
    import cv2

    large = [
        cv2.resize(field, (field.shape[1] * cell, field.shape[0] * cell), interpolation=cv2.INTER_LINEAR)
        for field in displacement
    ]
    dx, dy = (field[:height, :width] * np.float32(scale) for field in large)
    map_x = np.arange(width, dtype=np.float32)[None] - dx
    map_y = np.arange(height, dtype=np.float32)[:, None] - dy
    return map_x, map_y


def _depth(face: PhotoFace, rows: int, columns: int) -> Map:
    """Depth (px, towards the camera) on the cells, from the mesh's points; 0 is the ears'. Beyond the face its rim's
    depth is carried on: the head's outline takes it back."""
    from scipy.interpolate import griddata

    axis = float(face.points[list(EARS), 2].mean())
    places = face.points[:468, :2] / CELL - 0.5
    rim = face.points[list(FACE_OVAL)]
    middle = rim[:, :2].mean(axis=0)
    outside = (middle + (rim[:, :2] - middle) * 1.45) / CELL - 0.5
    nearness = np.concatenate([axis - face.points[:468, 2], np.maximum(axis - rim[:, 2], 0) * 0.3])
    grid_x, grid_y = np.meshgrid(np.arange(columns), np.arange(rows))
    depth = griddata(np.concatenate([places, outside]), nearness, (grid_x, grid_y), method="linear", fill_value=0.0)
    return np.maximum(depth, 0).astype(np.float32)


def _fall(value: npt.NDArray[np.floating], start: float, end: float) -> npt.NDArray[np.floating]:
    """1 up to `start`, smoothly to 0 at `end`."""
    t = np.clip((value - start) / (end - start), 0, 1)
    return 1 - t * t * (3 - 2 * t)
