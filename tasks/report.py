"""The report over all languages of a title, to be opened from disk: the verdicts, then the evidence; and its tables."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from dub.artifact import Artifact, Record
from dub.dubbed_locale import DubbedLocale
from dub.finding import Review
from dub.gates import DEFAULT_GATES
from dub.heat_map import Before
from dub.plan import Plan
from dub.report_rows import tally
from dub.review_tables import csv_bytes, finding_table, summary_table
from dub.script import DubScript
from dub.source import Source
from dub.stage import Desk, stage
from dub.store import Store
from tasks.report_facts import engine_rows, seconds_rows, source_facts, title_facts
from tasks.report_pages import href, language_page, page_environment, policy_of, style_and_code
from tasks.report_views import effort_view, heat_view, locale_view, verdict_of

if TYPE_CHECKING:
    import pandas

MOST_ON_ONE_PAGE = 8
"""With more languages than this, each has a page of its own: a browser takes seconds to open 140 at once."""


class Report(Record):
    """`html`: self-contained, but for the videos beside it. `pages`: by locale, where languages have their own. `csv`,
    `json_table`: a row per language; `findings_csv`, `findings_parquet`: a row per finding of every language."""

    html: Artifact
    csv: Artifact
    json_table: Artifact
    findings_csv: Artifact
    findings_parquet: Artifact
    pages: dict[str, Artifact] = {}

    def files(self, title: str) -> dict[str, Artifact]:
        """What is to be published, by name."""
        tables = {
            "report.html": self.html, "report.csv": self.csv, "report.json": self.json_table,
            "report.findings.csv": self.findings_csv, "report.findings.parquet": self.findings_parquet,
        }  # fmt: skip
        return tables | {language_page(title, locale): page for locale, page in self.pages.items()}


@stage(version=6)
def report(
    desk: Desk,
    title: str,
    source: Source,
    script: DubScript,
    dubs: tuple[DubbedLocale, ...],
    *,
    source_video: str = "",
    seconds: dict[str, float] = {},  # noqa: B006  a frozen default, as pydantic copies it
    plan: Plan | None = None,
    families: tuple[str, ...] = (),
) -> Report:
    """Put all reviews on one page, or on one each and an overview.

    Takes what the flow published: `dubs` in the order of the targets, `source_video`: the file that the source's
    player shows (relative, `` for none), `seconds`: work per stage shared by all languages, `families`: those of the
    plan's engines that had a part in it, () for all. Returns HTML without any reference to the network; every text of
    the user's is escaped, and the page's own policy lets no other script run. Costs milliseconds per language.
    """
    store = desk.open_store()
    pages = _Pages(store, title, source, script, dubs, source_video, seconds, plan, families)
    reviews = [dub.review for dub in dubs]
    summary, findings = summary_table(reviews, (dub.effort for dub in dubs)), finding_table(reviews)
    parquet = io.BytesIO()
    findings.to_parquet(parquet, index=False)
    return Report(
        html=store.put_bytes(pages.run().encode(), "text/html"),
        csv=store.put_bytes(csv_bytes(summary), "text/csv"),
        json_table=store.put_bytes(
            summary.to_json(orient="records", force_ascii=False, indent=1).encode(), "application/json"
        ),
        findings_csv=store.put_bytes(csv_bytes(findings), "text/csv"),
        findings_parquet=store.put_bytes(parquet.getvalue(), "application/vnd.apache.parquet"),
        pages={locale: store.put_bytes(page.encode(), "text/html") for locale, page in pages.languages().items()},
    )


def _json_of(table: pandas.DataFrame) -> str:
    text: str = table.to_json(orient="records", force_ascii=False, indent=1)
    return text + "\n"


def review_json(review: Review, before: Before | None = None) -> str:
    """One language's review as JSON: the record, its verdict and how it ended before beside it, figures by digest."""
    facts = {"verdict": review.ending, "before": before and before.model_dump(mode="json")}
    facts |= review.model_dump(mode="json")
    return json.dumps(facts, ensure_ascii=False, indent=1) + "\n"


class _Pages:
    """A run's pages: what they have in common is worked out once."""

    def __init__(
        self,
        store: Store,
        title: str,
        source: Source,
        script: DubScript,
        dubs: tuple[DubbedLocale, ...],
        source_video: str,
        seconds: Mapping[str, float],
        plan: Plan | None,
        families: tuple[str, ...],
    ) -> None:
        from markupsafe import Markup

        style, code = style_and_code("tables.js", "player.js")
        self.plan, self.dubs, self.families = plan, dubs, families
        self.has_pages = len(dubs) > MOST_ON_ONE_PAGE
        gates = plan.limits() if plan else DEFAULT_GATES
        self.locales = [locale_view(store, script, dub, place, gates) for place, dub in enumerate(dubs)]
        for view in self.locales:
            view["href"] = href(language_page(title, view["tag"])) if self.has_pages else ""
        self.environment = page_environment()
        self.environment.globals |= {
            "title": title,
            "policy": policy_of(code),
            "css": Markup(style),
            "script": Markup(code),
            "facts": title_facts(source, script),
            "has_pages": self.has_pages,
            "run_href": href("report.html"),
            "source_video": href(source_video),
            "source_tag": str(script.source_locale),
            "shape": f"{float(source.video.width_px * source.video.pixel_aspect / source.video.height_px):.4f}",
            "source_facts": source_facts(source, script),
            "duration_s": f"{float(source.video.duration):.2f}",
        }
        self.of_run: dict[str, Any] = {
            "locales": self.locales,
            "tally": tally(dub.review for dub in dubs),
            "heat": heat_view(dubs, [view["href"] for view in self.locales]),
            "levels": {verdict_of(dub.review) for dub in dubs},
            "engines": self._engines(dubs),
            "shared_seconds": seconds_rows(seconds),
            "effort": effort_view(dubs),
        }

    def _engines(self, dubs: Iterable[DubbedLocale]) -> list[dict[str, str]]:
        return engine_rows(self.plan, dubs, self.families) if self.plan else []

    def run(self) -> str:
        return self.environment.get_template("page.html").render(self.of_run)

    def languages(self) -> dict[str, str]:
        """By locale; empty where all stand on the run's page."""
        page = self.environment.get_template("language_page.html")
        if not self.has_pages:
            return {}
        return {
            view["tag"]: page.render(locale=view, engines=self._engines([dub]))
            for view, dub in zip(self.locales, self.dubs, strict=True)
        }
