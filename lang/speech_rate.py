"""How long a text takes to say at a natural tempo, and how much text a slot of time holds.

Priors, good to some 5 % on long texts in languages whose speaking time was measured and to some 20 % elsewhere; a
voice's own tempo, once known, is better.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from lang.bcp47 import Locale
from lang.registry import UnknownLanguage, language
from lang.scripts import script_of_char
from lang.spoken import spoken_form
from lang.syllables import n_syllables
from lang.udhr import article_1

ENGLISH_CHAR_S = 0.0548
"""Seconds per character of English, spaces included: espeak-ng 1.52 at 165 words a minute reads Article 1 of the
Declaration of Human Rights (170 characters) in 9.31 s."""
SYLLABLES_PER_S = 5.2
"""Where nothing is known of a language: the median of espeak-ng over 97 locales; read speech of 17 languages lies
between 4.7 (Thai) and 8.0 (Japanese), Coupé et al. 2019, Sci. Adv. 5:eaaw2594."""

_LETTER_S = {
    "Latn": 0.079,
    "Cyrl": 0.082,
    "Grek": 0.064,
    "Armn": 0.084,
    "Geor": 0.082,
    "Arab": 0.103,
    "Hebr": 0.103,
    "Thaa": 0.110,
    "Deva": 0.139,
    "Beng": 0.153,
    "Gujr": 0.141,
    "Guru": 0.151,
    "Orya": 0.145,
    "Taml": 0.116,
    "Telu": 0.145,
    "Knda": 0.152,
    "Mlym": 0.133,
    "Sinh": 0.143,
    "Ethi": 0.146,
    "Hani": 0.246,
    "Hira": 0.125,
    "Kana": 0.125,
    "Hang": 0.190,
    "Thai": 0.110,
    "Laoo": 0.110,
    "Khmr": 0.110,
    "Mymr": 0.110,
    "Tibt": 0.090,
}
"""Seconds per letter (marks and spaces left out) by script: medians of espeak-ng at 165 words a minute over Article 1
in 97 locales; kana by 8 morae a second; Hebrew as Arabic; Thaana to Tibetan, which it does not read, by the character
weights of neighbours."""
_TIME_RATIOS = {"zh": 1.0, "uk": 1.13}
"""Speaking time against English where the registry's, of espeak-ng 1.51, is no natural one: it says 3.7 Chinese
syllables a second, people 5.2 (Pellegrino et al. 2011) and Kokoro 5.4; its Ukrainian of 1.52 takes 1.6 times as long as
that of 1.51 (here: Russian's ratio)."""
_DIGIT_S = 0.30
"""A digit that no library spells in this language."""


@dataclass(frozen=True)
class Budget:
    """What a slot holds at a natural tempo: characters as written (spaces and punctuation included), syllables."""

    seconds: float
    characters: int
    syllables: int


def expected_seconds(text: str, locale: Locale) -> float:
    """Seconds that `text` takes at a natural tempo, pauses between its clauses included; 0 for nothing to say."""
    return _by_script(spoken_form(text, locale)) * _tempo(_known(locale))


def budget(slot_s: float, locale: Locale) -> Budget:
    """How much of the language fits `slot_s` seconds at a natural tempo."""
    known = _known(locale)
    sample = article_1().get(known)
    if sample is None:
        characters_per_s = 1 / (1.2 * _LETTER_S.get(_letters_of(known), _LETTER_S["Latn"]))
        return Budget(slot_s, int(slot_s * characters_per_s), int(slot_s * SYLLABLES_PER_S))
    share = slot_s / expected_seconds(sample, known)
    return Budget(slot_s, int(share * len(sample)), int(share * n_syllables(sample)))


@lru_cache(maxsize=1024)
def _tempo(known: Locale) -> float:
    """How much longer a language takes than its letters say: from its measured speaking time, 1 where there is none."""
    sample = article_1().get(known)
    try:
        row = language(known)
    except UnknownLanguage:
        return 1.0
    ratio = _TIME_RATIOS.get(known) or row.speech_time_ratio
    if sample is None or not row.char_ratio or not ratio:
        return 1.0
    measured_s = ENGLISH_CHAR_S * len(sample) / row.char_ratio * ratio
    return measured_s / _by_script(sample)


def _by_script(text: str) -> float:
    return sum(_char_s(char) for char in text)


@lru_cache(maxsize=8192)
def _char_s(char: str) -> float:
    if char.isdecimal():
        return _DIGIT_S
    if unicodedata.category(char)[0] != "L":
        return 0.0
    return _LETTER_S.get(script_of_char(char), _LETTER_S["Latn"])


def _known(locale: Locale) -> Locale:
    """The registry's row that a locale belongs to: `pt` for `pt-BR`."""
    try:
        return language(locale).locale
    except UnknownLanguage:
        return locale


def _letters_of(known: Locale) -> str:
    try:
        script = language(known).script
    except UnknownLanguage:
        return "Latn"
    return {"Hans": "Hani", "Hant": "Hani", "Jpan": "Hira", "Kore": "Hang"}.get(script, script)
