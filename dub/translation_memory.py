"""Translation memory: lines that were translated before, from TMX 1.4 or a table, found again exactly or nearly.

TMX: https://www.gala-global.org/tmx-14b
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePath

from dub.errors import BadInput
from dub.given_xml import GivenXml, attribute, children, local, text_of
from dub.locale_table import locale_of, rows_of, serving
from lang import names
from lang.bcp47 import Locale

GOOD_ENOUGH = 0.95
"""Likeness of two sources from which the memory's translation is used; 0.95 is two letters in forty."""
WORTH_SHOWING = 0.75
"""... from which it is shown to a human; CAT tools' usual limit."""

_CODE = frozenset({"bpt", "ept", "ph", "it", "ut", "sub"})
_SAME_SIGN = str.maketrans("‘’‚‛“”„«»–—−", '\'\'\'\'"""""---')


@dataclass(frozen=True)
class Match:
    """A line of the memory. `likeness`: of its source to the one asked for, 0..1; 1.0 is the same line.

    `is_usable`: alike enough to be spoken, with the same numbers; else it is a suggestion.
    """

    source: str
    target: str
    likeness: float
    is_usable: bool

    @property
    def is_exact(self) -> bool:
        return self.likeness == 1.0


class TranslationMemory:
    """Pairs of lines in two languages; of several translations of a line the last one counts."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._pairs = {_normal(source): (source, target) for source, target in pairs if _normal(source) and target}
        self._sources = list(self._pairs)

    def __len__(self) -> int:
        return len(self._pairs)

    def lookup(self, text: str, *, good_enough: float = GOOD_ENOUGH) -> Match | None:
        """The most alike line, None when there is none of 0.75 or more. Case, spaces and the kind of quotation marks
        and dashes do not count; numbers must be the same for a line to be usable."""
        from rapidfuzz import fuzz, process

        wanted = _normal(text)
        if not wanted:
            return None
        if wanted in self._pairs:
            return Match(*self._pairs[wanted], likeness=1.0, is_usable=True)
        found = process.extractOne(wanted, self._sources, scorer=fuzz.ratio, score_cutoff=100 * WORTH_SHOWING)
        if found is None:
            return None
        source, target = self._pairs[found[0]]
        likeness = min(found[1] / 100, 0.999)
        has_same_numbers = sorted(names.numbers(text)) == sorted(names.numbers(source))
        return Match(source, target, likeness, is_usable=likeness >= good_enough and has_same_numbers)


def read_memory(content: bytes, file_name: str, source: Locale, target: Locale) -> TranslationMemory:
    """The pairs of a .tmx, .csv or .tsv file from a language into a locale; none where it has other languages.

    A table's first row names a locale per column; other columns are passed over. Raises BadInput naming the line.
    """
    kind = PurePath(file_name).suffix.lower()
    if kind == ".tmx":
        return TranslationMemory(_tmx_pairs(GivenXml(content, file_name), source, target))
    if kind in (".csv", ".tsv"):
        return TranslationMemory(_table_pairs(content, file_name, source, target))
    raise BadInput(f"{file_name}: {kind or 'no'} extension", mend="give a memory as .tmx, .csv or .tsv")


def _normal(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).translate(_SAME_SIGN).casefold().split())


def _tmx_pairs(given: GivenXml, source: Locale, target: Locale) -> Iterator[tuple[str, str]]:
    if local(given.root.tag) != "tmx":
        raise given.fault(given.root, f"the root element is <{local(given.root.tag)}>, not <tmx>", "give TMX 1.4")
    locale_named = lru_cache(maxsize=None)(locale_of)
    for body in children(given.root, "body"):
        for unit in children(body, "tu"):
            texts: dict[Locale, str] = {}
            for variant in children(unit, "tuv"):
                tag = attribute(variant, "lang")
                locale = locale_named(tag)
                if locale is None:
                    what = f"xml:lang={tag!r} is no language" if tag else "<tuv> without xml:lang"
                    raise given.fault(variant, what, 'write a BCP-47 tag: xml:lang="pt-BR"')
                texts[locale] = " ".join(text_of(segment, without=_CODE) for segment in children(variant, "seg"))
            yield from _pair(texts, source, target)


def _table_pairs(content: bytes, file_name: str, source: Locale, target: Locale) -> Iterator[tuple[str, str]]:
    columns: dict[Locale, int] = {}
    for number, cells in rows_of(content, file_name):
        if columns:
            yield from _pair({locale: cells[index] for locale, index in columns.items()}, source, target)
            continue
        columns = {locale: index for index, cell in enumerate(cells) if (locale := locale_of(cell))}
        if len(columns) < 2:
            raise BadInput(
                f"{file_name}, line {number}: the columns are {', '.join(cells)}; two languages are needed",
                mend="name each column by its locale: en,es,pt-BR",
            )


def _pair(texts: dict[Locale, str], source: Locale, target: Locale) -> Iterator[tuple[str, str]]:
    said, translated = serving(source, texts, any_region=True), serving(target, texts)
    if said and translated and re.search(r"\w", texts[said]) and texts[translated]:
        yield texts[said], texts[translated]
