"""A drawn face that talks: every landmark and every pixel of its mouth is known, and it is nobody's likeness."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from dub import media
from dub.source import VideoFacts
from dub.wav import write_wav
from engines.face.contract import TrackedFace
from engines.face.mediapipe_landmarker import (
    FACE_OVAL,
    INNER_LIP_BOTTOM,
    INNER_LIP_TOP,
    KEPT_POINTS,
    OUTER_LIP_BOTTOM,
    OUTER_LIP_TOP,
)

IOD_PX = 80
SIZE_PX = 256
RATE = Fraction(25)
MOUTH_Y = 0.8
SKIN, LIPS, INSIDE, TEETH = 170, 110, 20, 235


@dataclass(frozen=True)
class Cartoon:
    """A clip of the drawn face. `aperture` (n_frames,) in IOD; `middle_px` (n_frames, 2): between the eyes.
    `talks_s`: from when to when it talks."""

    video: Path
    facts: VideoFacts
    face: TrackedFace
    dialogue: Path
    aperture: npt.NDArray[np.float64]
    middle_px: npt.NDArray[np.float64]
    talks_s: tuple[float, float]


@dataclass(frozen=True)
class Look:
    """Another person: nose and mouth lie `lower` IOD further down, lips have another grey."""

    lower: float = 0.0
    lips: int = LIPS


def points_of(aperture: float, width: float = 0.56, look: Look = Look()) -> dict[int, tuple[float, float]]:
    """Mesh points by number, canonical (IOD, origin between the eyes)."""
    points = dict.fromkeys(KEPT_POINTS, (0.0, 0.4))
    points |= {33: (-0.5, 0), 133: (-0.2, 0), 362: (0.2, 0), 263: (0.5, 0), 168: (0, 0), 6: (0, 0.1)}
    points |= {
        197: (0, 0.2),
        195: (0, 0.3),
        5: (0, 0.4),
        4: (0, 0.48 + look.lower),
        98: (-0.15, 0.5 + look.lower),
        327: (0.15, 0.5 + look.lower),
        2: (0, 0.55 + look.lower),
    }
    along = np.linspace(-1, 1, 11)
    arch = 1 - along**2
    for ids, lift in (
        (OUTER_LIP_TOP, -0.08 - 0.35 * aperture),
        (INNER_LIP_TOP, -0.35 * aperture),
        (INNER_LIP_BOTTOM, 0.65 * aperture),
        (OUTER_LIP_BOTTOM, 0.10 + 0.65 * aperture),
    ):
        for mesh_id, s, a in zip(ids, along, arch, strict=True):
            points[mesh_id] = (s * width / 2, MOUTH_Y + look.lower + lift * a)
    chin = 1.2 + 0.5 * aperture
    for mesh_id, angle in zip(FACE_OVAL, np.linspace(0, 2 * np.pi, len(FACE_OVAL), endpoint=False), strict=True):
        y = 0.2 - 0.9 * np.cos(angle)
        points[mesh_id] = (0.75 * np.sin(angle), y if y < 0.2 else 0.2 + (y - 0.2) / 0.9 * (chin - 0.2))
    return points


def draw(
    aperture: float, middle: npt.NDArray[np.float64], texture: npt.NDArray[np.float32], look: Look
) -> npt.NDArray[np.uint8]:
    """One yuv420p frame (SIZE_PX * 3 // 2, SIZE_PX)."""
    points = points_of(aperture, look=look)

    def polygon(*ids: int) -> npt.NDArray[np.int32]:
        corners = np.array([points[mesh_id] for mesh_id in ids]) * IOD_PX + middle - 0.5
        return np.rint(corners * 16).astype(np.int32)

    luma = np.tile(np.linspace(60, 120, SIZE_PX, dtype=np.float32), (SIZE_PX, 1))
    skin = np.zeros((SIZE_PX, SIZE_PX), np.uint8)
    cv2.fillPoly(skin, [polygon(*FACE_OVAL)], 1, shift=4)
    grain = np.roll(texture, tuple(np.rint(middle[::-1]).astype(int)), (0, 1))
    luma = np.where(skin > 0, SKIN + grain, luma)
    cv2.fillPoly(luma, [polygon(*OUTER_LIP_TOP, *OUTER_LIP_BOTTOM[::-1])], look.lips, shift=4)
    if aperture > 0.01:
        cv2.fillPoly(luma, [polygon(*INNER_LIP_TOP, *INNER_LIP_BOTTOM[::-1])], INSIDE, shift=4)
    frame = np.full((SIZE_PX * 3 // 2, SIZE_PX), 128, np.uint8)
    frame[:SIZE_PX] = np.clip(luma, 0, 255)
    return frame


def make(
    folder: Path,
    *,
    seconds: float = 6.0,
    talks_from_s: float = 1.0,
    talks_to_s: float = 5.0,
    looks: tuple[Look, ...] = (Look(),),
) -> Cartoon:
    """The face talks in the middle of the clip and is shut before and after; its head drifts a little. One shot of
    equal length per look."""
    n = round(seconds * RATE)
    t = (np.arange(n) + 0.5) / float(RATE)
    talks = (t >= talks_from_s) & (t < talks_to_s)
    aperture = np.where(talks, np.maximum(0, 0.13 + 0.14 * np.sin(2 * np.pi * 2.3 * t) + 0.04 * np.sin(9 * t)), 0.0)
    middle = np.stack([128 + 4 * np.sin(t), 76 + 3 * np.cos(1.3 * t)], axis=1)
    texture = np.random.default_rng(5).normal(0, 6, (SIZE_PX, SIZE_PX)).astype(np.float32)
    facts = VideoFacts(width_px=SIZE_PX, height_px=SIZE_PX, frame_rate=RATE, n_frames=n)
    video = folder / "cartoon.mp4"
    with media.FrameWriter(video, facts, crf=10) as writer:
        for i, (a, where) in enumerate(zip(aperture, middle, strict=True)):
            writer.write(draw(float(a), where, texture, looks[i * len(looks) // n]))
    sound = np.random.default_rng(6).normal(0, 0.1, round(seconds * 48_000)).astype(np.float32)
    at = np.arange(len(sound)) / 48_000
    sound[(at < talks_from_s) | (at >= talks_to_s)] *= 1e-4
    write_wav(folder / "dialogue.wav", sound, 48_000)
    return Cartoon(
        video,
        facts,
        track_of(aperture, middle, looks),
        folder / "dialogue.wav",
        aperture,
        middle,
        (talks_from_s, talks_to_s),
    )


def track_of(
    aperture: npt.NDArray[np.float64], middle: npt.NDArray[np.float64], looks: tuple[Look, ...] = (Look(),)
) -> TrackedFace:
    """What a perfect tracker would say of the drawn face."""
    n = len(aperture)
    points = np.zeros((n, len(KEPT_POINTS), 2), np.float32)
    for i in range(n):
        known = points_of(float(aperture[i]), look=looks[i * len(looks) // n])
        points[i] = np.array([known[mesh_id] for mesh_id in KEPT_POINTS]) * IOD_PX + middle[i]
    flat = np.zeros(n, np.float32)
    return TrackedFace(
        point_ids=np.array(KEPT_POINTS, np.int16),
        points=points,
        yaw_deg=flat,
        pitch_deg=flat,
        roll_deg=flat,
        pucker=flat,
        jaw_open=flat,
        sharpness=flat + 40,
        brightness=flat + 120,
        shots=np.array([-(-k * n // len(looks)) for k in range(len(looks))], np.int32),
    )


def opening_px(frame: npt.NDArray[np.uint8], middle: npt.NDArray[np.float64]) -> int:
    """Rows of dark mouth in the middle column between nose and chin."""
    x = int(middle[0])
    top, bottom = (int(middle[1] + y * IOD_PX) for y in (0.6, 1.1))
    return int((frame[top:bottom, x - 1 : x + 2].mean(axis=1) < (INSIDE + LIPS) / 2).sum())


def chin_row(frame: npt.NDArray[np.uint8], middle: npt.NDArray[np.float64]) -> int:
    """Last row of skin in the middle columns, counted from between the eyes, in pixels."""
    x, y = int(middle[0]), int(middle[1])
    column = frame[:SIZE_PX, x - 3 : x + 4].mean(axis=1)
    return int(np.flatnonzero(column > (SKIN + 120) / 2).max()) - y
