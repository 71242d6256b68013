"""Lines read letter by letter or cut off are found; the languages that espeak-ng really reads raise no alarm."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pytest

from dub.artifact import Artifact
from dub.check_speech_rate import check_speech_rate
from dub.finding import Finding, Level
from dub.gates import Gates
from dub.script import Take, Takes
from engines.tts.espeak import load
from engines.tts.espeak_voices import VOICES
from lang.bcp47 import Locale
from lang.line_breaks import even_pieces
from lang.udhr import article_1

SOUND = Artifact(sha256="0" * 64, n_bytes=1, media_type="audio/wav")
SPOKEN = [locale for locale in VOICES if locale in article_1()]


@lru_cache(maxsize=1)
def espeak() -> Any:
    return load()


def take(number: int, text: str, locale: Locale, *, said: str = "", kept: float = 1.0, speed: float = 1.0) -> Take:
    speech = espeak().say(said or text, locale, speed)
    return Take(
        utterance_id=f"u{number}",
        text=text,
        audio=SOUND,
        rate_hz=speech.rate_hz,
        n_samples=round(kept * speech.samples.size),
        speed=speed,
        phonemes=(),
    )


def lines(locale: Locale) -> list[str]:
    return even_pieces(article_1()[locale], 4)


def check(locale: Locale, takes: list[Take]) -> tuple[Finding, ...]:
    return check_speech_rate(Takes(locale=locale, voice_engine="espeak", takes=tuple(takes)), Gates())


@pytest.mark.parametrize("locale", SPOKEN)
def test_no_alarm_where_the_words_are_read(locale: Locale) -> None:
    [finding] = check(locale, [take(number, line, locale) for number, line in enumerate(lines(locale))])
    assert finding.level is Level.OK, finding.message


@pytest.mark.parametrize("tag", ["en", "de", "ru", "el", "hi", "ka", "tr", "sw", "am", "ko"])
def test_a_line_spelled_letter_by_letter_is_found(tag: str) -> None:
    locale = Locale(tag)
    first, *others = lines(locale)
    spelled = take(0, first, locale, said=", ".join(char for char in first if char.isalpha()))
    [finding] = check(locale, [spelled, *(take(number, line, locale) for number, line in enumerate(others, start=1))])
    assert finding.level in (Level.DEGRADED, Level.FAILED)
    assert finding.utterance_id == "u0"
    assert "named its letters" in finding.message


@pytest.mark.parametrize("tag", ["en", "de", "ru", "hi", "zh", "ar", "vi"])
def test_a_take_cut_off_after_a_third_is_found(tag: str) -> None:
    locale = Locale(tag)
    *others, last = lines(locale)
    takes = [take(number, line, locale) for number, line in enumerate(others)]
    [finding] = check(locale, [*takes, take(9, last, locale, kept=0.3)])
    assert finding.level in (Level.DEGRADED, Level.FAILED)
    assert finding.utterance_id == "u9"
    assert "missing" in finding.message


def test_a_speed_that_was_asked_for_is_no_fault() -> None:
    english = Locale("en")
    for speed in (0.7, 1.6):
        [finding] = check(english, [take(n, line, english, speed=speed) for n, line in enumerate(lines(english))])
        assert finding.level is Level.OK


def test_a_word_alone_and_a_dub_without_lines_raise_no_alarm() -> None:
    for tag, word in (("sv", "i"), ("en", "Hm, yes."), ("de", "Nein!"), ("es", "Sí."), ("zh", "好。"), ("en", "1984")):
        [finding] = check(Locale(tag), [take(0, word, Locale(tag))])
        assert finding.level is Level.OK, finding.message
    assert check(Locale("en"), []) == ()
