"""Tables with a column per language (memories, glossaries), and which of their languages serves a locale."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator
from pathlib import PurePath

from dub.cue_fields import decoded
from dub.errors import BadInput
from lang.bcp47 import Locale
from lang.registry import UnknownLanguage, language


def rows_of(content: bytes, file_name: str) -> Iterator[tuple[int, list[str]]]:
    """(line number, cells) of a CSV or TSV that are not blank; cells are stripped. Separated by tabs in a .tsv, else
    by what the first line has most of: commas, semicolons or tabs. Raises BadInput naming the line."""
    text = decoded(content, file_name)
    head = text.split("\n", 1)[0]
    delimiter = "\t" if PurePath(file_name).suffix.lower() == ".tsv" else max((",", ";", "\t"), key=head.count)
    rows = csv.reader(io.StringIO(text), delimiter=delimiter)
    n_columns = 0
    try:
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            n_columns = n_columns or len(row)
            if len(row) > n_columns:
                raise BadInput(
                    f"{file_name}, line {rows.line_num}: {len(row)} cells for {n_columns} columns",
                    mend='quote text with separators: "a, b"',
                )
            yield rows.line_num, [cell.strip() for cell in row] + [""] * (n_columns - len(row))
    except csv.Error as error:
        raise BadInput(f"{file_name}, line {rows.line_num}: not CSV: {error}", mend='quote text: "a, b"') from error


def locale_of(tag: str) -> Locale | None:
    """The locale that a column or an attribute names (`pt-BR`, `EN_us`), None for another word."""
    try:
        locale = Locale(tag)
        language(locale)
    except ValueError:
        return None
    return locale


def serving(wanted: Locale, there: Collection[Locale], *, any_region: bool = False) -> Locale | None:
    """The one of these languages that may stand for `wanted`: itself, else the bare language, else one with a region
    where none was asked for. The script must be the same. `any_region`: of a source text the region does not matter.
    """
    if wanted in there:
        return wanted
    own = [other for other in there if other.language == wanted.language and _script(other) == _script(wanted)]
    bare = Locale(wanted.language)
    if bare in own:
        return bare
    return own[0] if own and (any_region or wanted == bare) else None


def _script(locale: Locale) -> str:
    try:
        return language(locale).script
    except UnknownLanguage:
        return ""
