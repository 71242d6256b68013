"""The wordings that say in a film that it was made by AI."""

from __future__ import annotations

from dataclasses import astuple

from lang.bcp47 import Locale
from lang.disclosures import disclosure_words, nearest
from lang.scripts import is_in_script


def test_every_language_has_all_four_in_its_own_script() -> None:
    for locale, words in disclosure_words().items():
        assert len(set(astuple(words))) == 4, locale
        for text in astuple(words):
            letters = text.replace("AI", "").replace("IA", "")  # how every language writes it
            assert text == text.strip()
            assert text.replace("\u200c", "").isprintable()
            assert is_in_script(letters, locale.script), (locale, text)


def test_a_region_takes_its_languages_wording_and_another_script_none() -> None:
    words = disclosure_words()
    assert nearest(words, Locale("es-MX")) is words[Locale("es")]
    assert nearest(words, Locale("pt-BR")) is words[Locale("pt")]
    assert nearest(words, Locale("pt-PT")) is not words[Locale("pt")]
    assert nearest(words, Locale("zh-TW")) is words[Locale("zh-Hant")]
    assert nearest(words, Locale("uk-Latn")) is None
    assert nearest(words, Locale("sw")) is None
