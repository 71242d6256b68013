"""A line in the characters that a letter-based voice was trained on, or an error that names those it was not."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

from dub.errors import EngineFailed
from lang.bcp47 import Locale

_APOSTROPHES = "’‘ʼʹ`´"
_SPOKEN_SIGNS = frozenset("%&@#§°")
"""Signs that are read as words, beside currency and mathematics; leaving one out would leave out a word."""


def readable(
    text: str, vocabulary: frozenset[str], locale: Locale, romanize: Callable[[str], str] | None = None
) -> str:
    """`text` in lower case and in characters of `vocabulary` only; `romanize` for voices trained on romanised text.

    Punctuation that the voice does not know is a space. A mark over or under a letter is left out where the voice knows
    the letter alone. Raises EngineFailed naming every other character that it cannot read, or where nothing is left.
    """
    line = unicodedata.normalize("NFC", " ".join(text.split()))
    if not any(character.isalnum() for character in line):
        raise EngineFailed(f"there is nothing to say in {text!r} ({locale})")
    lowered = "".join(character if character in vocabulary else character.lower() for character in line)
    if romanize is not None and not lowered.isascii():
        lowered = romanize(lowered).lower()
    found, unknown = [], []
    for character in lowered:
        known = _known(character, vocabulary)
        if known is None:
            unknown.append(character)
        found.append(known or "")
    if unknown:
        names = ", ".join(f"{each!r}" for each in dict.fromkeys(unknown))
        raise EngineFailed(
            f"this voice of {locale} cannot read {names} in {text!r}", mend="write it out in the voice's own letters"
        )
    said = " ".join("".join(found).split())
    if not any(character.isalpha() for character in said):
        raise EngineFailed(f"there is nothing to say in {text!r} ({locale})")
    return said


def _known(character: str, vocabulary: frozenset[str]) -> str | None:
    """What stands for a character in the vocabulary; None for what would be left out although it is spoken."""
    if character in vocabulary:
        return character
    if character in _APOSTROPHES and "'" in vocabulary:
        return "'"
    parts = unicodedata.normalize("NFD", character)
    if all(part in vocabulary for part in parts):
        return parts
    if len(parts) > 1 and parts[0] in vocabulary:
        return parts[0]
    kind = unicodedata.category(character)
    if kind[0] == "M":
        return ""
    is_spoken = kind[0] in "LN" or kind in ("Sc", "Sm") or character in _SPOKEN_SIGNS
    return None if is_spoken else " "
