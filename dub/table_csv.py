"""The translation table as CSV, for spreadsheets: written so that none of them runs a cell, read as they save it."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from dub.cue_fields import decoded
from dub.errors import BadInput
from dub.translation_table import GivenRow, TableRow

COLUMNS = (
    "locale", "line", "start", "end", "speaker", "source", "translation", "remarks", "approved", "approved_by",
)  # fmt: skip
_NEEDED = ("locale", "line", "source", "translation", "approved")
_FORMULA = "=+-@\t\r"
_YES, _NO = ("yes", "y"), ("", "no", "n")
_NAMES = {name: f"column {name}" for name in COLUMNS}


def to_table_csv(rows: Sequence[TableRow]) -> str:
    """Starts with a byte order mark, which spreadsheets need to read accents. A cell that one would run as a formula
    gets an apostrophe in front (CWE-1236)."""
    text = io.StringIO()
    text.write("\ufeff")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        cells = [
            str(row.locale), row.line, row.start, row.end, row.speaker, row.source, row.translation, row.remarks,
            "yes" if row.is_approved else "", row.approved_by,
        ]  # fmt: skip
        writer.writerow([_tamed(cell) for cell in cells])
    return text.getvalue()


def parse_table_csv(content: bytes, file_name: str) -> list[GivenRow]:
    """Separated by commas, semicolons or tabs. Columns in any order; times, speaker and remarks are for reading only,
    and columns of people's own are left alone. Raises BadInput naming the row (as a spreadsheet counts them) and the
    column."""
    text = decoded(content, file_name)
    head = text.split("\n", 1)[0]
    rows = csv.reader(io.StringIO(text), delimiter=max((",", ";", "\t"), key=head.count))
    try:
        table = [[_untamed(cell) for cell in row] for row in rows]
    except csv.Error as error:
        raise BadInput(
            f"{file_name}, line {rows.line_num}: not CSV: {error}", mend="save it from the spreadsheet as CSV UTF-8"
        ) from error
    names = [cell.strip().casefold() for cell in table[0]] if table else []
    for name in _NEEDED:
        if names.count(name) != 1:
            what = "two columns" if name in names else "no column"
            raise BadInput(f"{file_name}, row 1: it has {what} {name}", mend=f"keep the first row: {','.join(COLUMNS)}")
    return [
        _given(dict(zip(names, row, strict=False)), file_name, number)
        for number, row in enumerate(table[1:], start=2)
        if any(cell.strip() for cell in row)
    ]


def _given(row: dict[str, str], file_name: str, number: int) -> GivenRow:
    place = f"{file_name}, row {number}"
    approved = row.get("approved", "").strip().casefold()
    if approved not in _YES + _NO:
        raise BadInput(f"{place}, column approved: {row['approved']!r} is neither", mend="write yes, or leave it empty")
    return GivenRow(
        place=place,
        locale=row.get("locale", "").strip(),
        line=row.get("line", "").strip(),
        source=row.get("source", ""),
        translation=row.get("translation", ""),
        is_approved=approved in _YES,
        approved_by=" ".join(row.get("approved_by", "").split()),
        columns=_NAMES,
    )


def _tamed(cell: str) -> str:
    """An apostrophe of the text's own gets another, so that `_untamed` gives back what there was."""
    return f"'{cell}" if cell[:1] and cell[0] in _FORMULA + "'" else cell


def _untamed(cell: str) -> str:
    return cell[1:] if cell[:1] == "'" and cell[1:2] and cell[1] in _FORMULA + "'" else cell
