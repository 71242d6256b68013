"""Cut the person of a photo out: MediaPipe's selfie segmenter, its edge drawn to the photo's own edges.

The network sees 256 x 256 pixels, so single hairs are beyond it: an edge of hair comes out as one soft rim.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engines import weights
from engines.portrait.photo_face import PhotoFace

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

MODEL = "selfie-segmenter"
INPUT_PX = 256
AROUND_HEAD = 3.2
"""Side of the square that the network sees a second time, in face heights: head and hair at the finest it can."""
EDGE_RADIUS, EDGE_EPSILON = 0.012, 1e-4
"""Radius (share of the long side) and regularisation of the guided filter (He et al. 2013)."""
DOUBTFUL = (0.25, 0.75)
"""What the network is less sure of is backdrop, more sure of is person: half-seen ceilings and curtains vanish."""
SURE = 0.95


class PersonMatte:
    """Thread-safe: each call reads the network anew (10 ms)."""

    def __init__(self) -> None:
        self._model = str(weights.folder(MODEL) / "selfie_segmentation.tflite")

    def cut(self, picture: Bytes, face: PhotoFace) -> Floats:
        """0..1 (height, width): how much of each pixel of a BGR picture is the person."""
        import cv2

        network = cv2.dnn.readNetFromTFLite(self._model)
        rough = _segment(network, picture)
        left, top, right, bottom = _around_head(face, picture.shape)
        near = _segment(network, picture[top:bottom, left:right])
        inner = _feather(near.shape)
        rough[top:bottom, left:right] += inner * (near - rough[top:bottom, left:right])
        radius = max(2, round(EDGE_RADIUS * max(picture.shape[:2])))
        rough *= _one_piece(rough, face, radius)
        refined = cv2.ximgproc.guidedFilter(picture, rough, radius, EDGE_EPSILON * 255 * 255)
        low, high = DOUBTFUL
        return np.clip((np.asarray(refined, np.float32) - low) / (high - low), 0, 1)


def own_colours(plane: Bytes, matte: Floats) -> Bytes:
    """The plane with the person's colour carried out under the soft edge, so that no old background shines through."""
    import cv2

    sd = max(2.0, 0.008 * max(plane.shape))
    sure = (matte > SURE).astype(np.float32)
    weight = cv2.GaussianBlur(sure, (0, 0), sd)
    spread = cv2.GaussianBlur(plane.astype(np.float32) * sure, (0, 0), sd) / np.maximum(weight, 1e-4)
    edge = (1 - sure) * np.clip(weight * 20, 0, 1)
    return np.clip(plane + edge * (spread - plane) + 0.5, 0, 255).astype(np.uint8)


def blurred_behind(plane: Bytes, matte: Floats, sd: float) -> Bytes:
    """The plane out of focus, the person left out of the blur: what lies behind is carried in under them."""
    import cv2

    behind = (1 - matte) + np.float32(1e-4)
    weight = cv2.GaussianBlur(behind, (0, 0), sd)
    soft = cv2.GaussianBlur(plane.astype(np.float32) * behind, (0, 0), sd) / weight
    return np.clip(soft + 0.5, 0, 255).astype(np.uint8)


def _segment(network: object, picture: Bytes) -> Floats:
    import cv2

    small = cv2.resize(picture, (INPUT_PX, INPUT_PX), interpolation=cv2.INTER_AREA)
    rgb = small[..., ::-1].astype(np.float32) / 255
    network.setInput(np.ascontiguousarray(rgb.transpose(2, 0, 1)[None]))  # type: ignore[attr-defined]
    seen = np.asarray(network.forward(), np.float32).reshape(INPUT_PX, INPUT_PX)  # type: ignore[attr-defined]
    height, width = picture.shape[:2]
    return np.asarray(cv2.resize(seen, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def _one_piece(rough: Floats, face: PhotoFace, radius: int) -> Floats:
    """1 on what hangs together with the face, and a little beyond it; 0 on what the network saw elsewhere."""
    import cv2

    _, pieces = cv2.connectedComponents((rough > 0.5).astype(np.uint8))
    on_face = face.points[:, :2].astype(int)
    columns, rows = (np.clip(on_face[:, k], 0, rough.shape[1 - k] - 1) for k in range(2))
    counts = np.bincount(pieces[rows, columns])
    counts[0] = 0
    person = (pieces == int(counts.argmax())).astype(np.uint8)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return np.asarray(cv2.dilate(person, disc), np.float32)


def _around_head(face: PhotoFace, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    low, high = face.points[:, :2].min(axis=0), face.points[:, :2].max(axis=0)
    half = AROUND_HEAD * float((high - low).max()) / 2
    cx, cy = (low + high) / 2
    height, width = shape[:2]
    return max(0, int(cx - half)), max(0, int(cy - half)), min(width, int(cx + half)), min(height, int(cy + half))


def _feather(shape: tuple[int, ...]) -> Floats:
    """1 inside, to 0 at the edges over a tenth of the size."""
    rows, columns = (np.minimum(np.arange(n), np.arange(n)[::-1]) / max(1.0, 0.1 * n) for n in shape[:2])
    return np.minimum(np.clip(rows, 0, 1)[:, None], np.clip(columns, 0, 1)[None]).astype(np.float32)
