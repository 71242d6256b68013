"""Small clips with known contents, made by ffmpeg's own sources and by numpy."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from dub.media import Frame, FrameWriter, ffmpeg_exe, write_wav
from dub.source import VideoFacts
from dub.wav import Samples


def ffmpeg(*arguments: str | Path) -> None:
    """Run ffmpeg with plain arguments; the test fails with what it said."""
    command = [ffmpeg_exe(), "-nostdin", "-y", "-v", "error", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def facts(n_frames: int, rate: Fraction | int = 25, width: int = 64, height: int = 48) -> VideoFacts:
    return VideoFacts(width_px=width, height_px=height, frame_rate=Fraction(rate), n_frames=n_frames)


def flat_frame(level: int, width: int = 64, height: int = 48) -> Frame:
    """A yuv420p frame of one luma, no colour."""
    frame = np.full((height * 3 // 2, width), 128, np.uint8)
    frame[:height] = level
    return frame


def numbered(path: Path, n_frames: int, rate: Fraction | int = 25) -> Path:
    """Frame n has luma 16 + 2 n (for up to 110 frames): what is seen says which frame it is."""
    with FrameWriter(path, facts(n_frames, rate), crf=1) as writer:
        for number in range(n_frames):
            writer.write(flat_frame(16 + 2 * number))
    return path


def number_of(frame: Frame) -> int:
    """Which frame of `numbered` this is."""
    height = frame.shape[0] * 2 // 3
    return round((float(frame[:height].mean()) - 16) / 2)


def clicks(at_s: Sequence[float], duration_s: float, rate_hz: int = 48_000) -> Samples:
    """Mono clicks of one millisecond at given times, level 0.5."""
    sound = np.zeros((1, round(duration_s * rate_hz)), np.float32)
    for time_s in at_s:
        start = round(time_s * rate_hz)
        sound[:, start : start + rate_hz // 1000] = 0.5
    return sound


def first_over(sound: Samples, level: float = 0.2) -> int:
    """The first sample above a level."""
    return int(np.argmax(np.abs(sound[0]) > level))


def speechlike(duration_s: float, rate_hz: int = 48_000, pitch_hz: float = 130.0, seed: int = 0) -> Samples:
    """Mono harmonic bursts at 4 a second: no speech, but as long, as loud and as jagged. RMS about 0.1."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(duration_s * rate_hz)) / rate_hz
    voice = sum(np.sin(2 * np.pi * pitch_hz * k * t + rng.uniform(0, 6)) / k for k in range(1, 12))
    syllables = np.maximum(0, np.sin(2 * np.pi * 2 * t)) ** 0.5
    return (0.12 * voice * syllables).astype(np.float32)[None]


def with_sound(picture: Path, sound: Samples, path: Path, rate_hz: int = 48_000, codec: str = "pcm_s16le") -> Path:
    """Put a sound to a picture; .mov and .mkv take PCM, which has no encoder delay."""
    wav = path.with_suffix(".wav")
    write_wav(wav, sound, rate_hz)
    ffmpeg("-i", picture, "-i", wav, "-c:v", "copy", "-c:a", codec, path)
    return path


def turned(path: Path, out: Path) -> Path:
    """A copy of an MP4 whose display matrix tells players to turn the picture by 90 degrees clockwise."""
    content = bytearray(path.read_bytes())
    at = content.index(b"tkhd") + 4 + 40
    one = 1 << 16
    assert struct.unpack(">9i", content[at : at + 36]) == (one, 0, 0, 0, one, 0, 0, 0, 1 << 30)
    content[at : at + 36] = struct.pack(">9i", 0, one, 0, -one, 0, 0, 48 * one, 0, 1 << 30)
    out.write_bytes(content)
    return out


def level_db(sound: Samples) -> float:
    return float(10 * np.log10((sound.astype(np.float64) ** 2).mean() + 1e-30))
