"""Word and character error between what a line should say and what was heard, aligned word by word."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Literal

_APOSTROPHES = re.compile(r"[’ʼ`´]")
# Scripts written without spaces between words: there every character counts as a word.
_UNSPACED = re.compile(
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff])"
)
_LONGEST_SPELLED_NUMBER = 8
"""Words that one numeral may stand for: `1984` is `mil novecentos e oitenta e quatro`."""

Outcome = Literal["same", "changed", "missing", "added", "number"]


@dataclass(frozen=True)
class AlignedWord:
    """One step of the alignment. `expected` is empty for an added word, `heard` for a missing one. `number`: a numeral
    against spelled-out words, which cannot be told right from wrong and is counted as neither."""

    outcome: Outcome
    expected: str
    heard: str
    expected_index: int
    """Index of the expected word that this step reached last (-1 before the first)."""
    heard_index: int


@dataclass(frozen=True)
class ErrorRate:
    """`n_errors` may exceed `n_expected`: added words count too. `rate` is None where nothing was expected."""

    n_expected: int
    n_errors: int

    @property
    def rate(self) -> float | None:
        return self.n_errors / self.n_expected if self.n_expected else None

    def __add__(self, other: ErrorRate) -> ErrorRate:
        return ErrorRate(self.n_expected + other.n_expected, self.n_errors + other.n_errors)


def comparable_words(text: str) -> tuple[str, ...]:
    """Words as they count for comparison: NFKC, lower case, no punctuation; hyphens split, apostrophes stay inside.

    Combining marks stay (`año` is not `ano`). Grouped digits are one numeral: `1,000` and `1 000.5` lose their marks.
    """
    folded = _APOSTROPHES.sub("'", unicodedata.normalize("NFKC", text).casefold())
    folded = re.sub(r"(?<=\d)[.,\u00a0 ](?=\d{3}(\D|$))", "", folded)
    folded = re.sub(r"(?<=\d)[.,:](?=\d)", "", folded)
    kept = "".join(char if unicodedata.category(char)[0] in "LMN" or char == "'" else " " for char in folded)
    words = (word.strip("'") for word in _UNSPACED.sub(r" \1 ", kept).split())
    return tuple(word for word in words if word)


def aligned(expected: Sequence[str], heard: Sequence[str]) -> tuple[AlignedWord, ...]:
    """Cheapest alignment of comparable words (each change, loss or addition costs 1; numerals see AlignedWord).

    Works in a band around the diagonal, wide enough for a missing line, so that an hour's script takes seconds and
    tens of megabytes.
    """
    n, m = len(expected), len(heard)
    band = max(60, abs(n - m) + 60)
    is_numeral_expected = [_is_numeral(word) for word in expected]
    is_numeral_heard = [_is_numeral(word) for word in heard]
    infinite = n + m + 1
    costs: list[_BandRow] = []
    moves: list[tuple[int, bytearray]] = []
    for i in range(n + 1):
        middle = i * m // n if n else 0
        low, high = (max(0, middle - band), min(m, middle + band)) if n else (0, m)
        row = _BandRow(low, [], infinite)
        chosen = bytearray()
        for j in range(low, high + 1):
            if i == j == 0:
                row.costs.append(0)
                chosen.append(_CHANGE)
                continue
            best, move = infinite, _CHANGE
            if i and j:
                best = costs[-1].at(j - 1) + (expected[i - 1] != heard[j - 1])
            if i and (loss := costs[-1].at(j) + 1) < best:
                best, move = loss, _MISSING
            if j and (addition := row.at(j - 1) + 1) < best:
                best, move = addition, _ADDED
            if best and i and j and is_numeral_heard[j - 1] != is_numeral_expected[i - 1]:
                spells_expected = is_numeral_heard[j - 1]
                spelled, end = (is_numeral_expected, i) if spells_expected else (is_numeral_heard, j)
                longest = _words_of_numeral(heard[j - 1] if spells_expected else expected[i - 1])
                for n_words in range(1, min(longest, end) + 1):
                    if spelled[end - n_words]:
                        break
                    before = costs[-n_words].at(j - 1) if spells_expected else costs[-1].at(j - n_words)
                    if before < best:
                        best, move = before, (_SPELLED if spells_expected else _FIGURES) + n_words
            row.costs.append(best)
            chosen.append(move)
        costs = [*costs[1 - _LONGEST_SPELLED_NUMBER :], row]
        moves.append((low, chosen))
    return _walk_back(expected, heard, moves)


_CHANGE, _MISSING, _ADDED, _SPELLED, _FIGURES = 0, 1, 2, 16, 32


@dataclass(frozen=True)
class _BandRow:
    """One row of the alignment's costs, from column `low` on; outside it everything is out of reach."""

    low: int
    costs: list[int]
    infinite: int

    def at(self, column: int) -> int:
        index = column - self.low
        return self.costs[index] if 0 <= index < len(self.costs) else self.infinite


def _walk_back(
    expected: Sequence[str], heard: Sequence[str], moves: Sequence[tuple[int, bytearray]]
) -> tuple[AlignedWord, ...]:
    i, j = len(expected), len(heard)
    path: list[AlignedWord] = []
    while i or j:
        low, chosen = moves[i]
        move = chosen[j - low]
        di, dj = {_CHANGE: (1, 1), _MISSING: (1, 0), _ADDED: (0, 1)}.get(
            move, (move - _SPELLED, 1) if move < _FIGURES else (1, move - _FIGURES)
        )
        wanted, got = " ".join(expected[i - di : i]), " ".join(heard[j - dj : j])
        outcome: Outcome
        if move >= _SPELLED:
            outcome = "number"
        elif move == _MISSING:
            outcome = "missing"
        elif move == _ADDED:
            outcome = "added"
        else:
            outcome = "same" if wanted == got else "changed"
        path.append(AlignedWord(outcome, wanted, got, i - 1, j - 1))
        i, j = i - di, j - dj
    return tuple(reversed(path))


def words_wrong(alignment: Sequence[AlignedWord]) -> ErrorRate:
    """Word error of an alignment; numerals against spelled-out words are left out of both counts."""
    n_expected = sum(word.outcome in ("same", "changed", "missing") for word in alignment)
    return ErrorRate(n_expected, sum(word.outcome in ("changed", "missing", "added") for word in alignment))


def characters_wrong(alignment: Sequence[AlignedWord]) -> ErrorRate:
    """Character error of the same words, spaces left out, so that `a way` for `away` costs nothing here."""
    counted = [word for word in alignment if word.outcome != "number"]
    expected = "".join(word.expected for word in counted)
    heard = "".join(word.heard for word in counted)
    return ErrorRate(len(expected), _edit_distance(expected, heard))


def per_line(
    lines: Sequence[Sequence[str]], heard: Sequence[str], line_of_heard: Sequence[int]
) -> tuple[tuple[AlignedWord, ...], ...]:
    """Align all lines with all that was heard, then cut at the lines: right even where word times are loose.

    `lines`: comparable words of each line; `line_of_heard[k]`: index of the line during which word k was heard, used
    for words that belong to no expected word.
    """
    owner = list(chain.from_iterable([index] * len(words) for index, words in enumerate(lines)))
    split: list[list[AlignedWord]] = [[] for _ in lines]
    for word in aligned(list(chain.from_iterable(lines)), heard):
        line = line_of_heard[word.heard_index] if word.outcome == "added" else owner[word.expected_index]
        if lines:
            split[line].append(word)
    return tuple(tuple(words) for words in split)


def _is_numeral(word: str) -> bool:
    return word[:1].isdigit() or word[-1:].isdigit()


def _words_of_numeral(word: str) -> int:
    """At most how many words a numeral is spelled with: `5` one, `84` three (`oitenta e quatro`), `345` five."""
    n_digits = sum(char.isdigit() for char in word)
    return min(_LONGEST_SPELLED_NUMBER, max(1, 2 * n_digits - 1))


def _edit_distance(a: str, b: str) -> int:
    """Levenshtein distance, one row at a time."""
    if len(a) < len(b):
        a, b = b, a
    row = list(range(len(b) + 1))
    for i, char in enumerate(a, 1):
        diagonals = pairwise(row)
        fresh = [i]
        for j, (diagonal, above) in enumerate(diagonals, 1):
            fresh.append(min(diagonal + (char != b[j - 1]), above + 1, fresh[-1] + 1))
        row = fresh
    return row[-1]
