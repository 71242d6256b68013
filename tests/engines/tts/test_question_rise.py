"""The end of a question is raised, and nothing else is changed."""

from __future__ import annotations

import numpy as np
import pytest

from dub.pitch import final_rise_st
from engines.tts.contract import Speech, TimedPhoneme
from engines.tts.question_rise import rising, with_final_rise
from tests.dub.test_pitch import glide

RATE_HZ = 24_000


def speech(end_hz: float) -> Speech:
    samples = np.concatenate([glide(150, 160, 1.0), glide(160, 150, 0.6), glide(150, end_hz, 0.3)])
    return Speech(samples, RATE_HZ, (TimedPhoneme("a", 0, samples.size),))


def test_a_falling_end_rises_and_all_before_stays() -> None:
    flat = speech(120)
    raised = with_final_rise(flat)
    assert raised.samples.size == flat.samples.size
    assert raised.phonemes == flat.phonemes
    kept = flat.samples.size - RATE_HZ
    assert np.array_equal(raised.samples[:kept], flat.samples[:kept])
    before, after = (final_rise_st(each.samples, RATE_HZ) for each in (flat, raised))
    assert before is not None
    assert after is not None
    assert before < -2 < 3 < after < 8
    level = [float(np.sqrt((each.samples[-RATE_HZ // 4 :] ** 2).mean())) for each in (flat, raised)]
    assert level[1] == pytest.approx(level[0], rel=0.35)


def test_a_voice_that_rises_itself_is_left_alone() -> None:
    own = speech(200)
    assert rising(own) is own


def test_without_voice_there_is_nothing_to_bend() -> None:
    noise = (0.05 * np.random.default_rng(1).standard_normal(RATE_HZ)).astype(np.float32)
    whisper = Speech(noise * np.hanning(noise.size).astype(np.float32) ** 8, RATE_HZ, ())
    assert with_final_rise(Speech(np.zeros(RATE_HZ, np.float32), RATE_HZ, ())).samples.any() == np.False_
    assert rising(whisper).samples.size == RATE_HZ


@pytest.mark.models
@pytest.mark.parametrize(("locale", "text"), [("es", "¿Te gusta la ciudad?"), ("pt-BR", "Você gosta da cidade?")])
def test_kokoro_lets_questions_fall(locale: str, text: str) -> None:
    """Why this is needed: should a later Kokoro raise them itself, nothing is bent."""
    from engines import registry
    from lang.bcp47 import Locale

    said = registry.load("tts", "kokoro").speak(text, Locale(locale), b"")
    own, raised = final_rise_st(said.samples, said.rate_hz), final_rise_st(rising(said).samples, said.rate_hz)
    assert own is None or own < 1
    assert raised is not None
    assert raised > 1
