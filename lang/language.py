"""Language: what the registry knows about one language, and how its script is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lang.bcp47 import Locale

Direction = Literal["ltr", "rtl"]
Tier = Literal["A", "B", "C", "D", ""]

UNSPACED_SCRIPTS = frozenset({"Hans", "Hant", "Hani", "Jpan", "Thai", "Laoo", "Khmr", "Mymr", "Tibt"})
"""Scripts that put no space between words."""

WIDE_SCRIPTS = frozenset({"Hans", "Hant", "Hani", "Jpan", "Kore"})
"""Scripts whose signs are twice as wide, so that a subtitle line holds fewer."""

SUBTITLE_LINE_CHARS = 42
WIDE_SUBTITLE_LINE_CHARS = 16
"""Characters per subtitle line: Netflix Timed Text Style Guides, general and Chinese/Korean."""


@dataclass(frozen=True)
class Language:
    """One row of lang/data/languages.csv.

    `locale`: the tag without region. `default_locale`: what the bare language means in what we ship. `autonym`: its
    own name for itself, "" where CLDR has none. `tier`: A evaluated translation and neural voice ... D formant voice
    only. `espeak_voice`, `whisper_code`: None where that engine has none. `char_ratio`, `speech_time_ratio`: length
    and espeak-ng reading time of the same text (the Universal Declaration of Human Rights) against English; None
    where not measured.
    """

    locale: Locale
    iso639_3: str
    script: str
    direction: Direction
    name: str
    autonym: str
    tier: Tier
    default_locale: Locale
    espeak_voice: str | None
    whisper_code: str | None
    char_ratio: float | None
    speech_time_ratio: float | None

    @property
    def is_spaced(self) -> bool:
        """Whether words are written apart."""
        return self.script not in UNSPACED_SCRIPTS

    @property
    def is_rtl(self) -> bool:
        return self.direction == "rtl"

    @property
    def subtitle_line_chars(self) -> int:
        return WIDE_SUBTITLE_LINE_CHARS if self.script in WIDE_SCRIPTS else SUBTITLE_LINE_CHARS


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
