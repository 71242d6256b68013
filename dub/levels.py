"""Levels: power of samples in decibels below full scale."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from dub.timecode import MASTER_RATE_HZ
from dub.wav import BLOCK_SAMPLES, Samples

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


def power_curve(sound: Samples) -> Curve:
    """Mean power of (n_channels, n_samples) per hundredth of a second, mean over channels; the last may be short."""
    pieces = [_frame_powers(sound[:, start : start + _STEP]) for start in range(0, sound.shape[1], _STEP)]
    return np.concatenate(pieces) if pieces else np.zeros(0)


_STEP = 512 * FRAME_SAMPLES


def _frame_powers(piece: Samples) -> Curve:
    power = (piece.astype(np.float64) ** 2).mean(axis=0)
    n_whole = len(power) // FRAME_SAMPLES
    frames = power[: n_whole * FRAME_SAMPLES].reshape(n_whole, FRAME_SAMPLES).mean(axis=1)
    rest = power[n_whole * FRAME_SAMPLES :]
    return np.append(frames, rest.mean()) if len(rest) else frames
