"""Which locales Kokoro speaks, by which espeak-ng language, in which voices, and how well that was measured.

Kokoro-82M was trained on English, Spanish, French, Hindi, Italian, Brazilian Portuguese, Japanese and
Mandarin. The other locales here borrow a Romance voice and espeak-ng's phonemes: they are understood, with an
accent. `tier`: "native" (a voice of that language), "borrowed" (measured usable with another language's
voice).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from dub.errors import LanguageNotSupported
from engines.tts.espeak_phonemes import phonemize
from engines.tts.japanese_phonemes import japanese_phonemes
from engines.tts.mandarin_phonemes import mandarin_phonemes
from lang.bcp47 import Locale


@dataclass(frozen=True)
class KokoroLocale:
    """`voices`: stock voices for the locale, best first, at least one. `respell`: phonemes that Kokoro's
    vocabulary lacks or says wrongly, and what is said instead; applied in order. `espeak`: the espeak-ng language that
    turns text into phonemes, "" where `reader` does."""

    espeak: str
    voices: tuple[str, ...]
    tier: Literal["native", "borrowed"] = "native"
    respell: dict[str, str] = field(default_factory=dict)
    reader: Callable[[str], str] | None = None

    def phonemes(self, text: str) -> str:
        """A text in Kokoro's symbols. Raises EngineFailed when nothing is left to say."""
        return respell(self.reader(text) if self.reader else phonemize(text, self.espeak), self)


MANDARIN, JAPANESE = Locale("zh"), Locale("ja")

LOCALES: dict[Locale, KokoroLocale] = {
    Locale("en"): KokoroLocale("en-us", ("af_heart", "am_michael", "af_bella", "am_fenrir")),
    Locale("en-GB"): KokoroLocale("en-gb", ("bf_emma", "bm_george")),
    Locale("es"): KokoroLocale("es", ("ef_dora", "em_alex")),
    Locale("es-419"): KokoroLocale("es-419", ("ef_dora", "em_alex")),
    Locale("fr"): KokoroLocale("fr-fr", ("ff_siwis",), respell={"-": ""}),
    Locale("hi"): KokoroLocale("hi", ("hf_alpha", "hm_omega"), respell={"।": "."}),
    Locale("it"): KokoroLocale("it", ("if_sara", "im_nicola")),
    Locale("pt-BR"): KokoroLocale("pt-br", ("pf_dora", "pm_alex")),
    Locale("ca"): KokoroLocale("ca", ("ef_dora", "em_alex"), "borrowed"),
    Locale("de"): KokoroLocale("de", ("if_sara", "hm_omega"), "borrowed", {"ʏ": "y", "ɔø": "ɔɪ", "ɜ": "ɐ"}),
    Locale("pl"): KokoroLocale("pl", ("ef_dora", "em_alex"), "borrowed", {"ʑ": "ʒ"}),
    Locale("pt-PT"): KokoroLocale("pt", ("pf_dora", "pm_alex"), "borrowed"),
}
LOCALES[MANDARIN] = KokoroLocale("", ("zf_xiaoxiao", "zm_yunxi", "zf_xiaobei", "zm_yunjian"), reader=mandarin_phonemes)
LOCALES[JAPANESE] = KokoroLocale("", ("jf_alpha", "jm_kumo"), reader=japanese_phonemes)
# "pt" alone means Brazil (CLDR likely subtags: pt -> pt-Latn-BR).
LOCALES[Locale("pt")] = LOCALES[Locale("pt-BR")]

_SYLLABIC = "\u0329"
_EVERYWHERE = {"¿": "", "¡": "", "«": '"', "»": '"', "-": " "}
_EVERYWHERE |= {consonant + _SYLLABIC: "ᵊ" + consonant for consonant in "nlmɹŋ"} | {_SYLLABIC: ""}
"""A consonant that is a syllable (the n of "written") gets the faint vowel that Kokoro was trained with."""


def kokoro_locale(locale: Locale) -> KokoroLocale:
    """How Kokoro speaks `locale`: its own entry, or its language's. Raises LanguageNotSupported."""
    american_spanish = locale.language == "es" and locale not in ("es", "es-ES")
    for tag in (locale, Locale("es-419") if american_spanish else locale, Locale(locale.language)):
        if tag in LOCALES:
            return LOCALES[tag]
    raise LanguageNotSupported(
        f"Kokoro does not speak {locale}",
        mend=f"choose one of: {', '.join(sorted(LOCALES))}, or another tts engine",
    )


def respell(phonemes: str, how: KokoroLocale) -> str:
    """Phonemes in the symbols that Kokoro knows, as far as the locale's table says how."""
    for symbol, instead in {**how.respell, **_EVERYWHERE}.items():
        phonemes = phonemes.replace(symbol, instead)
    return " ".join(phonemes.split())
