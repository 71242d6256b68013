"""MediaPipe's FaceLandmarker: 478 mesh points per frame, on the CPU.

Every frame is looked at by itself (IMAGE mode). The VIDEO mode filters points in time: it lags by about a frame, moves
points by 1 to 4 px, and turns up to one closed frame in three into an open one (measured); we filter later, where we
may look ahead.
After the first sight only the surroundings of a face are shown to the model: steadier, cheaper, and a small face in a
tall frame is no longer lost. Newcomers are searched in the whole picture at intervals, with the model's own detector.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dub import media, progress
from dub.source import VideoFacts
from engines import weights
from engines.face.contract import LEFT_EYE, RIGHT_EYE, Floats, TrackedFaces
from engines.face.follow import SAME_PLACE, Box, Follower, Sight, box_of, distance
from engines.face.same_face import persons
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
SEARCH_SIDE_PX = 400
"""Shorter side of the picture when faces are searched in it: the detector shrinks what it is shown to 128 px."""
LEAST_CROP_PX = 32
LOOK_EVERY = 5
"""Frames between two samples of what a face looks like."""
LOOK_SIDE_PX = 32


class MediapipeLandmarker:
    """FaceTracker. Each call makes models of its own (0.1 s) and closes them: left to the interpreter's exit, the
    library's finaliser runs when half of it is gone."""

    def __init__(self) -> None:
        self._model = weights.folder("face-landmarker") / "face_landmarker.task"

    def track(self, video: Path, facts: VideoFacts) -> TrackedFaces:
        with ExitStack() as models:
            return _track(_Eye(self._model, models), video, facts)


def _track(eye: _Eye, video: Path, facts: VideoFacts) -> TrackedFaces:
    follower, cuts, shots = Follower(eye), ShotDetector(), []
    for i, frame in enumerate(media.read_frames(video, facts, "yuv420p")):
        starts_shot = cuts.starts_shot(frame[: frame.shape[0] * 2 // 3])
        if starts_shot:
            shots.append(i)
        follower.see(i, frame, starts_shot=starts_shot)
        progress.report(i + 1, facts.n_frames)
    return persons(
        follower.tracklets(facts.n_frames),
        facts.n_frames,
        np.array(KEPT_POINTS, np.int16),
        np.array(shots or [0], np.int32),
    )


class _Eye:
    """The task's own face detector for the search, its landmarker for the look around a face."""

    def __init__(self, model: Path, models: ExitStack) -> None:
        from mediapipe.tasks import python as tasks
        from mediapipe.tasks.python import vision

        def landmarker(num_faces: int) -> Any:
            options = vision.FaceLandmarkerOptions(
                base_options=tasks.BaseOptions(model_asset_path=str(model)),
                running_mode=vision.RunningMode.IMAGE,
                output_face_blendshapes=True,
                output_facial_transformation_matrixes=True,
                num_faces=num_faces,
            )
            return models.enter_context(vision.FaceLandmarker.create_from_options(options))

        with zipfile.ZipFile(model) as parts:
            detector = tasks.BaseOptions(model_asset_buffer=parts.read("face_detector.tflite"))
        self._detector = models.enter_context(
            vision.FaceDetector.create_from_options(vision.FaceDetectorOptions(base_options=detector))
        )
        self._landmarker = landmarker(1)
        self._crowd_landmarker: Callable[[], Any] = cache(lambda: landmarker(3))

    def search(self, frame: Plane, *, is_fine: bool) -> list[Box]:
        import mediapipe

        rgb, scale = _small_rgb(frame)
        found: list[tuple[float, Box]] = []
        for x0, y0, side in _tiles(rgb.shape[1], rgb.shape[0], is_fine=is_fine):
            tile = np.ascontiguousarray(rgb[y0 : y0 + side, x0 : x0 + side])
            image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=tile)
            for seen in self._detector.detect(image).detections:
                box = seen.bounding_box
                left, top = (x0 + box.origin_x) * scale, (y0 + box.origin_y) * scale
                whole = (left, top, left + box.width * scale, top + box.height * scale)
                found.append((float(seen.categories[0].score), whole))
        boxes: list[Box] = []
        for _, box in sorted(found, reverse=True):
            if all(distance(box, other) > SAME_PLACE for other in boxes):
                boxes.append(box)
        return boxes

    def look(self, frame: Plane, near: Box, others: Sequence[Box], *, index: int) -> Sight | None:
        import cv2
        import mediapipe

        crop = _surroundings(frame, near)
        if crop[2] - crop[0] < LEAST_CROP_PX or crop[3] - crop[1] < LEAST_CROP_PX:
            return None
        rgb = rgb_box(frame, crop)
        shrink = MODEL_SIDE_PX / max(rgb.shape[:2])
        if shrink < 1:
            rgb = np.asarray(cv2.resize(rgb, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA), np.uint8)
        is_crowd = any(
            crop[0] < (other[0] + other[2]) / 2 < crop[2] and crop[1] < (other[1] + other[3]) / 2 < crop[3]
            for other in others
        )
        landmarker = self._crowd_landmarker() if is_crowd else self._landmarker
        image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(rgb))
        seen = landmarker.detect(image)
        sights = [_outline(landmarks, crop) for landmarks in seen.face_landmarks]
        if not sights:
            return None
        nearest = min(range(len(sights)), key=lambda k: distance(box_of(sights[k]), near))
        return _sight(
            frame,
            sights[nearest],
            np.asarray(seen.facial_transformation_matrixes[nearest])[:3, :3],
            {shape.category_name: shape.score for shape in seen.face_blendshapes[nearest]},
            takes_look=index % LOOK_EVERY == 0,
        )


def _outline(landmarks: Any, crop: tuple[int, int, int, int]) -> Floats:
    x0, y0, x1, y1 = crop
    where = np.array([(p.x, p.y) for p in landmarks], np.float32)
    return where * np.array([x1 - x0, y1 - y0], np.float32) + np.array([x0, y0], np.float32)


def _sight(
    frame: Plane, points: Floats, rotation: npt.NDArray[np.float64], scores: dict[str, float], *, takes_look: bool
) -> Sight:
    luma = frame[: frame.shape[0] * 2 // 3]
    yaw, pitch, roll = head_angles_deg(rotation)
    sharpness, brightness = mouth_look(luma, points)
    return Sight(
        outline=points,
        row={
            "points": points[list(KEPT_POINTS)],
            "yaw_deg": yaw,
            "pitch_deg": pitch,
            "roll_deg": roll,
            "pucker": max(scores["mouthPucker"], scores["mouthFunnel"]),
            "jaw_open": scores["jawOpen"],
            "sharpness": sharpness,
            "brightness": brightness,
        },
        look=face_look(luma, points) if takes_look else None,
    )


def _surroundings(frame: Plane, near: Box) -> tuple[int, int, int, int]:
    """The even box (x0, y0, x1, y1) around a face that is shown to the model."""
    height, width = frame.shape[0] * 2 // 3, frame.shape[1]
    half = SURROUNDINGS * max(near[2] - near[0], near[3] - near[1]) / 2
    cx, cy = (near[0] + near[2]) / 2, (near[1] + near[3]) / 2
    return (
        max(0, int(cx - half)) & ~1,
        max(0, int(cy - half)) & ~1,
        min(width, int(cx + half)) & ~1,
        min(height, int(cy + half)) & ~1,
    )


def _tiles(width: int, height: int, *, is_fine: bool) -> list[tuple[int, int, int]]:
    """(x0, y0, side) of squares that cover a picture: the whole, squares of its shorter side, and where `is_fine` of
    half of that. The detector finds faces from about a sixth of a square to all of it; neighbours overlap by half a
    square, so that no face is cut by all of them."""
    short = min(width, height)
    tiles = [(0, 0, max(width, height))] if width != height else []
    for side in (short, short // 2) if is_fine else (short,):
        tiles += [(x0, y0, side) for y0 in _starts(height, side) for x0 in _starts(width, side)]
    return tiles


def _starts(length: int, side: int) -> list[int]:
    n_steps = -(-(length - side) * 2 // side)
    return [round(k * (length - side) / n_steps) for k in range(n_steps + 1)] if n_steps else [0]


def _small_rgb(frame: Plane) -> tuple[Plane, float]:
    """(RGB of the picture with a shorter side of SEARCH_SIDE_PX at most, how much larger the picture is)."""
    import cv2

    height, width = frame.shape[0] * 2 // 3, frame.shape[1]
    scale = max(1.0, min(width, height) / SEARCH_SIDE_PX)
    w, h = (max(2, round(size / scale)) & ~1 for size in (width, height))
    chroma = frame[height:].reshape(2, height // 2, width // 2)
    planes = [cv2.resize(frame[:height], (w, h), interpolation=cv2.INTER_AREA)]
    planes += [cv2.resize(plane, (w // 2, h // 2), interpolation=cv2.INTER_AREA) for plane in chroma]
    planar = np.concatenate([plane.reshape(-1) for plane in planes]).reshape(h * 3 // 2, w)
    return np.asarray(cv2.cvtColor(planar, cv2.COLOR_YUV2RGB_I420), np.uint8), width / w


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


def face_look(luma: Plane, points: Floats) -> Floats:
    """float32 (LOOK_SIDE_PX, LOOK_SIDE_PX): the face upright, its eyes at a fixed place, without its mean and
    contrast."""
    import cv2

    side = 4 * LOOK_SIDE_PX
    left, right = points[LEFT_EYE], points[RIGHT_EYE]
    across = (right - left).astype(np.float64)
    squared = float(np.square(across).sum()) / (side * 0.5)
    a, b = across[0] / squared, across[1] / squared
    middle = (left + right) / 2
    turn = np.array(
        [[a, b, side / 2 - a * middle[0] - b * middle[1]], [-b, a, side * 0.3 + b * middle[0] - a * middle[1]]]
    )
    face = cv2.warpAffine(luma, turn, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    small = cv2.resize(face, (LOOK_SIDE_PX, LOOK_SIDE_PX), interpolation=cv2.INTER_AREA).astype(np.float32)
    return np.asarray((small - small.mean()) / (small.std() + 1e-3), np.float32)


ENGINE = EngineSpec(
    id="mediapipe",
    family="face",
    version=5,
    summary="MediaPipe FaceLandmarker, 478 points per frame, CPU.",
    load=MediapipeLandmarker,
    code_licence="Apache-2.0",
    weights_licence="Apache-2.0",
    weights=("face-landmarker",),
    extra="embedded",
    packages=("mediapipe", "cv2"),
)
