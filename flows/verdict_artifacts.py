"""A run's end on its page in Prefect: the verdicts as a table, languages by checks, the mouths as pictures.

Prefect's server keeps artifacts, and many may read them: numbers, names of checks and ids of lines stand here, never a
finding's words, which may quote what is said. Those are in the report.
"""

from __future__ import annotations

from typing import Any

from dub.bucket import Bucket
from dub.effort_rows import duration, money
from dub.finding import Finding
from dub.location import S3Url
from dub.report_rows import label_of, number
from flows.heat_artifacts import run_heat
from flows.outcome import LocaleOutcome, RunReport

LINK_SECONDS = 24 * 3600
MOST_PICTURES = 24


def tell_verdicts(report: RunReport) -> None:
    """Write the three artifacts. To be called in a flow run."""
    from prefect.artifacts import create_markdown_artifact, create_table_artifact

    where = f"Report: {_code(report.html)}"
    create_table_artifact(key="verdicts", description=where, table=verdict_rows(report))
    create_markdown_artifact(key="heat-map", description=where, markdown=run_heat(report))
    create_markdown_artifact(key="mouths", description=where, markdown=mouths_page(report))


def verdict_rows(report: RunReport) -> list[dict[str, Any]]:
    """A row per language, all with the same columns. The page renders strings as Markdown."""
    return [_row(report, outcome) for outcome in report.outcomes]


def _row(report: RunReport, outcome: LocaleOutcome) -> dict[str, Any]:
    effort = outcome.effort
    return {
        "locale": outcome.locale,
        "verdict": outcome.ending,
        "worst finding": _worst(outcome.worst),
        "video": duration(effort.output_s) if effort.output_s else "–",
        "work": duration(effort.work_s),
        "cost": money(effort.cost, effort.currency),
        "file": _link(report, outcome.files[0]) if outcome.files else "–",
    }


def _worst(finding: Finding | None) -> str:
    if finding is None:
        return "–"
    line = f", line {finding.utterance_id}" if finding.utterance_id else ""
    limit = "" if finding.limit is None else f", limit {number(finding.limit, finding.unit)}"
    value = "" if finding.value is None else f": {number(finding.value, finding.unit)}{limit}"
    return f"{label_of(finding.check)}{line}{value}"


def mouths_page(report: RunReport) -> str:
    """Markdown: per language the sheet of its worst mouth moments, source above dub. Of results in S3 the pictures show
    for a day by presigned links; of a folder's it is said where they lie, since a browser elsewhere cannot see them."""
    shown = [outcome for outcome in report.outcomes if outcome.mouths]
    if not shown:
        return "No mouth was moved in this title, so there are no pictures of one."
    lines = []
    for outcome in shown[:MOST_PICTURES]:
        place = report.html.parent / outcome.mouths
        picture = f"![{outcome.locale}]({_presigned(place)})" if isinstance(place, S3Url) else _code(place)
        lines += [f"### {outcome.locale}", picture, ""]
    if len(shown) > MOST_PICTURES:
        lines.append(f"{len(shown) - MOST_PICTURES} more lie beside the report.")
    return "\n".join(lines)


def _link(report: RunReport, name: str) -> str:
    place = report.html.parent / name
    return f"[{_code(name)}]({_presigned(place)})" if isinstance(place, S3Url) else _code(place)


def _presigned(place: S3Url) -> str:
    return Bucket(place.bucket).presigned(place.key, LINK_SECONDS)


def _code(text: object) -> str:
    """A user's name or path in Markdown, as it is."""
    return "`" + str(text).replace("`", "'") + "`"
