"""Locales x checks as tables, for spreadsheets and for other programs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dub.effort import Effort
from dub.effort_rows import columns
from dub.finding import Level, Review
from dub.report_rows import worst_findings

if TYPE_CHECKING:
    import pandas

_SEVERITY = {Level.OK: 0, Level.DEGRADED: 1, Level.FAILED: 2}


def summary_table(reviews: Iterable[Review], efforts: Iterable[Effort] = ()) -> pandas.DataFrame:
    """One row per locale: verdict, why, what it took to make (`efforts`: one per review, or none), then every metric
    any locale has. Missing numbers stay empty, never 0."""
    import pandas

    took = [columns(effort) for effort in efforts]

    rows = [
        {
            "locale": str(review.locale),
            "verdict": review.ending,
            "n_failed": sum(finding.level is Level.FAILED for finding in review.findings),
            "n_degraded": sum(finding.level is Level.DEGRADED for finding in review.findings),
            "why": " | ".join(finding.message for finding in worst_findings(review)),
            **(took[number] if took else {}),
            **review.metrics,
        }
        for number, review in enumerate(reviews)
    ]
    return pandas.DataFrame(rows)


def check_table(reviews: Iterable[Review]) -> pandas.DataFrame:
    """One row per locale, one column per check: the worst level found; empty where the check did not run."""
    import pandas

    cells: dict[str, dict[str, str]] = {}
    for review in reviews:
        row = cells.setdefault(str(review.locale), {})
        for finding in sorted(review.findings, key=lambda finding: _SEVERITY[finding.level]):
            row[finding.check] = str(finding.level)
    return pandas.DataFrame.from_dict(cells, orient="index").rename_axis("locale")


def finding_table(reviews: Iterable[Review]) -> pandas.DataFrame:
    """One row per finding of every locale."""
    import pandas

    columns = ["locale", "level", "check", "utterance_id", "value", "limit", "unit", "message"]
    rows = [
        {"locale": str(review.locale)} | {name: getattr(finding, name) for name in columns[1:]}
        for review in reviews
        for finding in review.findings
    ]
    return pandas.DataFrame(rows, columns=columns)


def csv_bytes(table: pandas.DataFrame, *, index: bool = False) -> bytes:
    """UTF-8 CSV with a byte order mark, which spreadsheets need to read accents. Cells that a spreadsheet would run
    as a formula get an apostrophe in front (CWE-1236)."""

    def tamed(cell: object) -> object:
        return f"'{cell}" if isinstance(cell, str) and cell.startswith(tuple("=+-@\t\r")) else cell

    text: str = table.map(tamed).to_csv(index=index, lineterminator="\n")
    return text.encode("utf-8-sig")
