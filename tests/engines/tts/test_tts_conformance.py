"""Every tts engine keeps the contract of engines/tts/contract.py."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from dub.errors import EngineFailed
from engines import registry
from engines.tts.contract import Synthesizer
from lang.bcp47 import Locale

SENTENCE = "The boats came home before the storm."
SPEEDS = (1.0, 0.85, 1.15, 1.3)


def _engines() -> list[object]:
    """Those that can speak here. Engines with a model per locale and engines in environments of their own keep the
    same contract in tests of their own, on tiny models of the real architecture."""
    specs = [spec for (family, _), spec in sorted(registry.specs().items()) if family == "tts"]
    specs = [spec for spec in specs if not spec.worker and not spec.model_of_locale]
    return [pytest.param(spec.id, marks=[pytest.mark.models] if spec.weights else [], id=spec.id) for spec in specs]


@pytest.fixture(params=_engines(), scope="module")
def synthesizer(request: pytest.FixtureRequest) -> Synthesizer:
    engine: Synthesizer = registry.load("tts", request.param)
    return engine


def test_speech_is_mono_sound_at_the_engines_rate(synthesizer: Synthesizer) -> None:
    speech = synthesizer.speak(SENTENCE, Locale("en"), b"")
    assert speech.rate_hz == synthesizer.rate_hz
    assert speech.samples.dtype == np.float32
    assert speech.samples.ndim == 1
    assert 1.0 < speech.samples.size / speech.rate_hz < 5.0
    assert 0.05 < np.abs(speech.samples).max() <= 1.0


def test_phonemes_are_in_order_inside_the_sound(synthesizer: Synthesizer) -> None:
    speech = synthesizer.speak(SENTENCE, Locale("en"), b"")
    assert len(speech.phonemes) > 15
    assert all(0 <= p.start_sample < p.end_sample <= speech.samples.size for p in speech.phonemes)
    assert all(a.end_sample <= b.start_sample for a, b in pairwise(speech.phonemes))
    assert not any(set(p.ipa) & set("ˈˌː ") for p in speech.phonemes)
    # Sound and phonemes are about the same stretch of time.
    assert speech.phonemes[0].start_sample < 0.15 * speech.rate_hz
    assert speech.samples.size - speech.phonemes[-1].end_sample < 0.25 * speech.rate_hz


def test_silence_at_both_ends_is_trimmed(synthesizer: Synthesizer) -> None:
    speech = synthesizer.speak(SENTENCE, Locale("en"), b"")
    hop = speech.rate_hz // 100
    frames = speech.samples[: speech.samples.size // hop * hop].reshape(-1, hop)
    rms = np.sqrt((frames.astype(np.float64) ** 2).mean(axis=1))
    loud = np.flatnonzero(rms > 0.01 * np.quantile(rms, 0.95))
    assert loud[0] <= 5
    assert len(rms) - 1 - loud[-1] <= 5


def test_the_same_question_has_the_same_answer(synthesizer: Synthesizer) -> None:
    first, second = (synthesizer.speak(SENTENCE, Locale("en"), b"", 1.1) for _ in range(2))
    assert np.array_equal(first.samples, second.samples)
    assert first.phonemes == second.phonemes


def test_speed_multiplies_the_tempo(synthesizer: Synthesizer) -> None:
    # Long enough that the silence kept at both ends does not count.
    sentence = f"{SENTENCE} Nobody had thought that they would all be there by six."
    natural, *others = (synthesizer.speak(sentence, Locale("en"), b"", speed).samples.size for speed in SPEEDS)
    assert [natural / other for other in others] == pytest.approx(SPEEDS[1:], rel=0.08)


@pytest.mark.parametrize("nothing", ["", "  ", "...", "?!"])
def test_nothing_to_say_is_an_error(synthesizer: Synthesizer, nothing: str) -> None:
    with pytest.raises(EngineFailed, match="nothing to say"):
        synthesizer.speak(nothing, Locale("en"), b"")
