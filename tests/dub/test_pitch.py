"""The pitch meter on sounds whose pitch is known."""

from __future__ import annotations

import numpy as np
import pytest

from dub.pitch import Samples, final_rise_st, pitch_hz


def glide(start_hz: float, end_hz: float, seconds: float = 0.5, rate_hz: int = 24_000) -> Samples:
    """A voice-like sound of ten harmonics whose pitch moves evenly in semitones."""
    share = np.linspace(0, 1, round(seconds * rate_hz))
    phase = np.cumsum(2 * np.pi * start_hz * (end_hz / start_hz) ** share / rate_hz)
    return (0.1 * sum(np.sin(k * phase) / k for k in range(1, 11))).astype(np.float32)


@pytest.mark.parametrize("rate_hz", [16_000, 22_050, 48_000])
@pytest.mark.parametrize("hz", [85.0, 140.0, 310.0])
def test_a_steady_pitch(hz: float, rate_hz: int) -> None:
    found = pitch_hz(glide(hz, hz, rate_hz=rate_hz), rate_hz)
    assert len(found) == 50
    inside = found[5:-5]
    assert np.all(np.abs(12 * np.log2(inside / hz)) < 0.3)


def test_noise_and_silence_have_no_pitch() -> None:
    noise = (0.1 * np.random.default_rng(3).standard_normal(24_000)).astype(np.float32)
    assert np.mean(pitch_hz(noise, 24_000) > 0) < 0.1
    assert final_rise_st(np.zeros(24_000, np.float32), 24_000) is None
    assert final_rise_st(np.zeros(0, np.float32), 24_000) is None


def test_rise_and_fall_in_semitones() -> None:
    level = glide(150, 150)
    octave_in_half_a_second = 12 * 0.25 / 0.5
    up = final_rise_st(np.concatenate([level, glide(150, 300)]), 24_000)
    down = final_rise_st(np.concatenate([level, glide(150, 75)]), 24_000)
    assert up is not None
    assert down is not None
    assert up == pytest.approx(octave_in_half_a_second, abs=0.7)
    assert down == pytest.approx(-octave_in_half_a_second, abs=0.9)
    silent_end = np.concatenate([level, glide(150, 300), np.zeros(6000, np.float32)])
    assert final_rise_st(silent_end, 24_000) == pytest.approx(up, abs=0.8), "silence behind a question is not its end"
