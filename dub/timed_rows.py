"""Timed scripts as tables: CSV, TSV and JSON read into cues."""

from __future__ import annotations

import csv
import io
import json
import re
from fractions import Fraction
from typing import Any

from dub.cue_fields import UNTIMED, fault, plain, span_between
from dub.subtitles import Cue

_NAMES = {
    "id": ("id", "utterance_id", "utterance"),
    "start": ("start", "start_s", "in", "from", "begin"),
    "end": ("end", "end_s", "out", "to"),
    "text": ("text", "translation", "line", "subtitle"),
    "speaker": ("speaker", "voice", "character"),
}


def parse_csv(text: str, file_name: str) -> list[Cue]:
    """Separated by commas, semicolons or tabs; the first row names the columns. Raises BadInput naming the line."""
    head = text.split("\n", 1)[0]
    delimiter = max((",", ";", "\t"), key=head.count)
    rows = csv.reader(io.StringIO(text), delimiter=delimiter)
    columns: list[str] = []
    cues: list[Cue] = []
    try:
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            if not columns:
                columns = _columns(row, file_name, rows.line_num)
                continue
            cues.append(_cue_of(_named(row, columns, file_name, rows.line_num), file_name, rows.line_num))
    except csv.Error as error:
        raise fault(file_name, rows.line_num, f"not CSV: {error}", 'quotes around text: "a, b"') from error
    return cues


def _columns(row: list[str], file_name: str, number: int) -> list[str]:
    columns = [_field(cell) for cell in row]
    if "text" not in columns or not ({"start", "end"} <= set(columns) or "id" in columns):
        raise fault(file_name, number, f"the columns are {', '.join(row)}", "start,end,text or id,text")
    return columns


def _named(row: list[str], columns: list[str], file_name: str, number: int) -> dict[str, str]:
    if len(row) > len(columns):
        what = f"{len(row)} cells for {len(columns)} columns"
        raise fault(file_name, number, what, 'quote text with commas: "a, b"')
    return dict(zip(columns, row, strict=False))


def parse_json(text: str, file_name: str) -> list[Cue]:
    """A list of lines, or an object that has one. Raises BadInput naming the line or the entry."""
    try:
        table = json.loads(text)
    except json.JSONDecodeError as error:
        form = '[{"start": 0.5, "end": 2, "text": "..."}]'
        raise fault(file_name, error.lineno, f"not JSON: {error.msg}", form) from error
    except RecursionError as error:
        raise fault(file_name, 1, "nested too deep", '[{"start": 0.5, "end": 2, "text": "..."}]') from error
    if isinstance(table, dict):
        table = next((table[name] for name in ("utterances", "lines", "cues", "segments") if name in table), None)
    if not isinstance(table, list) or not all(isinstance(row, dict) for row in table):
        raise fault(file_name, 1, "no list of lines", '[{"start": 0.5, "end": 2, "text": "..."}]')
    return [_cue_of(_flat(row), file_name, number, "entry") for number, row in enumerate(table, start=1)]


def _flat(row: dict[str, Any]) -> dict[str, str]:
    span = row.get("span")
    fields = {**row, **(span if isinstance(span, dict) else {})}
    return {_field(name): _as_text(value) for name, value in fields.items() if isinstance(value, str | int | float)}


def _as_text(value: str | int | float) -> str:
    if isinstance(value, str) and re.fullmatch(r"\d+/0*[1-9]\d*", value):  # a record's exact time
        return str(float(Fraction(value)))
    return str(value)


def _field(name: str) -> str:
    bare = name.strip().casefold()
    return next((field for field, names in _NAMES.items() if bare in names), bare)


def _cue_of(row: dict[str, str], file_name: str, number: int, where: str = "line") -> Cue:
    span = UNTIMED
    if row.get("start", "").strip() or row.get("end", "").strip():
        span = span_between(row.get("start", ""), row.get("end", ""), file_name, number, where)
    elif not row.get("id", "").strip():
        raise fault(file_name, number, "neither times nor an id", "start,end,text or id,text", where)
    return Cue(
        span=span,
        text=plain(row.get("text", "")),
        id=row.get("id", "").strip(),
        speaker=row.get("speaker", "").strip(),
        line=number,
    )
