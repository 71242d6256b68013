"""Text to IPA by espeak-ng, through phonemizer: the grapheme-to-phoneme room beside Kokoro.

espeak-ng keeps its state in the process, so every call waits for one lock. Numbers, abbreviations and
punctuation are read as espeak-ng reads them in the language asked for.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from threading import Lock
from typing import Any

from dub.errors import EngineFailed

_ESPEAK = Lock()


def phonemize(text: str, espeak_language: str) -> str:
    """IPA with stress marks and the text's own punctuation, one line. Raises EngineFailed when nothing is
    left.

    espeak-ng's language-switch flags ("(en)word(es)", written where a foreign word is read by another
    language's rules) are taken out, the foreign phonemes stay.
    """
    line = " ".join(unicodedata.normalize("NFC", text).split())
    with _ESPEAK:
        lines: list[str] = _backend(espeak_language).phonemize([line], strip=True) if line else []
    # Decomposed, so that a nasal vowel is its vowel and a tilde; ç alone is one symbol of the IPA.
    phonemes = " ".join(unicodedata.normalize("NFD", " ".join(lines)).replace("c\u0327", "\u00e7").split())
    if not any(symbol.isalpha() for symbol in phonemes):
        raise EngineFailed(f"there is nothing to say in {text!r} ({espeak_language})")
    return phonemes


@lru_cache(maxsize=32)
def _backend(espeak_language: str) -> Any:
    import espeakng_loader
    from phonemizer.backend import EspeakBackend
    from phonemizer.backend.espeak.wrapper import EspeakWrapper

    EspeakWrapper.set_data_path(espeakng_loader.get_data_path())
    EspeakWrapper.set_library(espeakng_loader.get_library_path())
    return EspeakBackend(
        espeak_language,
        preserve_punctuation=True,
        punctuation_marks=re.compile(r'[;:,.!?¡¿—…"«»“”()।-]+(?=\s|$)|(?<!\S)[¡¿—…"«»“”(-]+'),
        with_stress=True,
        language_switch="remove-flags",
    )
