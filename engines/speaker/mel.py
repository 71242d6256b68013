"""Mel spectra as the speaker encoders were trained on: Slaney's mel scale and area norm, without librosa.

Formula: hz = 200 m / 3 below m = 15, else 1000 * 6.4 ** ((m - 15) / 27) (Slaney, Auditory Toolbox, 1998).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt


@lru_cache(maxsize=8)
def slaney_filters(n_mels: int, n_fft: int, rate_hz: int) -> npt.NDArray[np.float64]:
    """Triangles float64 (n_mels, n_fft // 2 + 1) from 0 Hz to rate_hz / 2, each of area 1 in Hz."""
    top_hz = rate_hz / 2
    top_mel = 15 + 27 * np.log(top_hz / 1000) / np.log(6.4)
    mels = np.linspace(0, top_mel, n_mels + 2)
    edges_hz = np.where(mels < 15, 200 * mels / 3, 1000 * 6.4 ** ((mels - 15) / 27))
    bins_hz = np.fft.rfftfreq(n_fft, 1 / rate_hz)
    lower, centre, upper = edges_hz[:-2, None], edges_hz[1:-1, None], edges_hz[2:, None]
    rising = (bins_hz - lower) / (centre - lower)
    falling = (upper - bins_hz) / (upper - centre)
    return np.asarray(np.maximum(0, np.minimum(rising, falling)) * (2 / (upper - lower)))


def power_frames(
    samples: npt.NDArray[np.float32], window: npt.NDArray[np.float64], hop: int
) -> npt.NDArray[np.float64]:
    """Power spectra float64 (n_frames, n_fft // 2 + 1) of windows of `window.size` samples, one every
    `hop`."""
    frames = np.lib.stride_tricks.sliding_window_view(samples.astype(np.float64), window.size)[::hop]
    return np.asarray(np.abs(np.fft.rfft(frames * window, axis=1)) ** 2)


def to_16_khz(samples: npt.NDArray[np.float32], rate_hz: int) -> npt.NDArray[np.float32]:
    """Mono speech at 16 kHz, float32."""
    if rate_hz == 16_000:
        return samples.astype(np.float32)
    import soxr

    return np.asarray(soxr.resample(samples.astype(np.float32), rate_hz, 16_000), dtype=np.float32)


SOFTEST_BAND = 1e-6
"""Power that is added to every band. At speech's working level of -26 dBFS it lies some 40 dB under a loud band: bands
without sound, as those above a telephone's, are all alike and say nothing (docs/diarization.md)."""


def cepstra(speech: npt.NDArray[np.float32], n_coefficients: int = 12) -> npt.NDArray[np.float32]:
    """float32 (n_samples // 160, n_coefficients) of 16 kHz speech: the shape of 40 log mel bands as cosines 1, 2, ...
    (the level, cosine 0, is left out), 25 ms of Hamming window around the middle of every 10 ms."""
    from scipy.fft import dct

    n_frames = speech.size // 160
    if not n_frames:
        return np.zeros((0, n_coefficients), np.float32)
    power = power_frames(np.pad(speech, 120), np.hamming(400), 160)[:n_frames]
    bands = np.log(power @ slaney_filters(40, 400, 16_000).T + SOFTEST_BAND)
    return np.asarray(dct(bands, axis=1, norm="ortho")[:, 1 : 1 + n_coefficients], dtype=np.float32)
