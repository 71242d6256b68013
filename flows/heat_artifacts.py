"""Heat maps on a run's page in Prefect, as Markdown tables: a run's languages by checks, a batch's titles by languages.

As in flows/verdict_artifacts.py no finding's words stand here. Only what is not ok is a column, and the table is cut at
what a page still shows: the pages beside the results have all of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from dub.finding import AWAITING_APPROVAL, Level
from dub.report_rows import label_of
from flows.batch_heat import ending_of
from flows.dub_batch import BatchReport
from flows.outcome import RunReport

MOST_ROWS, MOST_COLUMNS = 150, 30
SIGNS = {str(Level.OK): "", str(Level.DEGRADED): "!", str(Level.FAILED): "✕", AWAITING_APPROVAL: "…"}
Row = tuple[str, str, Mapping[str, str]]
"""Its name, how it ended, and how each column ended."""
_WORST_FIRST = (str(Level.FAILED), AWAITING_APPROVAL, str(Level.DEGRADED), str(Level.OK))
_LEGEND = "✕ failed, ! needs a look, … awaiting approval; an empty cell is ok or was not asked for"


def run_heat(report: RunReport) -> str:
    """A row per language, a column per check that is not ok in one of them."""
    rows = [
        (str(outcome.locale), outcome.ending, {check: str(level) for check, level in outcome.bad_checks.items()})
        for outcome in report.outcomes
    ]
    return _table("language", rows, label_of)


def batch_heat(report: BatchReport) -> str:
    """A row per title, a column per language that is not ok in one of them."""
    rows = [
        (title.title, ending_of(title), {str(each.locale): each.ending for each in title.outcomes})
        for title in report.titles
    ]
    return _table("title", rows, str)


def _table(of_rows: str, rows: Sequence[Row], label: Callable[[str], str]) -> str:
    """The rows in their order but the worst first, the columns with most that is not ok first."""
    n_bad = Counter(column for _, _, cells in rows for column, ending in cells.items() if SIGNS[ending])
    columns = [column for column, _ in n_bad.most_common(MOST_COLUMNS)]
    shown = sorted(rows, key=lambda row: _WORST_FIRST.index(row[1]))[:MOST_ROWS]
    lines = [
        _line([of_rows, "verdict", *(_plain(label(column)) for column in columns)]),
        _line(["---"] * (2 + len(columns))),
        *(
            _line([_plain(name), ending, *(SIGNS[cells.get(column, Level.OK)] for column in columns)])
            for name, ending, cells in shown
        ),
    ]
    left_out = [
        f"{n} more {what} left out"
        for n, what in ((len(rows) - len(shown), f"{of_rows}s"), (len(n_bad) - len(columns), "columns"))
        if n
    ]
    return "\n".join([*lines, "", ". ".join([_LEGEND, *left_out]) + "."])


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _plain(text: str) -> str:
    """A user's name as it is: in a code span nothing is markup, but a bar still ends a table's cell."""
    flat = " ".join(text.split())
    return "`" + flat.replace("`", "'").replace("|", "\\|") + "`"
