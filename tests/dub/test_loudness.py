"""Loudness against an independent meter, true peak against signals whose peak is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyloudnorm
import pytest

from dub.loudness import NOTHING_LUFS, limited, limiter_gains, loudness_lufs, true_peak_db, true_peaks
from dub.wav import BLOCK_SAMPLES, write_wav
from tests.clips import speechlike


@pytest.mark.parametrize("gain", [0.01, 0.3])
def test_loudness_agrees_with_pyloudnorm(tmp_path: Path, gain: float) -> None:
    sound = np.concatenate([speechlike(8), speechlike(8, pitch_hz=220, seed=2)]) * np.float32(gain)
    write_wav(tmp_path / "a.wav", sound, 48_000)
    expected = pyloudnorm.Meter(48_000).integrated_loudness(sound.T.astype(float))
    assert abs(loudness_lufs(tmp_path / "a.wav") - expected) < 0.1


def test_silence_has_no_loudness(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", np.zeros((2, 48_000), np.float32), 48_000)
    assert loudness_lufs(tmp_path / "a.wav") == NOTHING_LUFS
    assert true_peak_db(np.zeros((2, 480), np.float32)) == -120


@pytest.mark.parametrize("frequency_hz", [997, 9713, 12_000, 17_000])
def test_a_peak_between_samples_is_found(frequency_hz: int) -> None:
    t = np.arange(48_000)
    sine = np.hanning(48_000) * np.sin(2 * np.pi * frequency_hz * t / 48_000 + np.pi / 4)
    assert abs(true_peak_db(sine.astype(np.float32)[None])) < 0.05, "samples of fs/4 at 45 degrees stay 3 dB under it"


def test_the_limiter_keeps_every_peak_and_leaves_the_rest() -> None:
    quiet = 0.1 * np.sin(2 * np.pi * 200 * np.arange(BLOCK_SAMPLES + 48_000) / 48_000)
    sound = np.stack([quiet, quiet]).astype(np.float32)
    for at in (5, 40_000, BLOCK_SAMPLES - 3, BLOCK_SAMPLES + 30_000):
        sound[0, at : at + 20] += 2 * np.hanning(20).astype(np.float32)
    gains = limiter_gains(true_peaks(sound), 0.5)
    out = np.concatenate(
        [limited(sound[:, start : start + BLOCK_SAMPLES], gains, start) for start in (0, BLOCK_SAMPLES)], axis=1
    )
    assert true_peak_db(out) <= 20 * np.log10(0.5) + 0.05
    assert np.array_equal(out[:, 10_000:38_000], sound[:, 10_000:38_000])
    assert np.abs(np.diff(gains)).max() < 0.5, "it does not jump"
    assert np.all(limiter_gains(true_peaks(sound * np.float32(0.1)), 0.5) == 1)
