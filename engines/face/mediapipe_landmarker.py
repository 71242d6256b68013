"""MediaPipe's FaceLandmarker: 478 mesh points per frame, on the CPU.

Every frame is looked at by itself (IMAGE mode). The VIDEO mode filters points in time: it lags by about a frame, moves
points by 1 to 4 px, and turns up to one closed frame in three into an open one (measured); we filter later, where we
may look ahead.
After the first sight only the surroundings of the face are shown to the model: steadier, cheaper, and a small face in a
tall frame is no longer lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dub import media, progress
from dub.source import VideoFacts
from engines import weights
from engines.face.contract import Floats, TrackedFace, TrackedFaces
from engines.face.same_face import by_person
from engines.face.shots import ShotDetector
from engines.spec import EngineSpec

Plane = npt.NDArray[np.uint8]

OUTER_LIP_TOP = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291)
OUTER_LIP_BOTTOM = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291)
INNER_LIP_TOP = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
INNER_LIP_BOTTOM = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
FACE_OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
RIGID = (33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 98, 327)
"""Eye corners, nose bridge and wings: they hardly move with the mouth."""
BROWS = (63, 105, 66, 296, 334, 293)
NOSE_AND_LIDS = (1, 2, 164, 159, 145, 386, 374, 468, 473)
CHEEKS_AND_CHIN = (
    *(18, 200, 199, 175, 50, 280, 205, 425, 207, 427, 187, 411, 212, 432, 216, 436, 57, 287, 43, 273, 202, 422),
    *(204, 424, 210, 430, 214, 434, 135, 364, 169, 394, 170, 395, 106, 335, 182, 406, 194, 418, 201, 421, 208, 428),
)
KEPT_POINTS = tuple(
    dict.fromkeys(
        OUTER_LIP_TOP
        + OUTER_LIP_BOTTOM
        + INNER_LIP_TOP
        + INNER_LIP_BOTTOM
        + FACE_OVAL
        + RIGID
        + BROWS
        + NOSE_AND_LIDS
        + CHEEKS_AND_CHIN
    )
)

SURROUNDINGS = 2.2
"""Side of the square shown to the model, in face heights: room for a fast nod between two frames."""
MODEL_SIDE_PX = 640
"""Larger crops are shrunk to this: the model itself looks at 256 px of face."""
SEARCH_SIDE_PX = 1280
"""Longer side of the whole picture when a face is searched in it."""


@dataclass(frozen=True)
class _Sight:
    points: Floats  # (478, 2) displayed pixels
    rotation: npt.NDArray[np.float64]  # (3, 3)
    pucker: float
    jaw_open: float


class MediapipeLandmarker:
    """FaceTracker. Each call makes a landmarker of its own (0.1 s) and closes it: left to the interpreter's exit, the
    library's finaliser runs when half of it is gone."""

    def __init__(self) -> None:
        from mediapipe.tasks import python as tasks
        from mediapipe.tasks.python import vision

        model = weights.folder("face-landmarker") / "face_landmarker.task"
        self._options = vision.FaceLandmarkerOptions(
            base_options=tasks.BaseOptions(model_asset_path=str(model)),
            running_mode=vision.RunningMode.IMAGE,
            output_face_blendshapes=True,
            output_facial_transformation_matrixes=True,
            num_faces=1,
        )

    def track(self, video: Path, facts: VideoFacts) -> TrackedFaces:
        from mediapipe.tasks.python import vision

        with vision.FaceLandmarker.create_from_options(self._options) as landmarker:
            return by_person(_track(landmarker, video, facts))


def _track(landmarker: Any, video: Path, facts: VideoFacts) -> TrackedFace:
    n = facts.n_frames
    points = np.full((n, len(KEPT_POINTS), 2), np.nan, np.float32)
    per_frame = {
        name: np.full(n, np.nan, np.float32)
        for name in ("yaw_deg", "pitch_deg", "roll_deg", "pucker", "jaw_open", "sharpness", "brightness")
    }
    shots: list[int] = []
    cuts = ShotDetector()
    last: Floats | None = None
    for i, frame in enumerate(media.read_frames(video, facts, "yuv420p")):
        luma = frame[: frame.shape[0] * 2 // 3]
        if cuts.starts_shot(luma):
            shots.append(i)
            last = None
        sight = _look(landmarker, frame, last)
        last = None if sight is None else sight.points
        if sight is not None:
            points[i] = sight.points[list(KEPT_POINTS)]
            yaw, pitch, roll = head_angles_deg(sight.rotation)
            per_frame["yaw_deg"][i], per_frame["pitch_deg"][i], per_frame["roll_deg"][i] = yaw, pitch, roll
            per_frame["pucker"][i], per_frame["jaw_open"][i] = sight.pucker, sight.jaw_open
            per_frame["sharpness"][i], per_frame["brightness"][i] = mouth_look(luma, sight.points)
        progress.report(i + 1, n)
    return TrackedFace(
        point_ids=np.array(KEPT_POINTS, np.int16),
        points=points,
        shots=np.array(shots or [0], np.int32),
        **per_frame,
    )


def _look(landmarker: Any, frame: Plane, last: Floats | None) -> _Sight | None:
    """Near the last sight first; in the whole picture when it is not there."""
    if last is not None and (sight := _look_around(landmarker, frame, last)) is not None:
        return sight
    height, width = frame.shape[0] * 2 // 3, frame.shape[1]
    sight = _detect(landmarker, frame, (0, 0, width, height), SEARCH_SIDE_PX)
    if sight is None:
        return None
    return _look_around(landmarker, frame, sight.points) or sight


def _look_around(landmarker: Any, frame: Plane, last: Floats) -> _Sight | None:
    height, width = frame.shape[0] * 2 // 3, frame.shape[1]
    low, high = last.min(axis=0), last.max(axis=0)
    half = SURROUNDINGS * float((high - low).max()) / 2
    (cx, cy) = (low + high) / 2
    box = (
        max(0, int(cx - half)) & ~1,
        max(0, int(cy - half)) & ~1,
        min(width, int(cx + half)) & ~1,
        min(height, int(cy + half)) & ~1,
    )
    if box[2] - box[0] < 32 or box[3] - box[1] < 32:
        return None
    return _detect(landmarker, frame, box, MODEL_SIDE_PX)


def _detect(landmarker: Any, frame: Plane, box: tuple[int, int, int, int], side_px: int) -> _Sight | None:
    """Run the model on one box (x0, y0, x1, y1; even) of a planar yuv420p frame."""
    import cv2
    import mediapipe

    rgb = rgb_box(frame, box)
    shrink = side_px / max(rgb.shape[:2])
    if shrink < 1:
        rgb = np.asarray(cv2.resize(rgb, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA), np.uint8)
    image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(rgb))
    seen = landmarker.detect(image)
    if not seen.face_landmarks:
        return None
    x0, y0, x1, y1 = box
    where = np.array([(p.x, p.y) for p in seen.face_landmarks[0]], np.float32)
    scores = {shape.category_name: shape.score for shape in seen.face_blendshapes[0]}
    return _Sight(
        points=where * np.array([x1 - x0, y1 - y0], np.float32) + np.array([x0, y0], np.float32),
        rotation=np.asarray(seen.facial_transformation_matrixes[0])[:3, :3],
        pucker=max(scores["mouthPucker"], scores["mouthFunnel"]),
        jaw_open=scores["jawOpen"],
    )


def rgb_box(frame: Plane, box: tuple[int, int, int, int]) -> Plane:
    """RGB uint8 of an even box (x0, y0, x1, y1) of a planar yuv420p frame (height * 3 // 2, width)."""
    import cv2

    x0, y0, x1, y1 = box
    height, width = frame.shape[0] * 2 // 3, frame.shape[1]
    luma = frame[y0:y1, x0:x1]
    chroma = frame[height:].reshape(2, height // 2, width // 2)[:, y0 // 2 : y1 // 2, x0 // 2 : x1 // 2]
    planar = np.concatenate([luma.reshape(-1), chroma.reshape(-1)]).reshape((y1 - y0) * 3 // 2, x1 - x0)
    return np.asarray(cv2.cvtColor(planar, cv2.COLOR_YUV2RGB_I420), np.uint8)


def head_angles_deg(rotation: npt.NDArray[np.float64]) -> tuple[float, float, float]:
    """(yaw, pitch, roll) of a head rotation matrix; 0 faces the camera."""
    yaw = np.degrees(np.arctan2(rotation[0, 2], rotation[2, 2]))
    pitch = np.degrees(np.arcsin(np.clip(-rotation[1, 2], -1, 1)))
    roll = np.degrees(np.arctan2(rotation[1, 0], rotation[1, 1]))
    return float(yaw), float(pitch), float(roll)


def mouth_look(luma: Plane, points: Floats) -> tuple[float, float]:
    """(sharpness, brightness) of the box around the lips; NaN where it lies outside the picture."""
    import cv2

    lips = points[list(OUTER_LIP_TOP + OUTER_LIP_BOTTOM)]
    (x0, y0), (x1, y1) = lips.min(axis=0).astype(int), lips.max(axis=0).astype(int)
    box = luma[max(0, y0) : y1 + 1, max(0, x0) : x1 + 1]
    if box.size < 64:
        return float("nan"), float("nan")
    return float(np.square(cv2.Laplacian(box, cv2.CV_32F)).mean()), float(box.mean())


ENGINE = EngineSpec(
    id="mediapipe",
    family="face",
    version=3,
    summary="MediaPipe FaceLandmarker, 478 points per frame, CPU.",
    load=MediapipeLandmarker,
    code_licence="Apache-2.0",
    weights_licence="Apache-2.0",
    weights=("face-landmarker",),
    extra="embedded",
    packages=("mediapipe", "cv2"),
)
