"""espeak-ng in a fresh copy per call: its voices, its symbols, its refusals."""

from __future__ import annotations

import itertools
import re

import pytest

from dub.errors import EngineFailed, LanguageNotSupported
from engines import registry
from engines.tts.espeak import Espeak
from engines.tts.espeak_voices import VOICES, table, voice_of
from lang.bcp47 import Locale
from lang.udhr import article_1


@pytest.fixture(scope="module")
def espeak() -> Espeak:
    engine: Espeak = registry.load("tts", "espeak")
    return engine


@pytest.mark.parametrize("locale", sorted(VOICES))
def test_every_locale_it_offers_is_read_as_words(espeak: Espeak, locale: Locale) -> None:
    article = article_1().get(locale) or article_1().get(Locale(locale.language), "Ana dona bela 5.")
    text = " ".join(article.split()[:8])[:90]
    speech = espeak.speak(text, locale, b"")
    # Letters named one by one take four times as long per sign; signs that are syllables take longer than letters.
    seconds_per_sign = speech.samples.size / speech.rate_hz / len(text)
    assert 0.03 < seconds_per_sign < (0.32 if VOICES[locale].scripts[0] in ("Hans", "Hant") else 0.22)
    assert all(p.ipa == p.ipa.lower() for p in speech.phonemes)


def test_the_table_has_evidence_for_what_it_offers_and_reasons_for_what_it_refuses() -> None:
    for locale, voice in table().items():
        if voice.reads:
            assert 0.8 < voice.time_vs_english < 2.5, locale
            assert voice.foreign <= 0.05, locale
            assert voice.vowelless <= 0.15, locale
        else:
            assert voice.reason, locale
    assert len({locale.language for locale in VOICES}) >= 98


@pytest.mark.parametrize("tag", ["hak", "shn"])
def test_voices_that_name_letters_are_refused(espeak: Espeak, tag: str) -> None:
    row = table()[Locale(tag)]
    sign = {"hak": "人人", "shn": "ၵူၼ်း"}[tag]
    assert re.search(r"\(en\)", espeak.library.phonemes(sign, row.voice))
    with pytest.raises(LanguageNotSupported, match="letter"):
        espeak.speak(sign, Locale(tag), b"")


def test_letters_that_a_dictionary_lacks_are_respelled(espeak: Espeak) -> None:
    said = {text: espeak.speak(text, Locale("or"), b"").samples.size for text in ("ସ୍ୱାଧୀନ", "ସ୍ବାଧୀନ")}
    assert said["ସ୍ୱାଧୀନ"] == said["ସ୍ବାଧୀନ"]
    assert len(espeak.library.phonemes("ସ୍ୱାଧୀନ", "or")) > 3 * len(espeak.library.phonemes("ସ୍ବାଧୀନ", "or"))


def test_a_script_that_it_would_spell_is_refused(espeak: Espeak) -> None:
    with pytest.raises(EngineFailed, match="reads az in Latn"):
        espeak.speak("Бүтүн инсанлар азад", Locale("az"), b"")
    assert espeak.speak("Google Maps", Locale("hi"), b"").samples.size
    assert espeak.speak("Sva ljudska bića", Locale("sr"), b"").phonemes[0].ipa == "s"


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


def test_locales_that_it_has_not_are_refused(espeak: Espeak) -> None:
    with pytest.raises(LanguageNotSupported, match="tlh"):
        espeak.speak("nuqneH", Locale("tlh"), b"")
    assert voice_of(Locale("fr-CA")).voice == "fr"
