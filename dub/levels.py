"""Levels: power of samples in decibels below full scale."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from dub.timecode import MASTER_RATE_HZ
from dub.wav import BLOCK_SAMPLES, Samples, let_go

SILENCE_DB = -120.0
"""The level given for digital silence and anything under it: 24-bit sound has nothing there."""

FRAME_SAMPLES = MASTER_RATE_HZ // 100
"""Levels and gains over time are kept per hundredth of a second: 480 samples of the master clock."""

Curve = npt.NDArray[np.float64]
"""A value for every hundredth of a second, float64 (n_frames,)."""


def mean_db(energy: float, n_samples: int) -> float:
    """Level of `n_samples` whose squares sum up to `energy`, in dBFS; SILENCE_DB when there is nothing."""
    power = energy / n_samples if n_samples else 0.0
    return max(SILENCE_DB, 10 * math.log10(power)) if power > 0 else SILENCE_DB


def gain_of_db(level_db: float) -> float:
    """Amplitude factor of a gain in dB."""
    return float(10 ** (level_db / 20))


def blocks(sound: Samples) -> Iterator[Samples]:
    """A (memory-mapped) sound in pieces of BLOCK_SAMPLES, copied to memory, in order."""
    for start in range(0, sound.shape[-1], BLOCK_SAMPLES):
        yield np.array(sound[..., start : start + BLOCK_SAMPLES], np.float32)
        let_go(sound)


def power_curve(sound: Samples) -> Curve:
    """Mean power of (n_channels, n_samples) per hundredth of a second, mean over channels; the last may be short."""
    pieces = [_frame_powers(block) for block in blocks(sound)]
    return np.concatenate(pieces) if pieces else np.zeros(0)


def decibels(power: Curve) -> Curve:
    """Powers in dBFS, not under SILENCE_DB."""
    return np.asarray(np.maximum(SILENCE_DB, 10 * np.log10(np.maximum(power, 1e-30))))


def active_db(power: Curve) -> float | None:
    """Level of the frames where there is sound: not 20 dB under the mean of all. None for silence."""
    if not power.size or power.mean() <= 10 ** (SILENCE_DB / 10):
        return None
    return float(10 * np.log10(power[power > 0.01 * power.mean()].mean()))


def _frame_powers(piece: Samples) -> Curve:
    power = (piece.astype(np.float64) ** 2).mean(axis=0)
    n_whole = len(power) // FRAME_SAMPLES
    frames = power[: n_whole * FRAME_SAMPLES].reshape(n_whole, FRAME_SAMPLES).mean(axis=1)
    rest = power[n_whole * FRAME_SAMPLES :]
    return np.asarray(np.append(frames, rest.mean()) if len(rest) else frames)


def over_samples(gains: Curve, start: int, n_samples: int) -> npt.NDArray[np.float32]:
    """A gain curve at every sample of [start, start + n_samples): straight lines between the frames' middles."""
    at = (np.arange(start, start + n_samples) + 0.5) / FRAME_SAMPLES - 0.5
    return np.interp(at, np.arange(len(gains)), gains).astype(np.float32)
