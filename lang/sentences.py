"""Where sentences end, in any script, and how they go together again."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Sequence
from functools import lru_cache

from lang.scripts import script_of_char

CLOSERS = "\"'”’»›)]}」』）】〉》〕］｝｣＂＇"
"""What may stand between a sentence's last mark and its end."""
_MORE_TERMINATORS = "…།༎༑\u05c3"
"""Ends of sentences that Unicode's property lacks: the ellipsis, Tibetan shads, the Hebrew sof pasuq."""
_GREEK_QUESTION = ";\u037e"
_NEEDS_SPACE = frozenset(".!?…․;\u037e")
"""Marks that also stand inside words and numbers (3.50, example.org, Yahoo!): a sentence ends only before a space."""
_SCRIPTS_WITHOUT_SPACES = frozenset({"Hani", "Hira", "Kana", "Bopo"})
"""Scripts whose sentences follow one another without a space."""
_SPACES = "፡" + string.whitespace + "\u00a0\u1680\u2028\u2029\u202f\u205f\u3000\x1c\x1d\x1e\x1f\x85"
"""What may separate two sentences: spaces, and the Ethiopic sign between words."""
_ETHIOPIC_STOP = "፡፡"
"""Two word signs, as the full stop ። is typed where the keyboard lacks it."""
_SHORT_NUMBER = 2
"""Digits of a number whose full stop may make it an ordinal (`3. Oktober`), not the end of a sentence."""
_ABBREVIATIONS = frozenset(
    """mr mrs ms dr prof st jr sr vs etc e.g i.e approx fig sra srta uds av núm pág dra bzw z.b d.h usw""".split()  # noqa: SIM905
)


@lru_cache(maxsize=1)
def terminators() -> frozenset[str]:
    """Every character that ends a sentence in some script: Unicode's Sentence_Terminal and a few more."""
    import icu

    return frozenset(map(str, icu.UnicodeSet("[:STerm:]"))) | frozenset(_MORE_TERMINATORS)


def ends_sentence(word: str) -> bool:
    """Whether a word (with its punctuation) closes a sentence; not so for `Mr.`, `e.g.`, `J.` and `3.`"""
    bare = word.strip().rstrip(CLOSERS)
    if bare.endswith(_ETHIOPIC_STOP):
        return True
    bare = bare.rstrip(_SPACES)
    if bare[-1:] in _GREEK_QUESTION and bare[:-1]:
        return script_of_char(bare[-2]) == "Grek"
    if not bare or bare[-1] not in terminators():
        return False
    if bare[-1] != "." or bare.endswith(".."):
        return True
    stem = bare[:-1].casefold().lstrip("([\"'¿¡«“„")
    is_initial = len(bare) == 2 and bare[0].isupper()
    is_ordinal = stem.isdecimal() and len(stem) <= _SHORT_NUMBER
    return not (stem in _ABBREVIATIONS or is_initial or is_ordinal)


def split_sentences(text: str) -> list[str]:
    """The sentences of a text with their punctuation; `join_sentences` gives the text back."""
    return [sentence.strip() for sentence in sentences_with_spaces(text) if sentence.strip()]


def sentences_with_spaces(text: str) -> list[str]:
    """The sentences of a text, each with the space after it: joined by nothing they are the text, to the letter."""
    sentences: list[str] = []
    start = 0
    for match in _ends().finditer(text):
        end = match.end()
        if end < len(text) and not text[end].isspace() and not _ends_without_space(text, match):
            continue
        if ends_sentence(_last_word(text[start:end])):
            end += len(text[end:]) - len(text[end:].lstrip(_SPACES))
            sentences.append(text[start:end])
            start = end
    if text[start:]:
        sentences.append(text[start:])
    return sentences


def join_sentences(sentences: Iterable[str]) -> str:
    """Sentences as one text: a space between them, none in Chinese and Japanese."""
    text = ""
    for sentence in sentences:
        text += (" " if text and not _touch(text[-1], sentence[:1]) else "") + sentence
    return text


@lru_cache(maxsize=1)
def _ends() -> re.Pattern[str]:
    marks = re.escape("".join(sorted(terminators())) + _GREEK_QUESTION)
    return re.compile(rf"(?:[{marks}]|{_ETHIOPIC_STOP})+[{re.escape(CLOSERS)}]*")


def _last_word(text: str) -> str:
    words: Sequence[str] = text.rsplit(None, 1)
    return words[-1] if words else ""


def _ends_without_space(text: str, match: re.Match[str]) -> bool:
    """Whether a sentence ends here although no space follows: after a mark of one script alone, before or after a
    script that has no spaces."""
    if not set(match.group()) & _NEEDS_SPACE:
        return True
    around = text[match.start() - 1 : match.start()] + text[match.end()]
    return any(script_of_char(char) in _SCRIPTS_WITHOUT_SPACES for char in around)


def _touch(before: str, after: str) -> bool:
    """Whether two sentences stand side by side without a space, because one is in a script that has none."""
    return _is_unspaced(before) or _is_unspaced(after)


def _is_unspaced(char: str) -> bool:
    if not char:
        return False
    return (
        script_of_char(char) in _SCRIPTS_WITHOUT_SPACES or "\u3000" <= char <= "\u303f" or "\uff00" <= char <= "\uffef"
    )
