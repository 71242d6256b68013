"""espeak-ng in a fresh copy per call: its voices, its symbols, its refusals."""

from __future__ import annotations

import itertools

import pytest

from dub.errors import BadInput, LanguageNotSupported
from engines import registry
from engines.tts.espeak import VOICES, Espeak
from lang.bcp47 import Locale


@pytest.fixture(scope="module")
def espeak() -> Espeak:
    engine: Espeak = registry.load("tts", "espeak")
    return engine


@pytest.mark.parametrize("locale", sorted(VOICES))
def test_every_locale_it_offers_speaks(espeak: Espeak, locale: Locale) -> None:
    speech = espeak.speak("Ana 5", locale, b"")
    assert speech.samples.size > 0.2 * speech.rate_hz
    assert len(speech.phonemes) >= 3


def test_phonemes_are_single_symbols_of_the_ipa(espeak: Espeak) -> None:
    said = [p.ipa for p in espeak.speak("The church, my joy. São não!", Locale("en"), b"").phonemes]
    assert all(len(ipa.rstrip("\u0303")) == 1 for ipa in said)
    assert ("t", "ʃ") in itertools.pairwise(said)
    nasal = [p.ipa for p in espeak.speak("irmã", Locale("pt-BR"), b"").phonemes]
    assert any(ipa.endswith("\u0303") for ipa in nasal)


def test_what_it_said_before_changes_nothing(espeak: Espeak) -> None:
    first = espeak.speak("Bon dia a tothom.", Locale("ca"), b"").samples.tobytes()
    espeak.speak("Eine ganz andere Sprache, und länger.", Locale("de"), b"", 1.4)
    assert espeak.speak("Bon dia a tothom.", Locale("ca"), b"").samples.tobytes() == first


def test_locales_and_styles_it_has_not_are_refused(espeak: Espeak) -> None:
    with pytest.raises(LanguageNotSupported, match="tlh"):
        espeak.speak("nuqneH", Locale("tlh"), b"")
    with pytest.raises(BadInput, match="no styles"):
        espeak.speak("Hello", Locale("en"), b"a style")
