"""Things that pass in front of a mouth: a hand in the skin's own colour, a dark microphone."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from engines.face.contract import TrackedFace
from engines.face.mediapipe_landmarker import OUTER_LIP_BOTTOM, OUTER_LIP_TOP

Frame = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


def hand(side_px: int) -> tuple[Floats, Floats]:
    """(opacity 0..1, shade): four fingers side by side, darker at their edges, with knuckles."""
    y, x = np.mgrid[0:side_px, 0:side_px] / side_px * 2 - 1
    opacity, shade = np.zeros((2, side_px, side_px), np.float32)
    for k in range(4):
        across = (x + 0.63 - 0.42 * k) / 0.2
        finger = (np.abs(across) < 1) & (y > -0.85 + 0.1 * abs(k - 1.5))
        opacity[finger] = 1
        shade[finger] = (1 - 0.35 * across**2 - 0.15 * (np.abs(y + 0.2) < 0.03))[finger]
    return np.asarray(cv2.GaussianBlur(opacity, (0, 0), 1.2), np.float32), shade


def microphone(side_px: int) -> tuple[Floats, Floats]:
    """A round wire head on a stick."""
    y, x = np.mgrid[0:side_px, 0:side_px] / side_px * 2 - 1
    opacity = ((x**2 + (y + 0.25) ** 2 < 0.5) | ((np.abs(x) < 0.25) & (y > 0))).astype(np.float32)
    shade = np.where(np.sin(x * 40) * np.sin(y * 40) > 0, 1.0, 0.6).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(opacity, (0, 0), 1.2), np.float32), shade


def skin_of(frame: Frame, face: TrackedFace, i: int) -> Floats:
    """Y, U, V of the cheeks."""
    height, width = frame.shape[0] * 2 // 3, frame.shape[1]
    chroma = frame[height:].reshape(2, height // 2, width // 2)
    spots = [(int(x), int(y)) for x, y in face.at(205, 425)[i]]
    luma = [np.median(frame[y - 3 : y + 4, x - 3 : x + 4]) for x, y in spots]
    return np.array([np.mean(luma), *(np.mean([chroma[k, y // 2, x // 2] for x, y in spots]) for k in (0, 1))])


def hold_before(
    frame: Frame,
    face: TrackedFace,
    i: int,
    thing: tuple[Floats, Floats],
    colour: Floats,
    offset_iod: tuple[float, float],
) -> float:
    """Paint `thing` over frame `i` (planar yuv420p, in place), `offset_iod` away from the lips' middle. Returns the
    share of the lips' area that it covers."""
    height, width = frame.shape[0] * 2 // 3, frame.shape[1]
    planes = [frame[:height], *frame[height:].reshape(2, height // 2, width // 2)]
    opacity, shade = thing
    side = len(opacity) & ~1
    middle = face.at(13, 14)[i].mean(axis=0) + np.array(offset_iod) * face.iod_px[i]
    x, y = (int(v - side / 2) & ~1 for v in middle)
    x0, y0, x1, y1 = max(0, x), max(0, y), min(width, x + side), min(height, y + side)
    lips = np.zeros((height, width), np.uint8)
    cv2.fillPoly(lips, [np.rint(face.at(*OUTER_LIP_TOP, *OUTER_LIP_BOTTOM[::-1])[i]).astype(np.int32)], 1)
    if x0 >= x1 or y0 >= y1:
        return 0.0
    inside = (slice(y0 - y, y1 - y), slice(x0 - x, x1 - x))
    for plane, scale, level, lit in zip(planes, (1, 2, 2), colour, (shade, 1, 1), strict=True):
        share = opacity[inside][::scale, ::scale]
        under = plane[y0 // scale : y1 // scale, x0 // scale : x1 // scale]
        over = level * (lit[inside] if isinstance(lit, np.ndarray) else lit)
        under[:] = np.clip(under * (1 - share) + over * share, 0, 255)
    cover = np.zeros((height, width), np.float32)
    cover[y0:y1, x0:x1] = opacity[inside]
    return float(cover[lips > 0].mean())


def passing(seconds: float) -> tuple[float, float] | None:
    """Where it is at a time, IOD from the lips: across from 1.5 to 2.5 s, up from below and held from 4 to 5.6 s."""
    if 1.5 <= seconds < 2.5:
        return (1.6 * (2 * (seconds - 1.5) - 1), 0.25)
    if 4 <= seconds < 5.6:
        rise = min(1.0, 2.2 * (1 - abs(2 * (seconds - 4) / 1.6 - 1)))
        return (0.05, 2.0 - 1.75 * rise)
    return None
