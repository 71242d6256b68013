"""One fault at a time planted in a real talking video: what a viewer would notice, and a measure has to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from dub.media import FrameWriter, read_audio, read_frames
from dub.mouth_metrics import spoken_frames
from dub.source import VideoFacts
from dub.speech_activity import levels_db, speech_islands
from dub.wav import Samples
from engines.face.contract import MOUTH_CORNERS, TrackedFace
from engines.face.mediapipe_landmarker import RIGID
from tests.clips import with_sound

Frame = npt.NDArray[np.uint8]
RATE_HZ = 48_000


@dataclass(frozen=True)
class Clip:
    """A talking video in memory. `sound`: float32 (1, n) at 48 kHz."""

    path: Path
    facts: VideoFacts
    face: TrackedFace
    frames: tuple[Frame, ...]
    sound: Samples

    @classmethod
    def read(cls, path: Path, facts: VideoFacts, face: TrackedFace) -> Clip:
        frames = tuple(read_frames(path, facts))
        n = round(facts.duration * RATE_HZ)
        sound = read_audio(path, RATE_HZ, 1)[:, :n]
        return cls(path, facts, face, frames, np.pad(sound, ((0, 0), (0, n - sound.shape[1]))))

    @property
    def speech(self) -> npt.NDArray[np.bool_]:
        """(n_frames,): somebody is heard."""
        spoken = speech_islands(levels_db([self.sound[0]], RATE_HZ))
        return spoken_frames(spoken, self.facts.frame_rate, self.facts.n_frames)

    def write(self, path: Path, frames: tuple[Frame, ...] | None = None, sound: Samples | None = None) -> Path:
        """The clip with other frames or another sound, encoded anew: an .mkv with PCM, so that nothing shifts."""
        picture = path.with_suffix(".picture.mp4")
        with FrameWriter(picture, self.facts) as writer:
            for frame in frames or self.frames:
                writer.write(frame)
        return with_sound(picture, self.sound if sound is None else sound, path)


def clean(clip: Clip, out: Path) -> Path:
    """Only encoded anew."""
    return clip.write(out)


def sound_late(clip: Clip, out: Path) -> Path:
    """The sound half a second late."""
    late = np.pad(clip.sound, ((0, 0), (RATE_HZ // 2, 0)))[:, : clip.sound.shape[1]]
    return clip.write(out, sound=late)


def sound_swapped(clip: Clip, out: Path) -> Path:
    """Other words of the same voice: the clip's own sound from elsewhere, by two fifths of its length."""
    return clip.write(out, sound=np.roll(clip.sound, 2 * clip.sound.shape[1] // 5, axis=1))


def mouth_frozen(clip: Clip, out: Path) -> Path:
    """The mouth of one speaking frame throughout."""
    aperture = np.where(clip.speech, clip.face.aperture, np.nan)
    typical = int(np.nanargmin(np.abs(aperture - np.nanmedian(aperture))))
    return clip.write(out, _with_mouths(clip, np.full(len(clip.frames), typical)))


def mouth_blurred(clip: Clip, out: Path) -> Path:
    """As a network of 96 px leaves it: the mouth at a third of its resolution."""
    return clip.write(out, tuple(_blurred(clip, frame, at) for at, frame in enumerate(clip.frames)))


def mouth_jumping(clip: Clip, out: Path) -> Path:
    """Every frame the mouth of a frame up to a quarter of a second away, at random."""
    reach = round(clip.facts.frame_rate / 4)
    n = len(clip.frames)
    picked = np.arange(n) + np.random.default_rng(0).integers(-reach, reach + 1, n)
    return clip.write(out, _with_mouths(clip, np.clip(picked, 0, n - 1)))


def mouth_never_still(clip: Clip, out: Path) -> Path:
    """In silence the mouth goes on speaking."""
    speaking, n = np.flatnonzero(clip.speech), len(clip.frames)
    order = np.arange(n)
    silent = np.flatnonzero(~clip.speech)
    order[silent] = speaking[np.arange(len(silent)) % len(speaking)]
    return clip.write(out, _with_mouths(clip, order))


FAULTS: dict[str, Callable[[Clip, Path], Path]] = {
    "clean": clean,
    "sound 500 ms late": sound_late,
    "sound swapped": sound_swapped,
    "mouth frozen": mouth_frozen,
    "mouth blurred": mouth_blurred,
    "mouth jumping": mouth_jumping,
    "mouth never still": mouth_never_still,
}
CAUGHT_BY = {
    "sound 500 ms late": ("av_offset", "aperture_correlation"),
    "sound swapped": ("aperture_correlation",),
    "mouth frozen": ("lip_dynamics",),
    "mouth blurred": ("sharpness_ratio",),
    "mouth jumping": ("flicker_ratio",),
    "mouth never still": ("silence_movement",),
}
"""At least one of these must fail or degrade."""


def _with_mouths(clip: Clip, order: npt.NDArray[np.int64]) -> tuple[Frame, ...]:
    """Frame i with the mouth of frame order[i], moved along with the head, feathered into it."""
    return tuple(
        frame if order[at] == at else _pasted(clip, frame, at, int(order[at])) for at, frame in enumerate(clip.frames)
    )


def _pasted(clip: Clip, frame: Frame, at: int, other: int) -> Frame:
    rigid = np.ascontiguousarray(clip.face.at(*RIGID))
    moved = cv2.estimateAffinePartial2D(rigid[other], rigid[at])[0]
    planes = []
    for plane, theirs, scale in zip(_planes(frame), _planes(clip.frames[other]), (1.0, 0.5, 0.5), strict=True):
        matrix = moved.copy()
        matrix[:, 2] *= scale
        size = (plane.shape[1], plane.shape[0])
        warped = cv2.warpAffine(theirs, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        mask = _mask(clip, at, plane.shape, scale)
        planes.append(np.round(plane + mask * (warped.astype(np.float32) - plane)).astype(np.uint8))
    return _joined(planes)


def _blurred(clip: Clip, frame: Frame, at: int) -> Frame:
    luma, *chroma = _planes(frame)
    third = cv2.resize(luma, None, fx=1 / 3, fy=1 / 3, interpolation=cv2.INTER_AREA)
    soft = cv2.resize(third, (luma.shape[1], luma.shape[0]), interpolation=cv2.INTER_LINEAR)
    mask = _mask(clip, at, luma.shape, 1.0)
    return _joined([np.round(luma + mask * (soft.astype(np.float32) - luma)).astype(np.uint8), *chroma])


def _mask(clip: Clip, at: int, shape: tuple[int, ...], scale: float) -> npt.NDArray[np.float32]:
    """1 on the mouth and chin, falling to 0 over a tenth of the eyes' distance."""
    iod = float(clip.face.iod_px[at]) * scale
    x, y = clip.face.at(*MOUTH_CORNERS)[at].mean(axis=0) * scale
    mask = np.zeros(shape, np.float32)
    cv2.ellipse(mask, ((x, y + 0.12 * iod), (1.0 * iod, 0.85 * iod), 0.0), 1.0, -1)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), max(0.05 * iod, 0.5)), np.float32)


def _planes(frame: Frame) -> list[Frame]:
    height, width = frame.shape[0] * 2 // 3, frame.shape[1]
    blue, red = frame[height:].reshape(2, height // 2, width // 2)
    return [frame[:height], blue, red]


def _joined(planes: list[Frame]) -> Frame:
    luma, blue, red = planes
    width = luma.shape[1]
    return np.concatenate([luma, np.concatenate([blue, red]).reshape(-1, width)])
