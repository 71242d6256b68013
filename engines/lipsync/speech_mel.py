"""The picture of speech that Wav2Lip's family of networks listens to: 80 mel bands, 80 columns a second, 16 per frame.

As in FaceFusion 3 (facefusion/audio.py), whose exports of these networks are the ones in use: peak-normalised mono at
16 kHz, pre-emphasis 0.97, 800-sample Hann windows every 200 samples, magnitudes over the window's sum, triangles from
55 to 7,600 Hz each reaching from one mel step to the next, log10 * 1.6 + 3.2 within +-4.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from fractions import Fraction

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

RATE_HZ = 16_000
N_BANDS, N_COLUMNS = 80, 16
COLUMNS_PER_S = 80
WINDOW, HOP = 800, 200
LOWEST_HZ, HIGHEST_HZ = 55.0, 7600.0
PRE_EMPHASIS = 0.97
FLOOR, CEILING = -4.0, 4.0
_BLOCK = 4096


def mel_columns(speech: npt.NDArray[np.float32]) -> Floats:
    """Mono speech at 16 kHz (n,) -> (1 + n // 200 columns, 80 bands), each -4..4; silence is -4 throughout."""
    peak = float(np.abs(speech).max()) if speech.size else 0.0
    if peak == 0:
        return np.full((1 + len(speech) // HOP, N_BANDS), FLOOR, np.float32)
    level = speech / np.float32(peak)
    emphasised = level - np.float32(PRE_EMPHASIS) * np.concatenate([[np.float32(0)], level[:-1]])
    padded = np.pad(emphasised, (WINDOW // 2, WINDOW))
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[: len(speech) + 1 : HOP]
    bell = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)).astype(np.float32)
    bands = mel_bands()
    columns = np.empty((len(windows), N_BANDS), np.float32)
    for start in range(0, len(windows), _BLOCK):
        spectrum = np.abs(np.fft.rfft(windows[start : start + _BLOCK] * bell)) / bell.sum()
        loudness = np.log10(np.maximum(1e-5, spectrum @ bands.T)) * 1.6 + 3.2
        columns[start : start + _BLOCK] = np.clip(loudness, FLOOR, CEILING)
    return columns


def mel_bands() -> npt.NDArray[np.float64]:
    """(80, 401): the weight of each of the spectrum's bins in each band."""
    low, high = (2595 * np.log10(1 + hertz / 700) for hertz in (LOWEST_HZ, HIGHEST_HZ))
    hertz = 700 * (10 ** (np.linspace(low, high, N_BANDS + 2) / 2595) - 1)
    edges = np.floor((WINDOW + 1) * hertz / RATE_HZ).astype(int)
    bands = np.zeros((N_BANDS, WINDOW // 2 + 1))
    for band, (first, end) in enumerate(itertools.pairwise(edges[: N_BANDS + 1])):
        n = end - first
        height = 1 - np.abs(2 * np.arange(n) + 1 - n) / (n + n % 2)
        bands[band, first:end] = height
    return bands


def mel_windows(columns: Floats, frames: Iterable[int], frame_rate: Fraction) -> Floats:
    """(n, 1, 80, 16): what a network hears at each of `frames`: 0.2 s of `columns` that start with the frame. Beyond
    the sound's end it hears silence."""
    lead = next(k for k in range(N_COLUMNS * frame_rate.numerator) if _column(k, frame_rate) >= N_COLUMNS)
    windows = []
    for frame in frames:
        end = _column(frame + lead, frame_rate)
        window = columns[end - N_COLUMNS : end]
        missing = N_COLUMNS - len(window)
        windows.append(np.pad(window, ((0, missing), (0, 0)), constant_values=FLOOR).T[None])
    return np.stack(windows) if windows else np.zeros((0, 1, N_BANDS, N_COLUMNS), np.float32)


def _column(frame: int, frame_rate: Fraction) -> int:
    return int(frame * COLUMNS_PER_S / frame_rate)
