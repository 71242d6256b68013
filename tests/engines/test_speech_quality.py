"""DNSMOS: the published numbers, and that noise and distortion lower them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engines.speech_quality import dnsmos
from engines.speech_quality.contract import SpeechQualityJudge

RATE_HZ = 16_000


@pytest.fixture(scope="module")
def judge() -> SpeechQualityJudge:
    return dnsmos.load(n_threads=1)


def humming(seconds: float) -> np.ndarray:
    generator = np.random.default_rng(7)
    t = np.arange(int(RATE_HZ * seconds)) / RATE_HZ
    swell = (1 + np.sin(2 * np.pi * 3 * t)) / 2
    return (0.3 * np.sin(2 * np.pi * 140 * t) * swell + 0.01 * generator.standard_normal(t.size)).astype(np.float32)


@pytest.mark.models
def test_equals_the_published_package(judge: SpeechQualityJudge) -> None:
    """Expected values: speechmos 0.0.1.1's own `dnsmos.run` on these samples, which are shorter than its window."""
    quality = judge.judge(humming(5), RATE_HZ)
    assert quality.overall == pytest.approx(1.755779, abs=1e-4)
    assert quality.signal == pytest.approx(2.535162, abs=1e-4)
    assert quality.background == pytest.approx(2.574838, abs=1e-4)


@pytest.mark.models
def test_takes_any_rate(judge: SpeechQualityJudge) -> None:
    speech = humming(9.1)
    tripled = np.interp(np.arange(speech.size * 3) / 3, np.arange(speech.size), speech).astype(np.float32)
    assert judge.judge(tripled, 48_000).overall == pytest.approx(judge.judge(speech, RATE_HZ).overall, abs=0.15)


@pytest.mark.models
@pytest.mark.parametrize("samples", [np.zeros(RATE_HZ, np.float32), humming(0.2), humming(2).reshape(2, -1)])
def test_refuses_silence_snippets_and_stereo(judge: SpeechQualityJudge, samples: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"silence|cannot be judged"):
        judge.judge(samples, RATE_HZ)


@pytest.mark.models
@pytest.mark.media
def test_noise_lowers_the_score_of_real_speech(judge: SpeechQualityJudge, shared_media: Path) -> None:
    import soundfile

    speech, rate_hz = soundfile.read(shared_media / "speech" / "en_lj001_0001.wav", dtype="float32")
    noise = np.random.default_rng(0).standard_normal(speech.size).astype(np.float32) * 0.05
    clean, noisy = judge.judge(speech, rate_hz), judge.judge(np.clip(speech + noise, -1, 1), rate_hz)
    assert clean.overall == pytest.approx(3.334, abs=0.02), "speechmos gives 3.3337"
    assert noisy.overall < clean.overall - 0.5
    assert noisy.background < clean.background - 1
