"""The face of a photo: its mesh, with depth, and whether it can be made to talk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dub.errors import BadInput
from engines import weights
from engines.face import mediapipe_landmarker as mesh
from engines.face.contract import LEFT_EYE, RIGHT_EYE

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

SMALLEST_IOD_PX = 60.0
MOST_YAW_READ_DEG, MOST_PITCH_READ_DEG = 12.0, 20.0
"""A real turn of 20 degrees reads as 11 to 12; the reading of pitch is offset by up to 15 in upright faces."""
LEAST_SHARPNESS = 12.0
"""Grey levels squared, of the face at 100 px between the eyes: measured on frames of five clips, 40 to 600; blurred by
a Gaussian of 2.5 px, 1 to 8."""
MOST_FACES = 4
SEARCH_SIDE_PX = 1280
COMPARED_IOD_PX = 100.0
OPEN_EYE = 0.035
"""Height of an eye's opening (IOD) under which there is nothing to close."""


@dataclass(frozen=True)
class PhotoFace:
    """`points` float32 (478, 3): x, y in the picture's pixels (the first pixel's centre is 0.5), and depth in the same
    unit, smaller = nearer to the camera."""

    points: Floats
    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    sharpness: float

    @property
    def iod_px(self) -> float:
        return float(np.hypot(*(self.points[RIGHT_EYE, :2] - self.points[LEFT_EYE, :2])))

    @property
    def eye_opening(self) -> float:
        """The narrower eye's opening in IOD."""
        pairs = ((159, 145), (386, 374))
        return min(float(np.hypot(*(self.points[a, :2] - self.points[b, :2]))) for a, b in pairs) / self.iod_px


class FaceFinder:
    """Looks at photos. Each call makes a landmarker of its own, so any number of threads may use it."""

    def __init__(self) -> None:
        from mediapipe.tasks import python as tasks

        model = weights.folder("face-landmarker") / "face_landmarker.task"
        self._base = tasks.BaseOptions(model_asset_path=str(model))

    def find(self, picture: Bytes, name: str) -> PhotoFace:
        """The one face of a BGR picture. Raises BadInput, which calls it `name`, where there is none, or several, or it
        is too small, turned away or blurred."""
        seen = self._detect(picture, MOST_FACES)
        if not seen:
            raise BadInput(f"{name} shows no face", mend="give a photo of one person who faces the camera")
        if len(seen) > 1:
            raise BadInput(f"{name} shows {len(seen)} faces", mend="cut out the one that is to speak")
        points, _ = seen[0]
        (left, top, right, bottom), corner = _around(points, picture.shape), np.zeros(3, np.float32)
        corner[:2] = left, top
        nearer = self._detect(np.ascontiguousarray(picture[top:bottom, left:right]), 1)
        points, rotation = (nearer[0][0] + corner, nearer[0][1]) if nearer else seen[0]
        face = PhotoFace(points, *mesh.head_angles_deg(rotation), sharpness=_sharpness(picture, points))
        _require_usable(face, picture, name)
        return face

    def _detect(self, picture: Bytes, n_most: int) -> list[tuple[Floats, Any]]:
        """(points, rotation) of each face in a BGR picture."""
        import cv2
        import mediapipe
        from mediapipe.tasks.python import vision

        height, width = picture.shape[:2]
        shrink = min(1.0, SEARCH_SIDE_PX / max(height, width))
        small = cv2.resize(picture, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA) if shrink < 1 else picture
        rgb = np.ascontiguousarray(small[..., ::-1])
        options = vision.FaceLandmarkerOptions(
            base_options=self._base,
            running_mode=vision.RunningMode.IMAGE,
            output_facial_transformation_matrixes=True,
            num_faces=n_most,
        )
        with vision.FaceLandmarker.create_from_options(options) as landmarker:
            seen = landmarker.detect(mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=rgb))
        size = np.array([width, height, width], np.float32)
        return [
            (np.array([(p.x, p.y, p.z) for p in face], np.float32) * size, np.asarray(matrix)[:3, :3])
            for face, matrix in zip(seen.face_landmarks, seen.facial_transformation_matrixes, strict=True)
        ]


def _around(points: Floats, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """left, top, right, bottom of the face's surroundings, as the face tracker shows them to the model."""
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    half = mesh.SURROUNDINGS * float((high - low).max()) / 2
    (cx, cy) = (low + high) / 2
    height, width = shape[:2]
    return max(0, int(cx - half)), max(0, int(cy - half)), min(width, int(cx + half)), min(height, int(cy + half))


def _sharpness(picture: Bytes, points: Floats) -> float:
    """Mean squared Laplacian of the luma between brows and chin, at COMPARED_IOD_PX between the eyes."""
    import cv2

    inner = points[list(mesh.RIGID + mesh.OUTER_LIP_BOTTOM), :2]
    (x0, y0), (x1, y1) = np.maximum(inner.min(axis=0), 0).astype(int), inner.max(axis=0).astype(int)
    box = cv2.cvtColor(picture[y0 : y1 + 1, x0 : x1 + 1], cv2.COLOR_BGR2GRAY)
    iod = float(np.hypot(*(points[RIGHT_EYE, :2] - points[LEFT_EYE, :2])))
    scale = COMPARED_IOD_PX / max(iod, 1.0)
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    box = cv2.resize(box, None, fx=scale, fy=scale, interpolation=method)
    return float(np.square(cv2.Laplacian(box, cv2.CV_32F)).mean())


def _require_usable(face: PhotoFace, picture: Bytes, name: str) -> None:
    if face.iod_px < SMALLEST_IOD_PX:
        raise BadInput(
            f"the face in {name} is too small: {face.iod_px:.0f} px between the outer eye corners at "
            f"{picture.shape[1]}x{picture.shape[0]}, {SMALLEST_IOD_PX:.0f} are needed",
            mend="cut the photo closer to head and shoulders, or give a larger one (--size)",
        )
    if abs(face.yaw_deg) > MOST_YAW_READ_DEG or abs(face.pitch_deg) > MOST_PITCH_READ_DEG:
        raise BadInput(
            f"the face in {name} is turned by more than 20 degrees (read as {face.yaw_deg:.0f} sideways, "
            f"{face.pitch_deg:.0f} up or down)",
            mend="give a photo that faces the camera",
        )
    if face.sharpness < LEAST_SHARPNESS:
        raise BadInput(
            f"the face in {name} is blurred (sharpness {face.sharpness:.0f}, {LEAST_SHARPNESS:.0f} are needed)",
            mend="give a sharper photo",
        )
