"""How much a text goes round in circles: the mark of a model that is stuck."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from dub.word_error import comparable_words

LONGEST_UNIT = 60
"""Words (or signs, in scripts without spaces) of the longest passage whose repetition is looked for."""


@dataclass(frozen=True)
class Loop:
    """A passage said several times on end: its length in words and how often it is said (1: never again)."""

    n_words: int
    times: int


def longest_loop(text: str) -> Loop:
    """The passage that is repeated on end and covers most words of a text. Case and punctuation do not count."""
    return _longest_loop(comparable_words(text))


def most_times(text: str) -> int:
    """How often anything is said on end, be it words or letters (`hahaha`: 3)."""
    letters = "".join(comparable_words(text))
    return max(_most_times(comparable_words(text)), _most_times(letters))


def compressibility(text: str) -> float:
    """Characters per byte of the text packed by DEFLATE: about 1 for a line, 2.2 for a paragraph, over 2.4 for a loop.

    Each different character counts as one byte, so that a script's encoding makes no difference.
    """
    number_of: dict[str, int] = {}
    plain = bytes(number_of.setdefault(char, len(number_of)) & 255 for char in text)
    return len(plain) / len(zlib.compress(plain, 9)) if plain else 0.0


def _longest_loop(words: Sequence[str]) -> Loop:
    best = Loop(1, 1)
    for n_words in range(1, min(LONGEST_UNIT, len(words) // 2) + 1):
        loop = Loop(n_words, _times(words, n_words))
        if loop.times > 1 and (loop.times - 1) * n_words > (best.times - 1) * best.n_words:
            best = loop
    return best


def _most_times(units: Sequence[str]) -> int:
    return max((_times(units, n) for n in range(1, min(LONGEST_UNIT, len(units) // 2) + 1)), default=1)


def _times(units: Sequence[str], length: int) -> int:
    """How often the most repeated passage of this length is said on end."""
    run = longest = 0
    for here, there in zip(units, units[length:], strict=False):
        run = run + 1 if here == there else 0
        longest = max(longest, run)
    return 1 + longest // length
