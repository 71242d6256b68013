"""What the report's pages show, as plain values for their templates. No HTML but the figures, which we drew."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from dub.dubbed_locale import DubbedLocale
from dub.effort import total
from dub.effort_rows import COST_HEADINGS, HEADINGS, cells, sentence
from dub.finding import Level, Review
from dub.gates import DEFAULT_GATES, Gates
from dub.heat_map import HeatCell, changes, heat_map
from dub.report_rows import (
    WORDS_OF_LEVEL,
    FindingRow,
    SoundRow,
    coverage,
    finding_rows,
    key_numbers,
    label_of,
    number,
    sound_rows,
    worst_findings,
)
from dub.script import DubScript, Timeline
from dub.store import Store
from tasks.report_facts import made_of, name_of, seconds_rows
from tasks.report_lines import lines_view
from tasks.report_pages import href

N_WORST = 3
RANKS = {"ok": 0, "awaiting": 1, "degraded": 2, "failed": 3}
"""Of verdicts, for sorting: the worse, the higher."""


def locale_view(
    store: Store, script: DubScript, dub: DubbedLocale, number_of: int, gates: Gates = DEFAULT_GATES
) -> dict[str, Any]:
    from markupsafe import Markup

    review = dub.review
    n_bad = sum(finding.level is not Level.OK for finding in review.findings)
    worst, rows = worst_findings(review, N_WORST), finding_rows(review.findings, gates)
    figures = {
        name: Markup(store.read_bytes(artifact).decode())
        for name, artifact in review.figures.items()
        if artifact.media_type == "image/svg+xml"
    }
    return {
        "anchor": f"locale-{number_of}",
        "name": name_of(dub.locale),
        "tag": str(dub.locale),
        "verdict": verdict_of(review),
        "key_numbers": [
            {"label": item.label, "text": item.text, "level": item.level and str(item.level)}
            for item in key_numbers(review)
        ],
        "worst": [_row(row) for row in finding_rows(worst, gates)],
        "n_more": n_bad - len(worst),
        "video": href(dub.video),
        "files": [
            (href(name), kind) for name, kind in ((dub.srt, "SRT"), (dub.vtt, "VTT"), (dub.video, "MP4")) if name
        ],
        "cues": Markup(_json(_cues(dub.timeline))),
        "timeline": figures.get("timeline", ""),
        "aperture": figures.get("aperture", ""),
        "mouths": figures.get("mouths", ""),
        "lines": lines_view(script, dub),
        "sound": [_row(row) for row in sound_rows(review, gates)],
        "coverage": coverage(review),
        "checks": [_row(row) for row in rows if row.level is not Level.OK],
        "passed": [_row(row) for row in rows if row.level is Level.OK],
        "numbers": [
            (name.replace("_", " "), number(value) if isinstance(value, float) else value)
            for name, value in review.metrics.items()
            if value is not None and not name.startswith("frames, ")
        ],
        "seconds": seconds_rows(dub.seconds),
        "effort": sentence(dub.effort),
        "made_of": made_of(dub),
    }


def verdict_of(review: Review) -> str:
    return "awaiting" if review.awaits_approval else str(review.verdict)


def heat_view(dubs: tuple[DubbedLocale, ...], hrefs: Sequence[str]) -> dict[str, Any]:
    """Languages by checks, in the order of the languages. `hrefs`: each one's page, "" for this one."""
    columns, rows = heat_map([dub.review for dub in dubs])
    return {
        "heading": "Languages by checks",
        "of_rows": "Language",
        "of_columns": "check",
        "search": "name or tag",
        "hint": "a filled square is within its limit, an outlined one had nothing to measure. Choose a heading to sort "
        "by it, a square to read what was found.",
        "has_column_filter": False,
        "facts": ["Since last run"],
        "columns": [{"label": column.label, "name": ""} for column in columns],
        "rows": [
            {
                "href": f"{hrefs[place]}#locale-{place}",
                "name": name_of(dub.locale),
                "tag": str(dub.locale),
                "verdict": verdict_of(dub.review),
                "rank": RANKS[verdict_of(dub.review)],
                "facts": [_since(dub)],
                "cells": [_heat_cell(cell, f"{hrefs[place]}#locale-{place}-checks") for cell in cells],
            }
            for place, (dub, cells) in enumerate(zip(dubs, rows, strict=True))
        ],
    }


def _heat_cell(cell: HeatCell, address: str) -> dict[str, Any]:
    """Where all is well there is nothing to read, so nothing to choose."""
    is_bad = cell.level not in (None, Level.OK)
    kind = "" if cell.level is None else str(cell.level) if is_bad or cell.is_measured else "none"
    said = cell.said if is_bad else cell.text
    return {"kind": kind, "rank": cell.rank, "said": said, "href": address if is_bad else "", "name": said}


def _since(dub: DubbedLocale) -> dict[str, Any]:
    """What has changed against the last run, in a word, as a number to sort by, and check by check."""
    if dub.before is None:
        return {"text": "new", "rank": 0, "said": ""}
    changed = changes(dub.before, dub.review)
    n_better = sum(change.is_better for change in changed)
    n_worse = len(changed) - n_better
    parts = [f"{n} {word}" for n, word in ((n_worse, "worse"), (n_better, "better")) if n]
    told = "; ".join(
        f"{label_of(change.check)}: {WORDS_OF_LEVEL[change.before]} → {WORDS_OF_LEVEL[change.now]}"
        for change in changed
    )
    return {"text": ", ".join(parts) or "as before", "rank": n_worse - n_better, "said": told}


def effort_view(dubs: tuple[DubbedLocale, ...]) -> dict[str, Any]:
    """A row per language and one for all, under their headings; no rows where nothing is known."""
    whole = total(dub.effort for dub in dubs)
    has_prices = whole.cost is not None
    rows = [(name_of(dub.locale), str(dub.locale), cells(dub.effort, has_prices=has_prices)) for dub in dubs]
    if len(dubs) > 1:
        rows.append(("All languages", "", cells(whole, has_prices=has_prices)))
    return {"headings": HEADINGS + (COST_HEADINGS if has_prices else ()), "rows": rows if whole.work_s else []}


def _row(row: FindingRow | SoundRow) -> dict[str, str]:
    return {name: str(getattr(row, name)) for name in row.__dataclass_fields__}


def _cues(timeline: Timeline | None) -> list[dict[str, Any]]:
    from dub.check_timing import span_of

    if timeline is None:
        return []
    return [
        {
            "id": take.utterance_id,
            "start": round(float(span_of(take).start), 3),
            "end": round(float(span_of(take).end), 3),
            "text": take.text,
        }
        for take in timeline.placed
    ]


def _json(value: Any) -> str:
    """JSON that cannot end the script element it stands in."""
    return json.dumps(value, ensure_ascii=False).replace("<", "\\u003c").replace("&", "\\u0026")
