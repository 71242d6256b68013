"""What espeak-ng is given to read, so that every language has phonemes: the text, or its romanisation."""

from __future__ import annotations

import unicodedata

from dub.errors import LanguageNotSupported
from lang.bcp47 import Locale
from lang.scripts import dominant_script, is_in_script, transliterator

ROMANISED = Locale("id")
"""Reads romanised text: Indonesian spelling has nearly one letter per sound, and says every letter."""

UNREADABLE = frozenset({"Jpan", "Hani", "Hans", "Hant"})
"""A romanisation by the sign alone gives Mandarin: for any other language other words."""


def reading_of(text: str, locale: Locale) -> tuple[str, Locale]:
    """The text and the locale to read it in: its own where espeak-ng reads that, Japanese by its kana, else a
    romanisation (Thai, Hebrew, Burmese: right in order and roughly in length, its vowels guessed).

    Raises LanguageNotSupported for Chinese signs of a language that is not read.
    """
    from engines.tts.espeak_voices import VOICES

    known = VOICES.get(locale) or VOICES.get(Locale(locale.language))
    if known and any(is_in_script(text, script) for script in (*known.scripts, "Latn")):
        return text, locale
    if locale.language == "ja":
        return _romanised(_kana(text)), ROMANISED
    if dominant_script(text) in UNREADABLE:
        raise LanguageNotSupported(
            f"nothing here reads {locale} in Chinese signs, so that its phonemes have no times",
            mend="choose a tts engine that tells them",
        )
    return _romanised(text), ROMANISED


def _romanised(text: str) -> str:
    """By ICU; a letter of a script that ICU does not romanise (Lao) by the last word of its name: LAO LETTER MO."""
    latin = str(transliterator("Any-Latin; Latin-ASCII").transliterate(text))
    return "".join(char if char.isascii() else unicodedata.name(char, "").rsplit(" ", 1)[-1].lower() for char in latin)


def _kana(text: str) -> str:
    try:
        import pyopenjtalk
    except ModuleNotFoundError as error:
        raise LanguageNotSupported(
            "the phonemes of Japanese need pyopenjtalk", mend="pip install '.[japanese]'"
        ) from error
    return str(pyopenjtalk.g2p(text, kana=True))
