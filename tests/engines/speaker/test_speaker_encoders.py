"""Every speaker encoder keeps its contract; the trained ones tell voices apart."""

from __future__ import annotations

import numpy as np
import pytest

from engines import registry
from engines.speaker.contract import SpeakerEncoder
from engines.speaker.mel import slaney_filters
from engines.tts.kokoro import Kokoro
from lang.bcp47 import Locale

TEXTS = (
    "They counted every boat in the harbour before dinner.",
    "Please bring the blue coat and a warm hat tomorrow.",
)
TRAINED = ("ge2e-voicefilter", "resemblyzer")


def _engines() -> list[object]:
    specs = [spec for (family, _), spec in sorted(registry.specs().items()) if family == "speaker"]
    return [pytest.param(spec.id, marks=[pytest.mark.models] if spec.weights else [], id=spec.id) for spec in specs]


@pytest.fixture(params=_engines(), scope="module")
def encoder(request: pytest.FixtureRequest) -> SpeakerEncoder:
    engine: SpeakerEncoder = registry.load("speaker", request.param)
    return engine


def _buzz(seconds: float, rate_hz: int = 16_000, level: float = 0.1) -> np.ndarray:
    at = np.arange(round(seconds * rate_hz)) / rate_hz
    return (level * np.sign(np.sin(2 * np.pi * 140 * at)) * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * at))).astype(np.float32)


def test_an_embedding_has_unit_length_and_no_luck(encoder: SpeakerEncoder) -> None:
    speech = _buzz(4)
    first, second = encoder.embed(speech, 16_000), encoder.embed(speech, 16_000)
    assert first.ndim == 1
    assert first.dtype == np.float32
    assert np.linalg.norm(first) == pytest.approx(1, abs=1e-5)
    assert np.array_equal(first, second)


def test_rate_and_level_are_not_the_voice(encoder: SpeakerEncoder) -> None:
    here = encoder.embed(_buzz(3), 16_000)
    assert here @ encoder.embed(_buzz(3, rate_hz=48_000), 48_000) > 0.9
    assert here @ encoder.embed(_buzz(3, level=0.05), 16_000) > 0.98


def test_too_little_is_refused(encoder: SpeakerEncoder) -> None:
    with pytest.raises(ValueError, match=r"0\.30 s"):
        encoder.embed(_buzz(0.3), 16_000)
    with pytest.raises(ValueError, match="silence"):
        encoder.embed(np.zeros(32_000, np.float32), 16_000)
    assert encoder.embed(_buzz(0.5), 16_000).size


def test_mel_bands_have_equal_area() -> None:
    filters = slaney_filters(40, 512, 16_000)
    assert filters.shape == (40, 257)
    assert filters.sum(axis=1)[10:] * (16_000 / 512) == pytest.approx(1, abs=0.05)
    assert np.all(np.diff(filters.argmax(axis=1)) >= 0)


@pytest.mark.models
def test_the_same_voice_is_nearer_than_another() -> None:
    kokoro: Kokoro = registry.load("tts", "kokoro")
    takes = {
        name: [kokoro.say(text, Locale("en"), kokoro.voices.pack(name)).samples for text in TEXTS]
        for name in ("af_heart", "am_onyx")
    }
    for engine_id in TRAINED:
        encoder: SpeakerEncoder = registry.load("speaker", engine_id)
        heard = {name: [encoder.embed(take, kokoro.rate_hz) for take in both] for name, both in takes.items()}
        same = [float(first @ second) for first, second in heard.values()]
        other = [float(a @ b) for a in heard["af_heart"] for b in heard["am_onyx"]]
        assert min(same) > encoder.same_speaker_threshold, engine_id
        assert max(other) < encoder.same_speaker_threshold, engine_id
