"""Language: what the registry knows about one language, and how its script is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lang.bcp47 import Locale

Direction = Literal["ltr", "rtl"]
Tier = Literal["A", "B", "C", "D", ""]
NumberSpeller = Literal["icu", "num2words", "none"]

UNSPACED_SCRIPTS = frozenset({"Hans", "Hant", "Hani", "Jpan", "Thai", "Laoo", "Khmr", "Mymr", "Tibt"})
"""Scripts that put no space between words."""


@dataclass(frozen=True)
class Language:
    """One row of lang/data/languages.csv: a language, or one in another script than its usual one (`zh-Hant`).

    `locale`: the tag without region. `default_locale`: what the bare language means in what we ship. `autonym`: its
    own name for itself, "" where CLDR has none. `aliases`: other names that people use. `codes`: three-letter,
    macrolanguage and withdrawn codes that mean it. `tier`: A evaluated by a recent or a speech-grade translation
    system, B by an older one, both with a neural voice; C neural voice, translation without published evaluation;
    D formant voice only; "" no translation or no voice in its own script. `sentence_terminators`: characters that may
    end a sentence. `number_speller`: the library that has number words of this language. `char_ratio`,
    `speech_time_ratio`: length and espeak-ng reading time of the same text (the Universal Declaration of Human
    Rights) against English; None where not measured. `has_udhr_text`: whether lang.udhr has its first article.
    `converts_to`: other scripts that lang.script_conversion can write it in.
    """

    locale: Locale
    iso639_3: str
    script: str
    direction: Direction
    name: str
    autonym: str
    aliases: tuple[str, ...]
    codes: tuple[str, ...]
    tier: Tier
    default_locale: Locale
    sentence_terminators: str
    number_speller: NumberSpeller
    char_ratio: float | None
    speech_time_ratio: float | None
    has_udhr_text: bool
    converts_to: tuple[str, ...]

    @property
    def is_spaced(self) -> bool:
        """Whether words are written apart."""
        return self.script not in UNSPACED_SCRIPTS

    @property
    def is_rtl(self) -> bool:
        return self.direction == "rtl"


_CLOSE = tuple(
    frozenset(group.split())
    for group in (
        "id ms",
        "bs hr sr",
        "nb no nn da",
        "hi bho mag mai awa hne",
        "sw ny",
        "zu xh ss nr",
        "fil tl ceb war",
        "tr az crh",
        "es ast gl ext an",
        "fa prs tg",
        "ca oc",
        "zh yue wuu",
        "ar arz ary",
    )
)


def are_close(one: Locale, other: Locale) -> bool:
    """Whether short texts of two languages cannot be told apart by a language identifier: no ground for a veto."""
    return any(one.language in group and other.language in group for group in _CLOSE)
