"""Phoneme times found in other voices' speech, and the limits of it."""

from __future__ import annotations

from itertools import pairwise
from time import process_time

import numpy as np
import numpy.typing as npt
import pytest

from dub.errors import EngineFailed, LanguageNotSupported
from engines import registry
from engines.aligner.contract import Aligner
from engines.aligner.reading import reading_of
from engines.aligner.warping import warp
from engines.tts.contract import TimedPhoneme
from engines.tts.espeak import RATE_HZ, Espeak
from lang.bcp47 import Locale

ENGLISH = "The boats came home before the storm, and nobody was missing."


@pytest.fixture(scope="module", params=["dtw", "even", "letters"])
def any_aligner(request: pytest.FixtureRequest) -> Aligner:
    engine: Aligner = registry.load("aligner", request.param)
    return engine


@pytest.fixture(scope="module")
def aligner() -> Aligner:
    engine: Aligner = registry.load("aligner", "dtw")
    return engine


@pytest.fixture(scope="module")
def espeak() -> Espeak:
    engine: Espeak = registry.load("tts", "espeak")
    return engine


def errors_ms(
    found: tuple[TimedPhoneme, ...], truth: tuple[TimedPhoneme, ...], rate_hz: int
) -> npt.NDArray[np.float64]:
    assert [p.ipa for p in found] == [p.ipa for p in truth]
    return np.array([1000 * (a.start_sample - b.start_sample) / rate_hz for a, b in zip(found, truth, strict=True)])


def test_phonemes_are_in_order_inside_the_sound(any_aligner: Aligner, espeak: Espeak) -> None:
    speech = espeak.say(ENGLISH, Locale("en"), 1.2, "f4")
    found = any_aligner.align(speech.samples, speech.rate_hz, ENGLISH, Locale("en"))
    assert len(found) > 30
    assert all(0 <= p.start_sample < p.end_sample <= speech.samples.size for p in found)
    assert all(a.end_sample <= b.start_sample for a, b in pairwise(found))
    assert found == any_aligner.align(speech.samples, speech.rate_hz, ENGLISH, Locale("en"))
    with pytest.raises(EngineFailed, match="nothing is heard"):
        any_aligner.align(np.zeros(speech.rate_hz, np.float32), speech.rate_hz, ENGLISH, Locale("en"))


@pytest.mark.parametrize(
    ("tag", "text"),
    [("en", ENGLISH), ("tr", "Bütün insanlar hür ve eşit doğarlar."), ("ka", "ყველა ადამიანი იბადება თავისუფალი.")],
)
def test_another_voice_at_another_tempo_and_after_a_pause(
    aligner: Aligner, espeak: Espeak, tag: str, text: str
) -> None:
    speech = espeak.say(text, Locale(tag), 0.8, "f4")
    middle = speech.phonemes[len(speech.phonemes) // 2].start_sample
    silence = np.zeros(speech.rate_hz // 3, np.float32)
    paused = np.concatenate([speech.samples[:middle], silence, speech.samples[middle:]])
    late = [silence.size if p.start_sample >= middle else 0 for p in speech.phonemes]
    truth = tuple(
        TimedPhoneme(p.ipa, p.start_sample + shift, p.end_sample + shift)
        for p, shift in zip(speech.phonemes, late, strict=True)
    )
    errors = np.abs(errors_ms(aligner.align(paused, speech.rate_hz, text, Locale(tag)), truth, speech.rate_hz))
    assert errors.mean() < 30
    assert np.mean(errors < 40) > 0.8


def test_it_costs_little(aligner: Aligner, espeak: Espeak) -> None:
    speech = espeak.say(f"{ENGLISH} {ENGLISH} {ENGLISH}", Locale("en"))
    start = process_time()
    aligner.align(speech.samples, speech.rate_hz, f"{ENGLISH} {ENGLISH} {ENGLISH}", Locale("en"))
    assert process_time() - start < 0.3 * speech.samples.size / speech.rate_hz


@pytest.mark.models
def test_it_finds_what_a_neural_voice_knows_of_itself(aligner: Aligner) -> None:
    """Kokoro's own first and last sounds and their number; its symbols are not espeak-ng's one by one."""
    kokoro = registry.load("tts", "kokoro")
    text = "Nobody told us that the ferry leaves at noon."
    speech = kokoro.speak(text, Locale("en"), b"")
    found = aligner.align(speech.samples, speech.rate_hz, text, Locale("en"))

    def closures(phonemes: tuple[TimedPhoneme, ...]) -> npt.NDArray[np.float64]:
        return np.array([p.start_sample / speech.rate_hz for p in phonemes if p.ipa in ("b", "f", "v", "n", "l")])

    assert np.abs(closures(found) - closures(speech.phonemes)).mean() < 0.045


@pytest.mark.parametrize(
    ("tag", "text"),
    [("th", "มนุษย์ทั้งหลายเกิดมามีอิสระ"), ("he", "כל בני אדם נולדו בני חורין"), ("my", "လူတိုင်းသည်"), ("lo", "ມະນຸດເກີດມາ")],
)
def test_languages_that_espeak_does_not_read_are_romanised(aligner: Aligner, tag: str, text: str) -> None:
    words, read_in = reading_of(text, Locale(tag))
    assert words.isascii()
    assert read_in == "id"
    noise = np.random.default_rng(1).normal(0, 0.1, 48_000).astype(np.float32)
    assert len(aligner.align(noise, 24_000, text, Locale(tag))) >= 5


def test_chinese_signs_of_other_languages_have_no_times() -> None:
    assert reading_of("人人生而自由", Locale("zh")) == ("人人生而自由", "zh")
    with pytest.raises(LanguageNotSupported, match="hak"):
        reading_of("人人生而自由", Locale("hak"))


def test_a_warp_follows_a_change_of_tempo() -> None:
    own = np.random.default_rng(2).normal(size=(60, 8))
    heard = np.repeat(own, np.where(np.arange(60) < 30, 2, 1), axis=0)
    path = warp(own, heard)
    assert np.all(np.diff(path) >= 0)
    assert path[10] == pytest.approx(20.5, abs=0.5)
    assert path[50] == pytest.approx(80, abs=0.5)


def test_letters_share_the_sound_between_pauses(espeak: Espeak) -> None:
    """Each clause keeps to its own side of the pause, however uneven the clauses are."""
    letters: Aligner = registry.load("aligner", "letters")
    first, second = (espeak.say(text, Locale("es")).samples for text in ("No", "Mi hermano compró un coche nuevo"))
    paused = np.concatenate([first, np.zeros(RATE_HZ // 2, np.float32), second])
    found = letters.align(paused, RATE_HZ, "No, mi hermano compró un coche nuevo.", Locale("es"))
    assert "".join(phoneme.ipa for phoneme in found) == "nomihermanocomprouncochenuevo"
    assert found[1].end_sample <= first.size + RATE_HZ // 50
    assert found[2].start_sample >= first.size + RATE_HZ // 2 - RATE_HZ // 50
