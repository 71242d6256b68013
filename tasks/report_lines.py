"""The lines of one language as the report shows them: what was said, what is said now, what was heard, and how well."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dub.dubbed_locale import DubbedLocale
from dub.finding import Level
from dub.report_rows import differences, finding_rows
from dub.script import DubScript

MISSING = "–"
Row = dict[str, Any]
"""A line as the review measured it."""


@dataclass(frozen=True)
class LineNumber:
    """A column of numbers. `of`: a line's value, None where there is none. `show`: as text, of a line that has one.
    `is_high_bad`: what a first choice of its heading sorts to the top."""

    label: str
    of: Callable[[Row], float | None]
    show: Callable[[Row], str]
    is_high_bad: bool = True


def _value(name: str) -> Callable[[Row], float | None]:
    def of(row: Row) -> float | None:
        value = row.get(name)
        return float(value) if isinstance(value, (int, float)) else None

    return of


def _closed_share(row: Row) -> float | None:
    return row["n_closed"] / row["n_bilabials"] if row.get("n_bilabials") else None


NUMBERS = (
    LineNumber("Misheard", _value("word_error"), lambda row: f"{100 * row['word_error']:.0f} %"),
    LineNumber("Stretch", _value("stretch_ratio"), lambda row: f"{row['stretch_ratio']:.2f}×"),
    LineNumber("Speed", _value("speed"), lambda row: f"{row['speed']:.2f}×"),
    LineNumber(
        "Overrun", _value("overrun_s"), lambda row: f"{row['overrun_s']:.2f} s" if row["overrun_s"] else MISSING
    ),
    LineNumber(
        "Voice likeness", _value("voice_similarity"), lambda row: f"{row['voice_similarity']:.2f}", is_high_bad=False
    ),
    LineNumber("Lips closed", _closed_share, lambda row: f"{row['n_closed']}/{row['n_bilabials']}", is_high_bad=False),
)
OPTIONAL = {"Voice likeness"}
"""Measured by some plans only: a column of nothing but dashes would say less than none."""


def lines_view(script: DubScript, dub: DubbedLocale) -> dict[str, Any]:
    """`numbers`: the columns; `rows`: a line each. Before a review there are the script and its translation."""
    translated = {line.utterance_id: line.text for line in dub.translation.lines} if dub.translation else {}
    measured: dict[str, Row] = {str(line.get("utterance_id")): dict(line) for line in dub.review.lines}
    if not measured and not translated:
        return {"numbers": [], "rows": []}
    placed = {take.utterance_id: take for take in dub.timeline.placed} if dub.timeline else {}
    for utterance_id, take in placed.items():
        own = {"stretch_ratio": take.stretch_ratio, "speed": take.speed}
        measured[utterance_id] = own | measured.get(utterance_id, {})  # a dub made elsewhere has rows without them
    columns = [
        column
        for column in NUMBERS
        if column.label not in OPTIONAL or any(column.of(row) is not None for row in measured.values())
    ]
    levels = _levels(dub)
    rows = []
    for utterance in script.utterances:
        line = measured.get(utterance.id, {})
        take = placed.get(utterance.id)
        target = take.text if take else translated.get(utterance.id, "")
        if line.get("target", target) is None:  # of a dub made elsewhere only what is heard is known
            target = ""
        heard, start_s = line.get("heard"), _value("start_s")(line)
        start_s = float(utterance.span.start) if start_s is None else start_s
        rows.append(
            {
                "id": utterance.id,
                "level": levels.get(utterance.id, "ok"),
                "start_s": f"{start_s:.3f}",
                "clock": f"{int(start_s) // 60}:{start_s % 60:04.1f}",
                "source": utterance.text,
                "target": target,
                "back": line.get("translated_back") or "",
                "heard": differences(target or str(heard), str(heard)) if heard is not None else (),
                "numbers": [_cell(column, line) for column in columns],
            }
        )
    heads = [
        {"label": column.label, "first": "descending" if column.is_high_bad else "ascending"} for column in columns
    ]
    return {"numbers": heads, "rows": rows}


def _cell(column: LineNumber, line: Row) -> dict[str, str]:
    value = column.of(line)
    if value is None:
        return {"label": column.label, "text": MISSING, "sort": ""}
    return {"label": column.label, "text": column.show(line), "sort": f"{value:g}"}


def _levels(dub: DubbedLocale) -> dict[str, str]:
    """The worst that was found of each line that is not ok."""
    levels: dict[str, str] = {}
    for finding in reversed(finding_rows(dub.review.findings)):
        if finding.utterance_id and finding.level is not Level.OK:
            levels[finding.utterance_id] = str(finding.level)
    return levels
