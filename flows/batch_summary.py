"""A batch's summary for people and machines: `batch-<when>.html`, `.csv` (a row per title and language) and `.json`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas

from dub.finding import AWAITING_APPROVAL, Level
from dub.location import S3Url
from dub.report_rows import WORDS_OF_LEVEL
from dub.review_tables import csv_bytes
from flows.batch_heat import batch_heat, ending_of, kind_of, title_href
from flows.dub_batch import BatchReport, TitleOutcome
from flows.publish import publish_text
from tasks.report_pages import page_environment, policy_of, style_and_code

WORDS = {**{str(level): words for level, words in WORDS_OF_LEVEL.items()}, AWAITING_APPROVAL: AWAITING_APPROVAL}
"""How a language ended, in a person's words; the best first."""
N_REASONS = 8
"""Languages whose reasons the page tells per title; the table has them all."""
N_ROWS = 10
"""Titles that need a person for one reason before the rest is folded away."""
HEADINGS = {
    str(Level.FAILED): "Failed: at least one language must not be published",
    AWAITING_APPROVAL: "Nothing is spoken before people have approved the lines",
    str(Level.DEGRADED): "Usable, a person should look",
}
"""What needs a person, the most urgent first."""


def publish_summary(report: BatchReport) -> Path | S3Url:
    """Write the three files into the batch's output place; returns where the page is."""
    page = page_of(report)
    name = page.stem
    publish_text(report.model_dump_json(indent=1) + "\n", report.out / f"{name}.json")
    publish_text(csv_bytes(summary_table(report)).decode(), report.out / f"{name}.csv")
    publish_text(_page(report, f"{name}.csv"), page)
    return page


def page_of(report: BatchReport) -> Path | S3Url:
    """Where the summary's page lies, named by when the batch was started (UTC)."""
    return report.out / f"batch-{datetime.fromisoformat(report.started):%Y-%m-%d-%H%M%S}.html"


def summary_table(report: BatchReport) -> pandas.DataFrame:
    """A row per title and language. `work_s`: what the language alone cost, whenever it was done; `took_s`: the whole
    title in this run."""
    rows = [
        {
            "title": title.title,
            "locale": outcome.locale,
            "verdict": outcome.ending,
            "status": title.status,
            "why": title.why,
            "reasons": " | ".join(outcome.reasons),
            "minutes": round(title.minutes, 3),
            "work_s": round(outcome.seconds, 1),
            "took_s": round(title.took_s, 1),
            "out": str(title.out),
            "video": outcome.files[0] if outcome.files else "",
        }
        for title in report.titles
        for outcome in title.outcomes
    ]
    return pandas.DataFrame(rows)


def headline(report: BatchReport) -> str:
    """`3 of 12 titles failed`, or what is best said first otherwise."""
    verdicts = Counter(title.verdict for title in report.titles)
    total = len(report.titles)
    if n_failed := verdicts[Level.FAILED]:
        return f"{n_failed} of {total} titles failed"
    if n_waiting := sum(title.awaits_approval for title in report.titles):
        return f"{n_waiting} of {total} titles await approval"
    if n_degraded := verdicts[Level.DEGRADED]:
        return f"{n_degraded} of {total} titles need a look"
    return f"all {total} titles are fine" if total > 1 else "the title is fine"


def counts(report: BatchReport) -> str:
    """`Titles: 2 new, 9 unchanged. Languages: ok 24, needs a look 3, failed 1.`"""
    statuses = Counter(title.status for title in report.titles)
    endings = Counter(outcome.ending for title in report.titles for outcome in title.outcomes)
    titles = ", ".join(f"{n} {status}" for status, n in statuses.most_common())
    languages = ", ".join(f"{words} {endings[ending]}" for ending, words in WORDS.items() if endings[ending])
    return f"Titles: {titles}. Languages: {languages}."


def _page(report: BatchReport, table: str) -> str:
    from markupsafe import Markup

    style, code = style_and_code("tables.js")
    run = [title for title in report.titles if title.status != "unchanged"]
    heat = batch_heat(report)
    return (
        page_environment(("flows", "batch_page"))
        .get_template("summary.html")
        .render(
            title=f"Batch of {_when(report.started)}",
            policy=policy_of(code),
            css=Markup(style),
            script=Markup(code),
            headline=headline(report)[:1].upper() + headline(report)[1:],
            counts=counts(report),
            manifest=str(report.manifest),
            started=_when(report.started),
            ended=_when(report.ended),
            table=quote(table),
            needs_a_person=[
                {"heading": heading, "titles": [_row(title, report) for title in run if ending_of(title) == ending]}
                for ending, heading in HEADINGS.items()
            ],
            most_rows=N_ROWS,
            fine=[_row(title, report) for title in run if ending_of(title) == Level.OK],
            unchanged=[title.title for title in report.titles if title.status == "unchanged"],
            heat=heat,
            levels={row["verdict"] for row in heat["rows"]},
        )
    )


def _when(moment: str) -> str:
    return moment.removesuffix("+00:00").replace("T", " ")


def _row(title: TitleOutcome, report: BatchReport) -> dict[str, Any]:
    endings = Counter(outcome.ending for outcome in title.outcomes)
    return {
        "name": title.title,
        "href": title_href(title, report),
        "level": kind_of(ending_of(title)),
        "status": title.status,
        "why": "" if title.status == "broken" else title.why,  # then it is the reason
        "counts": [(kind_of(ending), endings[ending]) for ending in reversed(WORDS) if endings[ending]],
        "reasons": list(_reasons(title)),
        "minutes": f"{title.minutes:.1f}" if title.minutes else "",
        "took": f"{title.took_s:.0f} s" if title.took_s else "",
    }


def _reasons(title: TitleOutcome) -> Iterable[tuple[str, str, str]]:
    """(locales, ending, reason), the worst first; languages with one reason in common are told together."""
    together: dict[tuple[str, str], list[str]] = {}
    for level in (Level.FAILED, AWAITING_APPROVAL, Level.DEGRADED):
        for outcome in title.outcomes:
            if outcome.ending == level:
                reason = outcome.reasons[0] if outcome.reasons else "see its report"
                together.setdefault((kind_of(level), reason), []).append(outcome.locale)
    told = [(", ".join(locales), level, reason) for (level, reason), locales in together.items()]
    more = len(told) - N_REASONS
    return [*told[:N_REASONS], ("", "degraded", f"and {more} more")] if more > 0 else told
