"""MFCC: rows stand at their frames' middles, level is column 0's alone, the transform is scipy's."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from scipy.fft import dct

from dub import mfcc as module
from dub.mfcc import mfcc

RATE_HZ = 16_000


def noise(seconds: float) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.1, round(seconds * RATE_HZ)).astype(np.float32)


def test_a_click_is_in_the_frame_that_shows_its_time() -> None:
    sound = np.zeros(2 * RATE_HZ, np.float32)
    sound[round(1.02 * RATE_HZ)] = 1.0  # the middle of frame 25 of 25 fps
    rows = mfcc(sound, RATE_HZ, Fraction(25))
    assert rows.shape == (50, 13)
    assert int(np.argmax(rows[:, 0])) == 25


def test_louder_sound_changes_column_0_alone() -> None:
    quiet, loud = mfcc(noise(1), RATE_HZ, 100), mfcc(10 * noise(1), RATE_HZ, 100)
    assert loud[:, 1:] == pytest.approx(quiet[:, 1:], abs=1e-3)
    assert np.ptp(loud[:, 0] - quiet[:, 0]) < 1e-3
    assert (loud[:, 0] - quiet[:, 0]).min() > 10


def test_the_rate_hardly_matters() -> None:
    times_16, times_48 = (np.arange(rate) / rate for rate in (16_000, 48_000))
    tones = [sum(np.sin(2 * np.pi * f * t) for f in (300, 900, 2500)) for t in (times_16, times_48)]
    one, other = (mfcc(tone.astype(np.float32), rate, 50) for tone, rate in zip(tones, (16_000, 48_000), strict=True))
    assert np.corrcoef(one[5:-5].mean(axis=0)[1:], other[5:-5].mean(axis=0)[1:])[0, 1] > 0.99


def test_the_cosines_are_the_orthonormal_dct() -> None:
    bands = np.random.default_rng(1).normal(size=(3, module.N_MELS))
    assert bands @ module._cosines(13) == pytest.approx(dct(bands, axis=1, norm="ortho")[:, :13])


def test_silence_and_the_end_of_the_sound_are_finite() -> None:
    assert np.isfinite(mfcc(np.zeros(RATE_HZ, np.float32), RATE_HZ, 25, n_frames=40)).all()
    assert mfcc(np.zeros(0, np.float32), RATE_HZ, 25).shape == (0, 13)


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="mfcc of"):
        mfcc(np.zeros((2, 100), np.float32), RATE_HZ, 25)
