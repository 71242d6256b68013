"""MFCC: what sounds at each moment in a dozen numbers (mel cepstra; Davis and Mermelstein 1980)."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

WINDOW_S = 0.025
N_MELS = 40
LOWEST_HZ, HIGHEST_HZ = 60.0, 7_600.0
FLOOR_DB = -60.0
"""Under the loud frames (95th percentile): what is quieter is silence, whatever its spectrum."""
ROWS_AT_ONCE = 4_096


def mfcc(
    samples: Floats,
    rate_hz: int,
    frame_rate: Fraction | float,
    n_coefficients: int = 13,
    *,
    n_frames: int | None = None,
    window_s: float = WINDOW_S,
) -> Floats:
    """float32 (n_frames, n_coefficients): one row per 1 / `frame_rate` seconds, of the window around its middle.

    `samples`: float32 (n,), mono, at `rate_hz` >= 8000, may be a memory map. Row i is of `window_s` seconds centred on
    (i + 1/2) / frame_rate, the time at whose middle video frame i is shown; `n_frames`: as many as the sound has unless
    said, silence beyond its end. A pure function of level too: 10 times louder adds a constant to column 0 alone.

    Periodic Hann window, power spectrum, 40 triangular bands over 60-7600 Hz (at most half the rate) equally spaced on
    the mel scale 2595 log10(1 + f / 700) (O'Shaughnessy 1987, as in HTK), natural logarithm, orthonormal DCT-II.
    No pre-emphasis: it would add the same numbers to every row. Column 0 is the level, 1 the tilt of the spectrum.
    Raises ValueError for a rate under 8 kHz, two channels or more than 40 coefficients.
    """
    if rate_hz < 8_000 or samples.ndim != 1 or not 0 < n_coefficients <= N_MELS:
        raise ValueError(f"mfcc of {samples.ndim}-dimensional sound at {rate_hz} Hz, {n_coefficients} coefficients")
    if n_frames is None:
        n_frames = int(len(samples) * Fraction(frame_rate) / rate_hz)
    if not n_frames:
        return np.zeros((0, n_coefficients), np.float32)
    mel = np.concatenate(list(_mel_power(samples, rate_hz, Fraction(frame_rate), n_frames, window_s)))
    loud = float(np.quantile(mel.sum(axis=1), 0.95))
    floor = max(loud * 10 ** (FLOOR_DB / 10), 1e-20) / N_MELS
    return np.asarray(np.log(mel + floor) @ _cosines(n_coefficients), np.float32)


def _mel_power(
    samples: Floats, rate_hz: int, frame_rate: Fraction, n_frames: int, window_s: float
) -> Iterator[npt.NDArray[np.float64]]:
    """Blocks of rows (n, 40) of the power in each mel band."""
    length = round(window_s * rate_hz)
    n_fft = 1 << (length - 1).bit_length()
    window = np.hanning(length + 1)[:-1]
    bands = _mel_bands(rate_hz, n_fft).T
    for first in range(0, n_frames, ROWS_AT_ONCE):
        rows = range(first, min(n_frames, first + ROWS_AT_ONCE))
        starts = np.array([int((row + Fraction(1, 2)) * rate_hz / frame_rate) - length // 2 for row in rows])
        at = starts[:, None] + np.arange(length)
        inside = (at >= 0) & (at < len(samples))
        pieces = np.where(inside, samples[np.clip(at, 0, max(len(samples) - 1, 0))], 0) if len(samples) else 0.0 * at
        yield np.abs(np.fft.rfft(pieces * window, n_fft)) ** 2 @ bands


@lru_cache(maxsize=8)
def _mel_bands(rate_hz: int, n_fft: int) -> npt.NDArray[np.float64]:
    """(40, n_fft // 2 + 1): triangles from LOWEST_HZ to HIGHEST_HZ."""
    lowest, highest = (2595 * np.log10(1 + hz / 700) for hz in (LOWEST_HZ, min(HIGHEST_HZ, rate_hz / 2)))
    edges = 700 * (10 ** (np.linspace(lowest, highest, N_MELS + 2) / 2595) - 1)
    hz = np.fft.rfftfreq(n_fft, 1 / rate_hz)
    rising = (hz - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - hz) / (edges[2:] - edges[1:-1])[:, None]
    return np.asarray(np.maximum(0, np.minimum(rising, falling)))


@lru_cache(maxsize=8)
def _cosines(n_coefficients: int) -> npt.NDArray[np.float64]:
    """(40, n_coefficients): columns of the orthonormal DCT-II."""
    k, band = np.arange(n_coefficients), np.arange(N_MELS)[:, None]
    columns = np.sqrt(2 / N_MELS) * np.cos(np.pi * k * (2 * band + 1) / (2 * N_MELS))
    columns[:, 0] /= np.sqrt(2)
    return np.asarray(columns)
