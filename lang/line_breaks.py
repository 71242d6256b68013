"""Subtitle lines in any script: where a line may end, where it ends best, and how long it may be.

A text may be broken at its spaces; between words where a script writes none (ICU's dictionaries for Thai, Lao, Khmer,
Burmese and Chinese, its phrases for Japanese), never before closing or after opening punctuation. Only a word that is
longer than a whole line is cut: where Unicode allows a break (after a hyphen or a slash), else between two letters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

from lang.per_thread import made_once_per_thread
from lang.scripts import script_of_char
from lang.sentences import CLOSERS, terminators

Measure = Callable[[str], float]

LINE_CHARS = 42
_LINE_CHARS_OF = {"Jpan": 13, "Kore": 16, "Hans": 16, "Hant": 16, "Hani": 16, "Thai": 35}
"""Characters per subtitle line by script: the Netflix Timed Text Style Guides, general and per language. Those of
Chinese, Japanese and Korean count full-width signs; a half-width one is half of one."""
_WIDE = frozenset({"Jpan", "Kore", "Hans", "Hant", "Hani"})

_CLAUSE_ENDS = frozenset(",;:،؛、，；：—–၊៖߸፣፤፥᠂᠈꘍།")
_NEVER_STARTS_A_LINE = frozenset("、。，．・？！゛゜ヽヾゝゞ々ー）］｝〕〉》」』】,.!?:;)]}%…’”»›ๆຯໆฯៗ။၊។៕।॥؟،؛۔")
_NEVER_ENDS_A_LINE = frozenset("（［｛〔〈《「『【([{¿¡“«‹‘„$€£")
_UNSPACED = frozenset({"Hani", "Hira", "Kana", "Bopo", "Thai", "Laoo", "Khmr", "Mymr", "Tibt", "Lana", "Talu"})
_BREAKING_SPACES = re.compile(r"[^\S\u00a0\u202f\u2007\u2060]+")
"""Space that a line may end at: not the no-break spaces of French punctuation and of large numbers."""
_ETHIOPIC_WORD_SPACE = "፡"
_ASAT = "\u103a"
"""It ends a Burmese or Shan syllable: the letter below it stays with what comes before."""
_MOST_UNEVEN = 3
"""No piece of a text shared out is longer than this many times the even share."""
_LINK_WORDS = frozenset(
    """and or but because that which who when while if so to of in on at for with from
    e ou mas porque que quem quando se para de do da em no na com y o pero cuando si en con a
    i o però perquè quan amb et mais parce car pour dans avec und oder aber weil dass wenn
    ma perché quando per""".split()  # noqa: SIM905
)
"""A line breaks before these rather than after them."""


READING_SPEED = 20.0
_READING_SPEED_OF = {"Jpan": 7.0, "Kore": 14.0, "Hans": 11.0, "Hant": 11.0, "Hani": 11.0}
"""Characters a second that an adult reads, by script: the same guides, for subtitles that are word for word (SDH)."""


def reading_speed(script: str) -> float:
    """Characters a second that a subtitle of this script (ISO 15924) may ask for."""
    return _READING_SPEED_OF.get(script, READING_SPEED)


def line_chars(script: str) -> int:
    """Characters that a subtitle line of this script (ISO 15924) holds, counted by `measure_of(script)`."""
    return _LINE_CHARS_OF.get(script, LINE_CHARS)


def measure_of(script: str) -> Measure:
    """How a line of this script is measured: in characters read, or in full-width signs."""
    return wide_chars if script in _WIDE else reading_chars


def reading_chars(text: str) -> int:
    """Characters that a reader reads: combining and direction marks and line breaks do not count."""
    return sum(unicodedata.category(char) not in ("Mn", "Me", "Cf", "Cc") for char in text)


def wide_chars(text: str) -> float:
    """Length in full-width signs: a half-width letter, digit or space counts 0.5."""
    return sum(_width(char) for char in text)


def _width(char: str) -> float:
    if unicodedata.category(char) in ("Mn", "Me", "Cf", "Cc"):
        return 0
    return 0.5 if unicodedata.east_asian_width(char) in ("Na", "H", "N") else 1


def one_line(text: str) -> str:
    """`text` with one space wherever it had any that a line may end at."""
    return _BREAKING_SPACES.sub(" ", text).strip()


def break_lines(text: str, longest: int, measure: Measure = reading_chars) -> list[str]:
    """The fewest lines of at most `longest`, even in length, broken after punctuation or before a link word."""
    pieces = _pieces(one_line(text), longest, measure)
    fewest = int(-(-measure(one_line(text)) // longest))  # but spaces where lines end take no room
    for n_lines in range(max(1, min(fewest, len(pieces))), max(1, len(pieces)) + 1):
        if lines := _shared_out(pieces, n_lines, longest, measure):
            return lines
    return [piece.strip(" ") for piece in pieces]


def even_pieces(
    text: str, n_pieces: int, longest_word: int = LINE_CHARS, measure: Measure = reading_chars
) -> list[str]:
    """A text in `n_pieces` of about even length (fewer when it has fewer words), cut where a line would be.

    Words longer than `longest_word` are cut, so that every piece can be broken into lines of that length.
    """
    pieces = _pieces(one_line(text), longest_word, measure)
    n_pieces = max(1, min(n_pieces, len(pieces)))
    whole = max(1.0, measure(one_line(text)))
    most = max([whole * _MOST_UNEVEN / n_pieces, *map(measure, pieces)])
    return _shared_out(pieces, n_pieces, most, measure, scale=whole) or [one_line(text)]


def break_merit(before: str, after: str) -> float:
    """How good a place between two words is for a break, 0..0.6: a sentence end, a clause end, before a link word;
    below 0 right after a link word."""
    last = before.rstrip().rstrip(CLOSERS)[-1:]
    if last and last in _CLAUSE_ENDS:
        return 0.4
    if last and last in terminators():
        return 0.6
    if after.strip().casefold() in _LINK_WORDS:
        return 0.15
    return -0.1 if before.strip().casefold() in _LINK_WORDS else 0.0


def _shared_out(
    pieces: list[str], n_lines: int, longest: float, measure: Measure, *, scale: float = 0.0
) -> list[str] | None:
    """The pieces on `n_lines` lines, none longer than `longest`, with the least unevenness (counted in `scale`, or
    else in `longest`) for the most merit; None where they do not fit.

    Dynamic programming: the best layout of the first pieces on one line less, and one line."""
    scale = scale or longest
    if not pieces:
        return [""]
    ends = [0.0]
    for piece in pieces:
        ends.append(ends[-1] + measure(piece))
    trailing = [measure(piece) - measure(piece.rstrip(" ")) for piece in pieces]
    merits = [break_merit(one, other) for one, other in pairwise(pieces)] + [0.0]
    wanted = (ends[-1] - trailing[-1]) / n_lines
    best: list[dict[int, tuple[float, int]]] = [{0: (0.0, 0)}]
    for _ in range(n_lines):
        layouts: dict[int, tuple[float, int]] = {}
        for start, (cost_before, _start) in best[-1].items():
            for end in range(start + 1, len(pieces) + 1):
                length = ends[end] - ends[start] - trailing[end - 1]
                if length > longest:
                    break
                cost = cost_before + abs(length - wanted) / scale / 2 - merits[end - 1]
                if end not in layouts or cost < layouts[end][0]:
                    layouts[end] = (cost, start)
        best.append(layouts)
    if len(pieces) not in best[-1]:
        return None
    lines: list[str] = []
    end = len(pieces)
    for layouts in reversed(best[1:]):
        start = layouts[end][1]
        lines.append("".join(pieces[start:end]).strip(" "))
        end = start
    return lines[::-1]


def _pieces(text: str, longest: float, measure: Measure) -> list[str]:
    """What a text may be broken into, each piece with the space after it and none longer than a line."""
    words = re.findall(r"[^ ]+ ?", text)
    phrases = (phrase for word in words for phrase in (_phrases(word) if _has_unspaced(word) else [word]))
    fitting = (
        part for phrase in _kept_together(phrases, longest, measure) for part in _fitting(phrase, longest, measure)
    )
    return list(fitting)


def _has_unspaced(word: str) -> bool:
    return _ETHIOPIC_WORD_SPACE in word or any(script_of_char(char) in _UNSPACED for char in word)


def _phrases(text: str) -> list[str]:
    """An unspaced text cut between its words: Japanese by phrases, other scripts where both a line may end and a word
    does."""
    if any(script_of_char(char) in ("Hira", "Kana") for char in text):
        return _cut(text, _breaks("line|ja-u-lb-strict-lw-phrase", text))
    words = set(_breaks("word|und", text))
    return _cut(text, [at for at in _breaks("line|und-u-lb-strict", text) if at in words])


def _kept_together(pieces: Iterable[str], longest: float, measure: Measure) -> list[str]:
    """Pieces joined where a line must not end: before closing and after opening punctuation."""
    kept: list[str] = []
    for piece in pieces:
        together = kept and (piece[0] in _NEVER_STARTS_A_LINE or kept[-1].strip()[-1:] in _NEVER_ENDS_A_LINE)
        if together and measure((kept[-1] + piece).strip(" ")) <= longest:
            kept[-1] += piece
        else:
            kept.append(piece)
    return kept


def _fitting(piece: str, longest: float, measure: Measure) -> list[str]:
    """A piece as it is, or cut into parts that fit a line each."""
    if measure(piece.strip(" ")) <= longest:
        return [piece]
    parts = _cut(piece, _breaks("line|und-u-lb-strict", piece))
    return [chunk for part in parts for chunk in _chunks(part, longest, measure)]


def _chunks(part: str, longest: float, measure: Measure) -> list[str]:
    chunks = [""]
    for letter in _letters(part):
        if chunks[-1] and measure((chunks[-1] + letter).strip(" ")) > longest:
            chunks.append("")
        chunks[-1] += letter
    return chunks


def _letters(text: str) -> list[str]:
    """What a reader sees as one letter, with its marks; a closing Burmese letter with its syllable."""
    letters: list[str] = []
    for letter in _cut(text, _breaks("character|und", text)):
        if letters and _ASAT in letter:
            letters[-1] += letter
        else:
            letters.append(letter)
    return letters


def _cut(text: str, ends: list[int]) -> list[str]:
    """`text` cut at these places; the last is its own end."""
    edges = [0, *(end for end in ends if 0 < end < len(text)), len(text)]
    return [text[start:end] for start, end in pairwise(edges) if end > start]


def _breaks(kind: str, text: str) -> list[int]:
    """Places where ICU breaks, in characters: it counts in UTF-16, where some characters are two."""
    iterator = _iterator(kind)
    iterator.setText(text)
    at_unit = [0]
    for index, char in enumerate(text):
        at_unit += [index + 1] * (2 if char > "\uffff" else 1)
    return [at_unit[end] for end in iterator]


@made_once_per_thread
def _iterator(kind: str) -> Any:
    """Of "line|locale", "word|locale" or "character|locale"."""
    import icu

    what, locale = kind.split("|")
    make = getattr(icu.BreakIterator, f"create{what.capitalize()}Instance")
    return make(icu.Locale.forLanguageTag(locale))
