"""Languages by checks: which check found what in which language, and what has changed since the last run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dub.artifact import Record
from dub.finding import Finding, Level, Review
from dub.gates import Gates
from dub.report_rows import label_of, number

_SEVERITY = {Level.OK: 0, Level.DEGRADED: 1, Level.FAILED: 2}
NOT_MEASURED = "Not measured"


@dataclass(frozen=True)
class HeatCell:
    """One check in one language. `level` None: the check did not run. `is_measured`: it ran and had something to
    measure. `n_bad`: findings that are not ok. `said`: the worst finding's message."""

    level: Level | None = None
    is_measured: bool = False
    value: float | None = None
    text: str = ""
    n_bad: int = 0
    said: str = ""

    @property
    def rank(self) -> int:
        """For sorting: the worse, the higher; what did not run is lowest."""
        return -1 if self.level is None else 2 * _SEVERITY[self.level] + self.is_measured


@dataclass(frozen=True)
class HeatColumn:
    """A check: its name in findings, its label for people, and in how many languages it was not ok."""

    check: str
    label: str
    n_bad: int


def heat_map(reviews: Sequence[Review]) -> tuple[tuple[HeatColumn, ...], tuple[tuple[HeatCell, ...], ...]]:
    """(columns, a row of cells per review, in their order). Columns: every check that ran anywhere, in the order of
    the gates, those without a limit after them."""
    found = [_by_check(review.findings) for review in reviews]
    ran = {check for checks in found for check in checks}
    order = [check for check in Gates.model_fields if check in ran]
    order += sorted(ran - set(order))
    rows = tuple(tuple(_cell(checks.get(check, [])) for check in order) for checks in found)
    columns = tuple(
        HeatColumn(check, label_of(check), sum(row[place].level not in (None, Level.OK) for row in rows))
        for place, check in enumerate(order)
    )
    return columns, rows


class Before(Record):
    """How the last run that came out otherwise ended: its verdict in words, and the worst level of each check."""

    ending: str
    levels: dict[str, Level] = {}

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Before:
        """Of a review as JSON. Raises KeyError, ValueError or TypeError for what is none."""
        levels: dict[str, Level] = {}
        for finding in told["findings"]:
            level = Level(finding["level"])
            levels[finding["check"]] = max(level, levels.get(finding["check"], level), key=_SEVERITY.__getitem__)
        return cls(ending=str(told["verdict"]), levels=levels)


@dataclass(frozen=True)
class Change:
    """A check whose level is another than before."""

    check: str
    before: Level
    now: Level

    @property
    def is_better(self) -> bool:
        return _SEVERITY[self.now] < _SEVERITY[self.before]


def changes(before: Before, now: Review) -> tuple[Change, ...]:
    """Checks that ran both times and came out otherwise, the worse ones first."""
    levels = {check: _worst(some).level for check, some in _by_check(now.findings).items()}
    changed = [
        Change(check, before.levels[check], level)
        for check, level in levels.items()
        if before.levels.get(check, level) != level
    ]
    return tuple(sorted(changed, key=lambda change: change.is_better))


def _by_check(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = {}
    for finding in findings:
        found.setdefault(finding.check, []).append(finding)
    return found


def _worst(findings: Sequence[Finding]) -> Finding:
    """The worst; of equals the one about the whole dub, then the first."""
    return max(findings, key=lambda finding: (_SEVERITY[finding.level], not finding.utterance_id))


def _cell(findings: Sequence[Finding]) -> HeatCell:
    if not findings:
        return HeatCell()
    worst = _worst(findings)
    return HeatCell(
        level=worst.level,
        is_measured=not worst.message.startswith(NOT_MEASURED),
        value=worst.value,
        text=number(worst.value, worst.unit),
        n_bad=sum(finding.level is not Level.OK for finding in findings),
        said=worst.message,
    )
