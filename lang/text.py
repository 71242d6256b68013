"""Text as it is written in any script: sentences, words put together, syllables, subtitle lines, direction."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from lang.bcp47 import Locale

RTL_SCRIPTS = frozenset({"Arab", "Hebr", "Thaa", "Nkoo", "Adlm", "Syrc", "Rohg", "Mand"})

TERMINATORS = ".!?…।॥۔؟።፧។။་།。！？｡"
"""Sentence ends over all scripts (Devanagari, Arabic, Ethiopic, Khmer, Burmese, Tibetan, CJK)."""
_UNSPACED_TERMINATORS = "。！？｡"
_CLOSERS = "\"'”’»›)]}」』）】"
_CLAUSE_ENDS = ",;:،؛、，；：—–"
_ABBREVIATIONS = frozenset(
    """mr mrs ms dr prof st jr sr vs etc e.g i.e approx fig sra srta uds av núm pág dra bzw z.b d.h usw""".split()  # noqa: SIM905
)
_NEVER_STARTS_A_LINE = frozenset("、。，．・？！゛゜ヽヾゝゞ々ー）］｝〕〉》」』】,.!?:;)]}%…’”»")
_NEVER_ENDS_A_LINE = frozenset("（［｛〔〈《「『【([{¿¡“«‘$€£")

_OPENING_MARKS = {"?": "¿", "!": "¡"}
_USES_OPENING_MARKS = frozenset({"es", "ast"})
_LINK_WORDS = frozenset(
    """and or but because that which who when while if so to of in on at for with from
    e ou mas porque que quem quando se para de do da em no na com y o pero cuando si en con a
    i o però perquè quan amb et mais parce car pour dans avec und oder aber weil dass wenn
    ma perché quando per""".split()  # noqa: SIM905
)
"""A line breaks before these rather than after them."""

RLM = "\u200f"


def ends_sentence(word: str) -> bool:
    """Whether a word (with its punctuation) closes a sentence; not so for `Mr.`, `e.g.`, `J.` and `3.`"""
    bare = word.strip().rstrip(_CLOSERS)
    if not bare or bare[-1] not in TERMINATORS:
        return False
    if bare[-1] != "." or bare.endswith(".."):
        return True
    stem = bare[:-1]
    return not (stem.casefold().lstrip("([\"'¿¡") in _ABBREVIATIONS or (len(stem) == 1 and stem.isupper()))


def split_sentences(text: str) -> list[str]:
    """The sentences of a text with their punctuation; joined by a space (or nothing after 。！？) they give it back."""
    sentences: list[str] = []
    start = 0
    for match in re.finditer(rf"[{re.escape(TERMINATORS)}]+[{re.escape(_CLOSERS)}]*", text):
        end = match.end()
        is_unspaced = match.group()[0] in _UNSPACED_TERMINATORS
        if end < len(text) and not is_unspaced and not text[end].isspace():
            continue
        word = text[start:end].rsplit(None, 1)[-1] if text[start:end].strip() else ""
        if is_unspaced or ends_sentence(word):
            sentences.append(text[start:end].strip())
            start = end
    if text[start:].strip():
        sentences.append(text[start:].strip())
    return sentences


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
    opening = _OPENING_MARKS.get(sentence.rstrip(_CLOSERS)[-1:])
    if opening is None or opening in sentence:
        return sentence
    lead = len(sentence) - len(sentence.lstrip("\"'«“-– "))
    return sentence[:lead] + opening + sentence[lead:]


def n_syllables(text: str) -> int:
    """Spoken syllables, estimated by script: vowel groups (Latin, Cyrillic, Greek), signs (CJK, kana, Hangul),
    consonant letters without a killer mark (Indic, Ethiopic), 0.6 a letter (Arabic, Hebrew), 1.8 a digit."""
    count = 0.0
    for word in re.findall(r"[^\W\d_]+(?:[’'][^\W\d_]+)*|\d|[\u0300-\u036f]", unicodedata.normalize("NFC", text)):
        count += _word_syllables(word)
    return round(count)


def _word_syllables(word: str) -> float:
    if word.isdigit():
        return 1.8
    name = unicodedata.name(word[0], "")
    if name.startswith(("LATIN", "CYRILLIC", "GREEK")):
        plain = "".join(char for char in unicodedata.normalize("NFD", word.lower()) if not unicodedata.combining(char))
        groups = re.findall(r"[aeiouyœæøıаеиоуыэюяіїєαεηιουω]+", plain)
        n = len(groups) + sum(max(0, len(group) - 2) for group in groups)
        return max(1, n)
    if name.startswith(("ARABIC", "HEBREW", "SYRIAC", "THAANA")):
        return max(1.0, 0.6 * len(word))
    letters = [char for char in word if unicodedata.category(char) == "Lo"]
    killers = sum("VIRAMA" in unicodedata.name(char, "") for char in word)
    if name.startswith(("THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN")):
        return max(1.0, 0.45 * len(letters))
    small_kana = sum(char in "ゃゅょャュョぁぃぅぇぉァィゥェォ" for char in word)
    return max(1.0, len(letters) - killers - small_kana)


def reading_chars(text: str) -> int:
    """Characters that a reader reads: combining and direction marks and line breaks do not count."""
    return sum(unicodedata.category(char) not in ("Mn", "Me", "Cf", "Cc") for char in text)


def break_lines(text: str, line_chars: int, *, is_spaced: bool = True) -> list[str]:
    """The fewest lines of at most `line_chars`, even in length, broken after punctuation or before a link word.

    A single word longer than a line stays whole. Unspaced scripts break between signs, never before closing or
    after opening punctuation.
    """
    pieces = text.split() if is_spaced else _breakable(text)
    glue = " " if is_spaced else ""
    n_lines = max(1, -(-reading_chars(text) // line_chars))
    while True:
        lines = _even_lines(pieces, glue, n_lines, line_chars)
        if n_lines >= len(pieces) or all(reading_chars(line) <= line_chars for line in lines):
            return lines
        n_lines += 1


def even_pieces(text: str, n_pieces: int, *, is_spaced: bool = True) -> list[str]:
    """A text in `n_pieces` of about even length (fewer when it has fewer words), cut where a line would be."""
    pieces = text.split() if is_spaced else _breakable(text)
    glue = " " if is_spaced else ""
    n_pieces = min(n_pieces, len(pieces))
    return _even_lines(pieces, glue, n_pieces, max(1, reading_chars(text)))


def _breakable(text: str) -> list[str]:
    """An unspaced text in its smallest pieces: signs with their marks, Latin words and numbers whole."""
    pieces: list[str] = []
    for piece in re.findall(r"[A-Za-z0-9À-ɏ]+(?:[.,'][A-Za-z0-9]+)*|\s+|.", text):
        is_mark = unicodedata.category(piece[0]) in ("Mn", "Mc", "Me")
        if pieces and (is_mark or piece[0] in _NEVER_STARTS_A_LINE or pieces[-1][-1] in _NEVER_ENDS_A_LINE):
            pieces[-1] += piece
        else:
            pieces.append(piece)
    return pieces


def _even_lines(pieces: list[str], glue: str, n_lines: int, line_chars: int) -> list[str]:
    if n_lines <= 1 or len(pieces) <= 1:
        return [glue.join(pieces).strip()]
    total = reading_chars(glue.join(pieces))

    def cost(cut: int) -> float:
        head, tail = glue.join(pieces[:cut]), glue.join(pieces[cut:])
        uneven = abs(reading_chars(head) - total / n_lines) / line_chars
        too_long = 5.0 if reading_chars(head) > line_chars else 0.0
        too_much_left = 5.0 if reading_chars(tail) > line_chars * (n_lines - 1) else 0.0
        return uneven + too_long + too_much_left - break_merit(pieces[cut - 1], pieces[cut])

    best = min(range(1, len(pieces)), key=cost)
    head = glue.join(pieces[:best]).strip()
    return [head, *_even_lines(pieces[best:], glue, n_lines - 1, line_chars)]


def break_merit(before: str, after: str) -> float:
    """How good a place between two words is for a break, 0..0.6: a sentence end, a clause end, before a link word;
    below 0 right after a link word."""
    if before.rstrip(_CLOSERS)[-1:] in TERMINATORS:
        return 0.6
    if before.rstrip(_CLOSERS)[-1:] in _CLAUSE_ENDS:
        return 0.4
    if after.casefold() in _LINK_WORDS:
        return 0.15
    return -0.1 if before.casefold() in _LINK_WORDS else 0.0


def marked_rtl(line: str) -> str:
    """A right-to-left line between right-to-left marks, so that its punctuation falls on the right side."""
    return f"{RLM}{line}{RLM}"
