"""Glossary: terms that a translation must use, or must leave as they are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePath

from dub.errors import BadInput
from dub.locale_table import locale_of, rows_of, serving
from lang.bcp47 import Locale
from lang.registry import UnknownLanguage, language

INFLECTION_LETTERS = 3
"""Letters that an ending may add to each word of a target term: `bomba` is there in `bombas`."""

_PRIVATE_USE = 0xE000
_KEEP = ("do_not_translate", "do-not-translate", "dnt", "keep")
_CASE = ("case",)
_NOTES = ("note", "notes", "comment", "comments", "context", "domain", "definition", "part_of_speech")
_YES, _NO = ("yes", "y", "true", "1", "x"), ("no", "n", "false", "0", "")
_MATCHES, _IGNORES = ("match", "exact", "sensitive"), ("ignore", "any", "insensitive", "")


@dataclass(frozen=True)
class Term:
    """One entry. `is_kept`: do not translate, `target` is `source`. `matches_case`: capitals must agree in both."""

    source: str
    target: str
    is_kept: bool = False
    matches_case: bool = False


class Glossary:
    """The terms of one language pair."""

    def __init__(self, terms: Sequence[Term], source: Locale, target: Locale) -> None:
        self.terms = tuple(sorted(terms, key=lambda term: -len(term.source)))
        self._source_is_spaced, self._target_is_spaced = _is_spaced(source), _is_spaced(target)

    def terms_in(self, text: str) -> tuple[Term, ...]:
        """The terms that a source line has, longer ones first; a term inside a longer one does not count."""
        found = []
        for term in self.terms:
            text, n_found = self._in_source(term).subn("\0", text)
            if n_found:
                found.append(term)
        return tuple(found)

    def missing(self, source: str, target: str) -> tuple[Term, ...]:
        """The terms of a source line whose translation does not use them. An ending of up to three letters may follow
        each word of a target term, unless it was to be left as it is."""
        return tuple(term for term in self.terms_in(source) if not self._in_target(term).search(target))

    def with_targets(self, text: str) -> tuple[str, tuple[str, ...]]:
        """A source line with its terms already in the target's words, and those words."""
        terms = self.terms_in(text)
        for place, term in enumerate(terms):  # by way of a sign of its own, lest a target be taken for a term
            text = self._in_source(term).sub(chr(_PRIVATE_USE + place), text)
        for place, term in enumerate(terms):
            text = text.replace(chr(_PRIVATE_USE + place), term.target)
        return text, tuple(term.target for term in terms)

    def _in_source(self, term: Term) -> re.Pattern[str]:
        return _pattern(term.source, self._source_is_spaced, term.matches_case, 0)

    def _in_target(self, term: Term) -> re.Pattern[str]:
        ending = 0 if term.is_kept or term.matches_case else INFLECTION_LETTERS
        return _pattern(term.target, self._target_is_spaced, term.matches_case, ending)


def read_glossary(content: bytes, file_name: str, source: Locale, target: Locale) -> Glossary:
    """The terms of a .csv or .tsv from a language into a locale; none where it has other languages.

    The first row names the columns: a locale each; `do_not_translate` (yes, no); `case` (match, ignore); `note`. A
    term without a target in this locale is passed over. Raises BadInput naming line and field.
    """
    kind = PurePath(file_name).suffix.lower()
    if kind not in (".csv", ".tsv"):
        raise BadInput(f"{file_name}: {kind or 'no'} extension", mend="give a glossary as .csv or .tsv")
    columns: list[str | Locale] = []
    terms = []
    for number, cells in rows_of(content, file_name):
        if not columns:
            columns = [_column(cell, file_name, number) for cell in cells]
            if not any(isinstance(column, Locale) for column in columns):
                what = f"the columns are {', '.join(cells)}; none is a language"
                raise BadInput(f"{file_name}, line {number}: {what}", mend="name columns by locale: en,es,pt-BR")
            continue
        if term := _term(dict(zip(columns, cells, strict=True)), file_name, number, source, target):
            terms.append(term)
    return Glossary(terms, source, target)


def _column(cell: str, file_name: str, number: int) -> str | Locale:
    name = cell.casefold().replace(" ", "_")
    for field, known in (("keep", _KEEP), ("case", _CASE), ("note", _NOTES)):
        if name in known:
            return field
    if locale := locale_of(cell):
        return locale
    raise BadInput(
        f"{file_name}, line {number}: the column {cell!r} is no language",
        mend="name a column by a locale (en, pt-BR), or do_not_translate, case, note",
    )


def _term(row: dict[str | Locale, str], file_name: str, number: int, source: Locale, target: Locale) -> Term | None:
    there = [column for column in row if isinstance(column, Locale)]
    is_kept = _choice(row.get("keep", ""), _YES, _NO, "do_not_translate", file_name, number)
    matches_case = _choice(row.get("case", ""), _MATCHES, _IGNORES, "case", file_name, number)
    from_, to = serving(source, there, any_region=True), serving(target, there)
    said = row[from_] if from_ else ""
    wanted = said if is_kept else (row[to] if to else "")
    if not said and any(row[locale] for locale in there) and from_:
        raise BadInput(
            f"{file_name}, line {number}, field {from_}: the term is empty", mend="write it, or drop the row"
        )
    if not re.search(r"\w", said) or not wanted:
        return None
    return Term(said, wanted, is_kept=is_kept, matches_case=matches_case)


def _choice(cell: str, yes: Sequence[str], no: Sequence[str], field: str, file_name: str, number: int) -> bool:
    answer = cell.casefold()
    if answer not in (*yes, *no):
        mend = f"write {yes[0]} or {no[0]}"
        raise BadInput(f"{file_name}, line {number}, field {field}: {cell!r} is not understood", mend=mend)
    return answer in yes


@lru_cache(maxsize=4096)
def _pattern(term: str, is_spaced: bool, matches_case: bool, ending: int) -> re.Pattern[str]:
    """Whole words, with `ending` letters more at most; in scripts without spaces anywhere."""
    flags = re.NOFLAG if matches_case else re.IGNORECASE
    if not is_spaced:
        return re.compile(re.escape("".join(term.split())), flags)
    end = rf"[^\W\d_]{{0,{ending}}}" if ending else ""
    words = rf"{end}\s+".join(map(re.escape, term.split()))
    return re.compile(rf"(?<!\w){words}{end}(?!\w)", flags)


def _is_spaced(locale: Locale) -> bool:
    try:
        return language(locale).is_spaced
    except UnknownLanguage:
        return True
