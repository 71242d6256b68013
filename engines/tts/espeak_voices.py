"""Which locales espeak-ng reads, by which of its voices, in which scripts, and the evidence for each.

espeak-ng lists more languages than it reads: for several it names the letters, for others it says nothing, for one it
ends the process. engines/tts/data/espeak_voices.csv has every locale that was tried, written by
infra/measure_espeak_voices.py; a locale is offered only where its words are read as words.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from dub.errors import LanguageNotSupported
from lang.bcp47 import Locale

TABLE = Path(__file__).parent / "data" / "espeak_voices.csv"


@dataclass(frozen=True)
class EspeakVoice:
    """One row of the table.

    `voice`: espeak-ng's own name. `scripts`: those that it reads, the usual one first (ISO 15924). `reads`: whether it
    reads words. `time_vs_english`: how long it takes for a text, against English for the same (measured; over 2.5 is
    the mark of spelling). `foreign`: share of words that it leaves to the English voice. `vowelless`: share of words
    without a vowel. `misheard`: characters that whisper-base misheard, None where it was not asked. `respellings`:
    "written=read", _ for a blank. `reason`: why it is refused, or what to know of it.
    """

    voice: str
    scripts: tuple[str, ...]
    reads: bool
    time_vs_english: float
    foreign: float
    vowelless: float
    misheard: float | None
    respellings: str
    reason: str


@lru_cache(maxsize=1)
def table() -> dict[Locale, EspeakVoice]:
    """Every locale that was tried."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return {
            Locale(row["locale"]): EspeakVoice(
                row["voice"],
                tuple(row["scripts"].split()),
                row["reads"] == "yes",
                float(row["time_vs_english"]),
                float(row["foreign"]),
                float(row["vowelless"]),
                float(row["misheard"]) if row["misheard"] else None,
                row["respell"],
                row["reason"],
            )
            for row in csv.DictReader(file)
        }


VOICES: dict[Locale, EspeakVoice] = {locale: voice for locale, voice in table().items() if voice.reads}
"""The locales that are offered."""


def voice_of(locale: Locale) -> EspeakVoice:
    """A locale's voice, or its language's. Raises LanguageNotSupported, with the reason where it was tried."""
    for tag in (locale, Locale(locale.language)):
        if tag in VOICES:
            return VOICES[tag]
    tried = table().get(Locale(locale.language))
    why = f": {tried.reason}" if tried else ""
    raise LanguageNotSupported(f"espeak-ng does not speak {locale}{why}", mend="choose another locale or tts engine")


def respell(text: str, pairs: str) -> str:
    """A text with the letters that a voice lacks written otherwise; `pairs` as in the table."""
    for pair in pairs.split():
        written, read = pair.split("=")
        text = text.replace(written, read.replace("_", " "))
    return text
