"""How long a text takes, against what espeak-ng took, and how much a slot holds."""

from __future__ import annotations

import math
from statistics import median

import pytest

from engines.tts.espeak import load
from engines.tts.espeak_voices import VOICES
from lang.bcp47 import Locale
from lang.line_breaks import even_pieces
from lang.registry import languages
from lang.speech_rate import budget, expected_seconds
from lang.udhr import article_1


def test_the_expected_time_is_near_the_spoken_time_in_every_language_espeak_reads() -> None:
    espeak = load()
    errors = {}
    for locale in VOICES:
        if locale in article_1():
            speech = espeak.say(article_1()[locale], locale)
            seconds = speech.samples.size / speech.rate_hz
            errors[str(locale)] = math.log(seconds / expected_seconds(article_1()[locale], locale))
    assert len(errors) > 85
    assert median(map(abs, errors.values())) < 0.08
    assert {tag for tag, error in errors.items() if abs(error) > 0.25} <= {"uk", "zh"}


def test_the_parts_of_a_text_take_the_time_of_the_whole() -> None:
    for locale, text in article_1().items():
        parts = sum(expected_seconds(part, locale) for part in even_pieces(text, 4))
        assert parts == pytest.approx(expected_seconds(text, locale), rel=0.01), locale


def test_every_language_has_a_natural_tempo_and_a_budget() -> None:
    for locale in languages():
        fits = budget(3.0, locale)
        assert 9 <= fits.characters <= 80, locale
        assert 5 <= fits.syllables <= 40, locale
    for locale, text in article_1().items():
        assert 5 <= expected_seconds(text, locale) <= 35, locale


def test_a_budget_is_what_takes_that_long() -> None:
    for tag in ("en", "de", "zh", "ja", "hi", "th", "ar", "ko"):
        locale = Locale(tag)
        text = article_1()[locale]
        fits = budget(expected_seconds(text, locale), locale)
        assert fits.characters == pytest.approx(len(text), abs=1)


def test_digits_take_the_time_of_their_words() -> None:
    english = Locale("en")
    assert expected_seconds("1984", english) == expected_seconds("nineteen eighty-four", english)
    assert expected_seconds("", english) == 0
    assert expected_seconds("25", Locale("yo")) > 0.3
