"""Bring a synthetic voice nearer to a speaker by pitch and spectral tilt (WORLD vocoder), keeping every time
as it is.

WORLD: M. Morise, F. Yokomori, K. Ozawa, "WORLD: a vocoder-based high-quality speech synthesis system", 2016.
All at 24 kHz, 5 ms frames, FFT 1024; envelopes have 513 bins (23.4 Hz each).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

RATE_HZ = 24_000
FRAME_MS = 5.0
N_FFT = 1024
N_BINS = N_FFT // 2 + 1
F0_FLOOR_HZ, F0_CEIL_HZ = 65.0, 420.0
SPEECH_RMS = 0.05

Floats = npt.NDArray[np.float64]
Samples = npt.NDArray[np.float32]


@dataclass(frozen=True)
class PitchMap:
    """log F0 -> (log F0 - source_mean) * gain + target_mean, on voiced frames."""

    source_mean: float
    target_mean: float
    gain: float

    @classmethod
    def between(cls, source: tuple[float, float], target: tuple[float, float]) -> PitchMap:
        """From the source's to the target's (mean, standard deviation) of log F0. A lively target counts up
        to 0.35."""
        gain = min(target[1], 0.35) / max(source[1], 0.05)
        return cls(source[0], target[0], float(np.clip(gain, 0.4, 2.5)))


@dataclass(frozen=True)
class Polish:
    """What to change: `pitch`, and `curve` (513,), added to the log power envelope `strength` times (0..1). None leaves
    that part alone."""

    pitch: PitchMap | None
    curve: Floats | None
    strength: float = 1.0

    @property
    def is_nothing(self) -> bool:
        return self.pitch is None and self.curve is None

    def apply(self, samples: Samples, frames: Analysis | None = None) -> Samples:
        """float32 (n,) in, float32 (n,) out: same length, same loudness (RMS), peak at most 0.98. `frames`: the
        analysis of the samples, for who tries several polishes on them."""
        if self.is_nothing:
            return samples
        level = _rms(samples)
        if level < 1e-6:
            return samples
        frames = frames or Analysis.of(samples)
        f0, envelope = frames.f0_hz, frames.envelope
        if self.pitch is not None:
            voiced = f0 > 0
            moved = (np.log(f0[voiced]) - self.pitch.source_mean) * self.pitch.gain + self.pitch.target_mean
            f0 = f0.copy()
            f0[voiced] = np.clip(np.exp(moved), 60, 450)
        if self.curve is not None:
            envelope = envelope * np.exp(self.strength * self.curve)
        polished = _world().synthesize(f0, np.ascontiguousarray(envelope), frames.aperiodicity, RATE_HZ, FRAME_MS)
        polished = np.pad(polished, (0, max(0, samples.size - polished.size)))[: samples.size]
        polished *= level / max(_rms(polished), 1e-9)
        return np.asarray(polished * min(1.0, 0.98 / max(np.abs(polished).max(), 1e-9)), dtype=np.float32)

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """For a style's .npz."""
        pitch, curve = self.pitch, self.curve
        return {
            "pitch_map": np.array([pitch.source_mean, pitch.target_mean, pitch.gain] if pitch else []),
            "eq_strength": np.array(self.strength),
            "eq": (curve if curve is not None else np.zeros(0)).astype(np.float32),
        }

    @classmethod
    def from_arrays(cls, stored: Mapping[str, npt.NDArray[Any]]) -> Polish:
        """Raises ValueError or KeyError for arrays that are no polish."""
        pitch, curve = stored["pitch_map"], stored["eq"]
        if curve.size not in (0, N_BINS) or pitch.size not in (0, 3):
            raise ValueError(f"equaliser {curve.shape}, pitch {pitch.shape}")
        return cls(
            PitchMap(*map(float, pitch)) if pitch.size else None,
            curve.astype(np.float64) if curve.size else None,
            float(stored["eq_strength"]),
        )


@dataclass(frozen=True)
class Analysis:
    """WORLD's view of speech at RMS 0.05: `f0_hz` (n,), 0 where unvoiced; `envelope` power (n, 513)."""

    speech: Floats
    f0_hz: Floats
    times_s: Floats
    envelope: Floats

    @classmethod
    def of(cls, samples: Samples) -> Analysis:
        speech = samples.astype(np.float64) * (SPEECH_RMS / max(_rms(samples), 1e-9))
        f0, times = _pitch(speech)
        return cls(speech, f0, times, _world().cheaptrick(speech, f0, times, RATE_HZ, fft_size=N_FFT))

    @cached_property
    def aperiodicity(self) -> Floats:
        """(n, 513), what is breath and noise."""
        return np.asarray(_world().d4c(self.speech, self.f0_hz, self.times_s, RATE_HZ, fft_size=N_FFT))


@cache
def _world() -> Any:
    """pyworld, without its warning of pkg_resources: setuptools is pinned for it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        import pyworld
    return pyworld


def _pitch(speech: Floats) -> tuple[Floats, Floats]:
    """F0 in Hz (0 where unvoiced) and times in s of frames every 5 ms."""
    pyworld = _world()
    coarse, times = pyworld.dio(speech, RATE_HZ, f0_floor=F0_FLOOR_HZ, f0_ceil=F0_CEIL_HZ, frame_period=FRAME_MS)
    return pyworld.stonemask(speech, coarse, times, RATE_HZ), times


def pitch_of(samples: Samples) -> tuple[float, float]:
    """Mean and standard deviation of log F0 over voiced frames; (0, 0) where there are none (a whisper, noise)."""
    f0, _ = _pitch(samples.astype(np.float64))
    voiced = np.log(f0[f0 > 0])
    return (float(voiced.mean()), float(voiced.std())) if voiced.size >= 20 else (0.0, 0.0)


def mean_log_envelope(samples: Samples) -> Floats:
    """(513,): over voiced frames above the 30 % quantile of energy; zeros where there are none."""
    frames = Analysis.of(samples)
    envelope = frames.envelope[frames.f0_hz > 0]
    if len(envelope) < 20:
        return np.zeros(N_BINS)
    energy = envelope.sum(axis=1)
    return np.asarray(np.log(envelope[energy > np.quantile(energy, 0.3)] + 1e-12).mean(axis=0))


def matching_curve(reference: Floats, source: Floats) -> Floats:
    """The equaliser that turns one mean log envelope into another: smoothed over 190 Hz, loudness neutral
    over 0.23-4.7 kHz, at most 12 dB."""
    from scipy.ndimage import gaussian_filter1d

    curve = gaussian_filter1d(reference - source, sigma=8)
    return np.asarray(np.clip(curve - curve[10:200].mean(), -2.8, 2.8))


def _rms(samples: npt.NDArray[np.floating]) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
