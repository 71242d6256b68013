"""What two voices have in common when they say the same: mel cepstra without the speaker's mean, and their slope."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

RATE_HZ = 16_000
HOP_S = 0.01
HOP, WINDOW, N_FFT = 160, 400, 512
N_MELS, N_CEPSTRA = 40, 10
SLOPE_WEIGHT = 0.5
FLOOR_DB, LOUD_DB = -50.0, -30.0
"""Against the loudest frames: what is quieter than the first is silence, whatever its spectrum; what is louder than the
second tells what the voice is like."""


def features(samples: npt.NDArray[np.float32], rate_hz: int) -> Floats:
    """(n, 20): one row per 10 ms. More than ten cepstra tell more of the voice than of what it says."""
    from scipy.fft import dct

    log_mel, level = _log_mel(samples, rate_hz)
    cepstra = dct(log_mel, axis=1, norm="ortho")[:, :N_CEPSTRA]
    loud = level > LOUD_DB
    cepstra = (cepstra - cepstra[loud].mean(axis=0)) / (cepstra[loud].std(axis=0) + 1e-6)
    slope = _slope(cepstra)
    slope /= slope[loud].std(axis=0) + 1e-6
    return np.hstack([cepstra, SLOPE_WEIGHT * slope])


def _log_mel(samples: npt.NDArray[np.float32], rate_hz: int) -> tuple[Floats, Floats]:
    """Log mel energies (n, 40), floored, and the level in dB under the loud frames (n,)."""
    import soxr

    sound = np.asarray(soxr.resample(samples.astype(np.float32), rate_hz, RATE_HZ), np.float64)
    n = max(1, sound.size // HOP)
    padded = np.pad(sound, (WINDOW // 2 - HOP // 2, WINDOW))
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[: n * HOP : HOP]
    power = np.abs(np.fft.rfft(frames * np.hanning(WINDOW), N_FFT)) ** 2
    mel = power @ mel_bands().T
    total = 10 * np.log10(mel.sum(axis=1) + 1e-12)
    loudest = np.quantile(total, 0.95)
    floor = 10 ** ((loudest + FLOOR_DB) / 10) / N_MELS
    return np.log(mel + floor), total - loudest


def _slope(values: Floats, reach: int = 2) -> Floats:
    """Regression over +-2 frames."""
    padded = np.pad(values, ((reach, reach), (0, 0)), mode="edge")
    n = len(values)
    weights = range(-reach, reach + 1)
    return np.asarray(sum(w * padded[reach + w : reach + w + n] for w in weights) / sum(w * w for w in weights))


@lru_cache(maxsize=1)
def mel_bands() -> Floats:
    """(40, 257): triangles, 60 to 7600 Hz, HTK's mel scale 2595 log10(1 + f / 700)."""
    lowest, highest = (2595 * np.log10(1 + hz / 700) for hz in (60.0, 7600.0))
    edges = 700 * (10 ** (np.linspace(lowest, highest, N_MELS + 2) / 2595) - 1)
    hz = np.fft.rfftfreq(N_FFT, 1 / RATE_HZ)
    rising = (hz - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - hz) / (edges[2:] - edges[1:-1])[:, None]
    return np.asarray(np.maximum(0, np.minimum(rising, falling)))
