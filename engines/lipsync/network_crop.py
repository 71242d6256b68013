"""The face as a lip-sync network wants it, and the network's face back in the picture.

The networks were trained on faces set upright by five points of the FFHQ template in a 512-pixel square. Wav2Lip then
takes the box of the 68 classic landmarks (brows, jaw) inside that square; EDTalk takes the square itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from engines.face.contract import TrackedFace, shot_numbers
from engines.face.mediapipe_landmarker import BROWS, FACE_OVAL, rgb_box
from engines.lipsync import mouth_blend as blend
from engines.lipsync import mouth_geometry as geometry

Bytes = npt.NDArray[np.uint8]
Map = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

SQUARE_PX = 512
FFHQ = SQUARE_PX * np.array(
    [[0.37691676, 0.46864664], [0.62285697, 0.46912813], [0.50123859, 0.61331904], [0.39308822, 0.72541100],
     [0.61150205, 0.72490465]]
)  # fmt: skip
"""Both eyes, the tip of the nose, both corners of the mouth, in the square (FFHQ's alignment, as FaceFusion has it)."""
LOWER_OVAL = (132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361)
UNDER_NOSE = (98, 2, 327)
EDGE_SOFTNESS = 5.0
"""Standard deviation of the mask's edge in the square's pixels."""
STEADY_FRAMES = 1.0
"""Standard deviation of the filter on the square's place. A square that follows every movement of the lips' corners
tells the network what the source says; so would a box that grows with the open mouth."""


@dataclass(frozen=True)
class FaceCrops:
    """Where one face's square and box lie in every frame. `terms` (n_frames, 4): square -> displayed pixels, as
    geometry.Placement. `boxes` (n_frames, 4): x0, y0, x1, y1 in the square. `hulls` float32 (n_frames, n, 2): points
    around the lower face in displayed pixels. NaN without a face."""

    terms: Floats
    boxes: Floats
    hulls: npt.NDArray[np.float32]


class PlacedFace(Protocol):
    """One face in one frame: its rows of FaceCrops, and how much of the new mouth shows, 0..1."""

    @property
    def terms(self) -> Floats: ...
    @property
    def hull(self) -> npt.NDArray[np.float32]: ...
    @property
    def share(self) -> float: ...


def crops_of(face: TrackedFace) -> FaceCrops:
    left, right = (face.at(*corners).mean(axis=1) for corners in ((33, 133), (362, 263)))
    others = face.at(4, 61, 291)
    points = np.concatenate([left[:, None], right[:, None], others], axis=1).astype(np.float64)
    shot, bell = shot_numbers(face), geometry.gaussian(STEADY_FRAMES)
    terms = geometry.smooth_within(geometry.similarities(points, FFHQ), shot, bell)
    placement = geometry.Placement(terms)
    around = placement.to_canonical(face.at(*FACE_OVAL, *BROWS))
    oval, brows = around[:, : len(FACE_OVAL)], around[:, len(FACE_OVAL) :]
    low, high = oval.min(axis=1), oval.max(axis=1)
    boxes = np.stack([low[:, 0], brows[..., 1].min(axis=1), high[:, 0], high[:, 1]], axis=1)
    hulls = face.at(*LOWER_OVAL, *UNDER_NOSE).astype(np.float32)
    return FaceCrops(terms, geometry.smooth_within(boxes, shot, bell), hulls)


def cut(frame: Bytes, terms: Floats) -> Bytes:
    """The upright square of a planar yuv420p frame: uint8 RGB (512, 512, 3), the picture's edge repeated. `terms` (4,):
    where the square lies, as in FaceCrops."""
    import cv2

    box = _box_of(frame, terms, np.array([(0, 0), (SQUARE_PX, 0), (0, SQUARE_PX), (SQUARE_PX, SQUARE_PX)]))
    rgb = rgb_box(frame, (box.x0, box.y0, box.x1, box.y1))
    a, b, tx, ty = terms
    to_box = _of_indices(np.array([[a, -b, tx - box.x0], [b, a, ty - box.y0]]))
    return np.asarray(
        cv2.warpAffine(
            rgb, to_box, (SQUARE_PX, SQUARE_PX), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        ),
        np.uint8,
    )  # fmt: skip


def resized(square: Bytes, box: Floats, side_px: int) -> Bytes:
    """`box` (x0, y0, x1, y1 in the square) as (side_px, side_px, 3)."""
    import cv2

    x0, y0, x1, y1 = box
    to_box = np.array([[side_px / (x1 - x0), 0, 0], [0, side_px / (y1 - y0), 0]])
    to_box[:, 2] = -to_box[:, :2] @ (x0, y0)
    to_box = _of_indices(to_box)
    shrink = max(1.0, (x1 - x0) / side_px)  # a plain look-up would skip pixels
    soft = cv2.GaussianBlur(square, (0, 0), 0.35 * shrink) if shrink > 1 else square
    return np.asarray(
        cv2.warpAffine(soft, to_box, (side_px, side_px), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE),
        np.uint8,
    )


def paste(frame: Bytes, face: PlacedFace, made: Bytes, box: Floats) -> None:
    """Set a network's face, uint8 RGB (side, side, 3) of `box` in the square, into the frame's lower face, in place.
    Everything outside the lower face keeps its pixels."""
    import cv2

    terms = face.terms
    hull = cv2.convexHull(face.hull)[:, 0]
    within = _box_of(frame, np.array([1.0, 0.0, 0.0, 0.0]), hull)
    if within.is_empty:
        return
    px_per_unit = float(np.hypot(terms[0], terms[1]))
    mask = _lower_face(hull, within, EDGE_SOFTNESS * px_per_unit)
    x, y = blend.canonical_grid(terms, within)
    x0, y0, x1, y1 = (np.float32(value) for value in box)
    side = np.float32(len(made))
    map_x, map_y = (x - x0) * (side / (x1 - x0)) - np.float32(0.5), (y - y0) * (side / (y1 - y0)) - np.float32(0.5)
    rgb = cv2.remap(made, map_x, map_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    planar = cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420)
    height, width = mask.shape
    chroma = planar[height:].reshape(2, height // 2, width // 2).astype(np.float32)
    blend.set_mouth(frame, within, mask, [planar[:height].astype(np.float32), chroma[0], chroma[1]], face.share)


def _lower_face(hull: npt.NDArray[np.float32], box: blend.Box, softness_px: float) -> Map:
    """0..1, the box's size: 1 well inside the hull, 0 on its edge and beyond."""
    import cv2

    filled = np.zeros((box.y1 - box.y0, box.x1 - box.x0), np.float32)
    points = np.rint((hull - np.array([box.x0 + 0.5, box.y0 + 0.5])) * 16).astype(np.int32)
    cv2.fillConvexPoly(filled, points, 1.0, shift=4)
    soft = cv2.GaussianBlur(filled, (0, 0), max(0.8, softness_px), borderType=cv2.BORDER_CONSTANT)
    return np.asarray(np.clip(soft * 2 - 1, 0, 1), np.float32)


def _of_indices(matrix: Floats) -> Floats:
    """A map (2, 3) of positions, where the first pixel's centre is 0.5, as OpenCV wants it: there it is 0."""
    moved = matrix.copy()
    moved[:, 2] += matrix[:, :2] @ (0.5, 0.5) - 0.5
    return moved


def _box_of(frame: Bytes, terms: Floats, corners: npt.NDArray[np.floating]) -> blend.Box:
    return blend.box_around(terms, corners.astype(np.float64), frame.shape[1], frame.shape[0] * 2 // 3)
