"""Text put together: words as recognised, letters' case, Spanish opening marks."""

from __future__ import annotations

from collections.abc import Sequence

from lang.bcp47 import Locale
from lang.sentences import CLOSERS, split_sentences

_OPENING_MARKS = {"?": "¿", "!": "¡"}
_USES_OPENING_MARKS = frozenset({"es", "ast"})


def join_words(words: Sequence[str]) -> str:
    """Words as recognised, each with its own leading space where its script has one, as one line of text."""
    return " ".join("".join(words).split())


def capitalised_like(text: str, model: str) -> str:
    """`text` with the case of `model`'s first letter; an acronym at its start stays as it is."""
    first = next((char for char in model if char.isalpha()), "")
    for index, char in enumerate(text):
        if char.isalpha():
            if first.isupper():
                return text[:index] + char.upper() + text[index + 1 :]
            is_acronym = text[index + 1 : index + 2].isupper()
            return text[:index] + (char if is_acronym or not first.islower() else char.lower()) + text[index + 1 :]
    return text


def with_opening_marks(text: str, locale: Locale) -> str:
    """Spanish and Asturian open a question with ¿ and a call with ¡: added to each sentence that lacks it, and
    taken away in every other language."""
    if locale.language not in _USES_OPENING_MARKS:
        return text.replace("¿", "").replace("¡", "")
    return " ".join(_opened(sentence) for sentence in split_sentences(text))


def _opened(sentence: str) -> str:
    opening = _OPENING_MARKS.get(sentence.rstrip(CLOSERS)[-1:])
    if opening is None or opening in sentence:
        return sentence
    lead = len(sentence) - len(sentence.lstrip("\"'«“-– "))
    return sentence[:lead] + opening + sentence[lead:]
