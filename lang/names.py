"""What must survive translation: numbers and names. Found, checked, and masked where an engine would translate them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from lang.sentences import split_sentences

_NUMBER = re.compile(r"\d+(?:[.,:  ]\d+)*")
_WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*")
_MASK = re.compile(r"Qx[a-z]qa", re.IGNORECASE)
_SAME_NAME = 0.6
"""Similarity of spelling from which a word counts as the same name in another language (Barcelona, Barcellona)."""


def numbers(text: str) -> list[str]:
    """The numbers of a text, by their digits alone: 3.50 and 3,50 are the same."""
    return [re.sub(r"\D", "", found) for found in _NUMBER.findall(text)]


def lost_numbers(source: str, translation: str) -> tuple[str, ...]:
    """Numbers in digits that the translation has no digits for. A number written out as a word counts as lost."""
    left = numbers(translation)
    lost = []
    for number in numbers(source):
        if number in left:
            left.remove(number)
        else:
            lost.append(number)
    return tuple(lost)


def names(text: str) -> tuple[str, ...]:
    """Runs of capitalised words that do not start a sentence: `Jordi Mas`, `Barcelona`. Scripts with case only."""
    found: list[str] = []
    for sentence in split_sentences(text):
        run: list[str] = []
        end_of_run = -1
        for number, match in enumerate(_WORD.finditer(sentence)):
            word = match.group()
            is_name = number > 0 and word[0].isupper() and word not in ("I",) and not word.startswith(("I'", "I’"))
            if is_name and run and match.start() == end_of_run + 1:
                run.append(word)
            else:
                if run:
                    found.append(" ".join(run))
                run = [word] if is_name else []
            end_of_run = match.end()
        if run:
            found.append(" ".join(run))
    return tuple(dict.fromkeys(found))


def lost_names(source: str, translation: str) -> tuple[str, ...]:
    """Names of the source with no similar capitalised word in the translation. A name that has another form in the
    target language (London, Londres) may count as lost: a hint to a human, no proof."""
    there = [word for word in _WORD.findall(translation) if word[0].isupper()]
    return tuple(
        name
        for name in names(source)
        if not all(any(_is_same(word, other) for other in there) for word in name.split())
    )


def kept_verbatim(source: str, translation: str) -> tuple[str, ...]:
    """Names that a first translation left as they are: what a second one must leave too."""
    return tuple(name for name in names(source) if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", translation))


def masked(text: str, hidden: Sequence[str]) -> str:
    """`text` with each name, word by word, as a word that no dictionary has (at most 26 words, the rest stay)."""
    for number, word in enumerate(_words(hidden)):
        text = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", _mask(number), text)
    return text


def unmasked(text: str, hidden: Sequence[str]) -> str | None:
    """The names back in their places; None when the engine lost or changed a mask."""
    words = _words(hidden)
    for number, word in enumerate(words):
        text, n_found = re.subn(_mask(number), lambda _, word=word: word, text, flags=re.IGNORECASE)  # type: ignore[misc]
        if not n_found:
            return None
    return None if _MASK.search(text) else text


def _words(hidden: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(word for name in hidden for word in name.split()))[:26]


def _mask(number: int) -> str:
    return f"Qx{chr(ord('a') + number)}qa"


def _is_same(word: str, other: str) -> bool:
    return difflib.SequenceMatcher(None, word.casefold(), other.casefold()).ratio() >= _SAME_NAME
