"""Which part of a known text is said in which stretch of speech, found through what a recogniser heard there.

The recogniser need not be right: its words only have to be near enough to tell one part of the text from another. Both
are compared letter by letter in Latin letters, so that one script of a language finds another.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lang.scripts import script_of_char, transliterator

MOST_UNHEARD = 0.4
"""A stretch of text that nothing was heard of belongs to the speech beside it up to this share of it: recognisers drop
words. More was not said."""
_UNSPACED = frozenset({"Hani", "Hira", "Kana", "Thai", "Laoo", "Khmr", "Mymr"})


@dataclass(frozen=True)
class MatchedText:
    """`parts`: the text of each stretch, "" for one that the text does not have. `left_out`: what of the text was not
    heard anywhere. `share`: 0..1 of the text's letters that were heard as they are."""

    parts: tuple[str, ...]
    left_out: tuple[str, ...]
    share: float


def match_text(text: str, heard: Sequence[str]) -> MatchedText:
    """`heard`: what was recognised in each stretch, in order. Every part of the text is given once, in order, cut
    between words where the script has any."""
    from rapidfuzz.distance import Levenshtein

    words = _words(text)
    known = [(letter, number) for number, word in enumerate(words) for letter in _letters(word)]
    sounds = [(letter, number) for number, line in enumerate(heard) for letter in _letters(line)]
    n_same = 0
    votes: list[dict[int, int]] = [{} for _ in words]
    for block in Levenshtein.opcodes([k for k, _ in known], [s for s, _ in sounds]):
        if block.tag == "equal":
            n_same += block.src_end - block.src_start
        if block.tag in ("equal", "replace"):
            for a, b in zip(
                range(block.src_start, block.src_end), range(block.dest_start, block.dest_end), strict=False
            ):
                word, line = known[a][1], sounds[b][1]
                votes[word][line] = votes[word].get(line, 0) + (2 if block.tag == "equal" else 1)
    homes = [max(of_word, key=of_word.__getitem__) if of_word else None for of_word in votes]
    homes = _in_order(homes)
    homes = _with_neighbours(homes, words)
    parts = ["".join(w for w, home in zip(words, homes, strict=True) if home == n).strip() for n in range(len(heard))]
    return MatchedText(tuple(parts), _left_out(words, homes), n_same / max(1, len(known)))


def _words(text: str) -> list[str]:
    """Words with the space after them; single characters where a script writes none between words."""
    pieces: list[str] = []
    for word in re.findall(r"\S+\s*", text):
        pieces += list(word) if _is_unspaced(word) else [word]
    return pieces


def _is_unspaced(word: str) -> bool:
    return any(script_of_char(char) in _UNSPACED for char in word)


def _letters(word: str) -> str:
    latin = str(transliterator("Any-Latin; Latin-ASCII; Lower").transliterate(word))
    return re.sub(r"[^a-z0-9]", "", latin)


def _in_order(homes: Sequence[int | None]) -> list[int | None]:
    """A word that was heard before the word before it was not heard there."""
    ordered: list[int | None] = []
    reached = 0
    for home in homes:
        ordered.append(home if home is None or home >= reached else None)
        reached = max(reached, home or 0)
    return ordered


def _with_neighbours(homes: list[int | None], words: Sequence[str]) -> list[int | None]:
    """Words that nobody heard go with those before them, or after, if they are few beside them."""
    size: dict[int, int] = {}
    for home, word in zip(homes, words, strict=True):
        if home is not None:
            size[home] = size.get(home, 0) + len(word)
    filled, at = list(homes), 0
    while at < len(homes):
        if homes[at] is not None:
            at += 1
            continue
        end = at
        while end < len(homes) and homes[end] is None:
            end += 1
        n_chars = sum(len(word) for word in words[at:end])
        sides = [homes[i] for i in (at - 1, end) if 0 <= i < len(homes)]
        known = [side for side in sides if side is not None]
        if known and n_chars <= MOST_UNHEARD * max(size[side] for side in known):
            best = max(known, key=lambda side: size[side])
            filled[at:end] = [best] * (end - at)
        at = end
    return filled


def _left_out(words: Sequence[str], homes: Sequence[int | None]) -> tuple[str, ...]:
    pieces: list[str] = []
    for i, (word, home) in enumerate(zip(words, homes, strict=True)):
        if home is None:
            follows = i > 0 and homes[i - 1] is None
            pieces[-1:] = [pieces[-1] + word] if follows else [*pieces[-1:], word]
    return tuple(piece.strip() for piece in pieces)
