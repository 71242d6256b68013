"""One page over all languages of a title, to be opened from disk: the verdicts, then the evidence."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Any, get_args
from urllib.parse import quote

from dub.artifact import Artifact, Record
from dub.effort import Effort, total
from dub.effort_rows import COST_HEADINGS, HEADINGS, cells, sentence
from dub.finding import AWAITING_APPROVAL, Finding, Level, Review
from dub.heat_map import Before, changes, heat_map
from dub.plan import Plan
from dub.report_rows import (
    WORDS_OF_LEVEL,
    FindingRow,
    coverage,
    differences,
    finding_rows,
    key_numbers,
    label_of,
    number,
    tally,
    worst_findings,
)
from dub.review_tables import csv_bytes, summary_table
from dub.script import DubScript, Timeline, Translation
from dub.source import Source
from dub.stage import Desk, stage
from dub.store import Store
from engines.spec import Family
from lang.bcp47 import Locale

N_WORST = 3
MAX_EAGER_LOCALES = 8
"""With more languages than this, a player loads its video only when it is played."""


class DubbedLocale(Record):
    """One language's end, good or bad. File names are relative to the report; `` for what was never made. `before`:
    how it ended in the last run that came out otherwise, None where there was none."""

    locale: Locale
    review: Review
    video: str = ""
    vtt: str = ""
    srt: str = ""
    translation: Translation | None = None
    timeline: Timeline | None = None
    seconds: dict[str, float] = {}
    effort: Effort = Effort()
    mouths: str = ""
    before: Before | None = None


class Report(Record):
    """`html`: one self-contained page, but for the videos beside it. `csv`: one row per language."""

    html: Artifact
    csv: Artifact


@stage(version=4)
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
) -> Report:
    """Put all reviews on one page.

    Takes what the flow published: `dubs` in the order of the targets, `source_video`: the file that the source's
    player shows (relative, `` for none), `seconds`: work per stage shared by all languages. Returns HTML without
    any reference to the network; every text of the user's is escaped, and the page's own policy lets no other
    script run. Costs milliseconds per language.
    """
    store = desk.open_store()
    html = _page(store, title, source, script, dubs, source_video, seconds, plan)
    table = summary_table((dub.review for dub in dubs), (dub.effort for dub in dubs))
    return Report(
        html=store.put_bytes(html.encode(), "text/html"),
        csv=store.put_bytes(csv_bytes(table), "text/csv"),
    )


def review_json(review: Review, before: Before | None = None) -> str:
    """One language's review as JSON: the record, its verdict and how it ended before beside it, figures by digest."""
    facts = {"verdict": review.ending, "before": before and before.model_dump(mode="json")}
    facts |= review.model_dump(mode="json")
    return json.dumps(facts, ensure_ascii=False, indent=1) + "\n"


def _page(
    store: Store,
    title: str,
    source: Source,
    script: DubScript,
    dubs: tuple[DubbedLocale, ...],
    source_video: str,
    seconds: Mapping[str, float],
    plan: Plan | None,
) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    page = Environment(
        loader=PackageLoader("tasks", "report_page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    files = resources.files("tasks") / "report_page"
    style, *scripts = (files.joinpath(name).read_text("utf-8") for name in ("page.css", "tables.js", "player.js"))
    code = '"use strict";\n' + "\n".join(f"{{\n{each}}}" for each in scripts)
    words_of_level = {str(level): words for level, words in WORDS_OF_LEVEL.items()}
    page.globals["words_of_level"] = words_of_level | {"awaiting": AWAITING_APPROVAL}
    page.globals["signs"] = {"ok": "✓", "degraded": "!", "failed": "✕", "awaiting": "…"}
    macros = page.get_template("macros.html").module
    for name in ("chip", "sign", "checks"):
        page.globals[name] = getattr(macros, name)
    return page.get_template("page.html").render(
        title=title,
        policy=_policy(code),
        css=Markup(style),
        script=Markup(code),
        facts=_facts(source, script),
        locales=[_locale(store, script, dub, number_of) for number_of, dub in enumerate(dubs)],
        tally=tally(dub.review for dub in dubs),
        heat=_heat(dubs),
        levels={_verdict(dub.review) for dub in dubs},
        source_video=_href(source_video),
        source_tag=str(script.source_locale),
        shape=f"{float(source.video.width_px * source.video.pixel_aspect / source.video.height_px):.4f}",
        duration_s=f"{float(source.video.duration):.2f}",
        preload="metadata" if len(dubs) <= MAX_EAGER_LOCALES else "none",
        engines=_engines(plan, dubs) if plan else [],
        source_facts=_source_facts(source, script),
        shared_seconds=_seconds(seconds),
        effort=_effort(dubs),
    )


def _policy(code: str) -> str:
    """Nothing is fetched but the videos beside the page; no script runs but the page's own."""
    digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
    return (
        "default-src 'none'; media-src 'self' file:; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


def _locale(store: Store, script: DubScript, dub: DubbedLocale, number_of: int) -> dict[str, Any]:
    from markupsafe import Markup

    review = dub.review
    n_bad = sum(finding.level is not Level.OK for finding in review.findings)
    worst = worst_findings(review, N_WORST)
    figures = {
        name: Markup(store.read_bytes(artifact).decode())
        for name, artifact in review.figures.items()
        if artifact.media_type == "image/svg+xml"
    }
    return {
        "anchor": f"locale-{number_of}",
        "name": _name(dub.locale),
        "tag": str(dub.locale),
        "verdict": _verdict(review),
        "key_numbers": [
            {"label": item.label, "text": item.text, "level": item.level and str(item.level)}
            for item in key_numbers(review)
        ],
        "worst": [_finding(finding) for finding in worst],
        "n_more": n_bad - len(worst),
        "video": _href(dub.video),
        "files": [
            (_href(name), kind) for name, kind in ((dub.srt, "SRT"), (dub.vtt, "VTT"), (dub.video, "MP4")) if name
        ],
        "cues": Markup(_json(_cues(dub.timeline))),
        "timeline": figures.get("timeline", ""),
        "aperture": figures.get("aperture", ""),
        "mouths": figures.get("mouths", ""),
        "lines": _lines(script, dub),
        "coverage": coverage(review),
        "checks": [_row(row) for row in finding_rows(review.findings) if row.level is not Level.OK],
        "passed": [_row(row) for row in finding_rows(review.findings) if row.level is Level.OK],
        "numbers": [
            (name.replace("_", " "), number(value) if isinstance(value, float) else value)
            for name, value in review.metrics.items()
            if value is not None and not name.startswith("frames, ")
        ],
        "seconds": _seconds(dub.seconds),
        "effort": sentence(dub.effort),
    }


def _verdict(review: Review) -> str:
    return "awaiting" if review.awaits_approval else str(review.verdict)


def _heat(dubs: tuple[DubbedLocale, ...]) -> dict[str, Any]:
    """Languages by checks, in the order of the languages."""
    columns, rows = heat_map([dub.review for dub in dubs])
    return {
        "columns": columns,
        "rows": [
            {
                "anchor": f"locale-{place}",
                "name": _name(dub.locale),
                "tag": str(dub.locale),
                "verdict": _verdict(dub.review),
                "rank": ("ok", "awaiting", "degraded", "failed").index(_verdict(dub.review)),
                "cells": cells,
            }
            | _since(dub)
            for place, (dub, cells) in enumerate(zip(dubs, rows, strict=True))
        ],
    }


def _since(dub: DubbedLocale) -> dict[str, Any]:
    """What has changed against the last run, in a word, as a number to sort by, and check by check."""
    if dub.before is None:
        return {"since": "new", "since_rank": 0, "since_title": ""}
    changed = changes(dub.before, dub.review)
    n_better = sum(change.is_better for change in changed)
    n_worse = len(changed) - n_better
    parts = [f"{n} {word}" for n, word in ((n_worse, "worse"), (n_better, "better")) if n]
    told = "; ".join(
        f"{label_of(change.check)}: {WORDS_OF_LEVEL[change.before]} → {WORDS_OF_LEVEL[change.now]}"
        for change in changed
    )
    return {"since": ", ".join(parts) or "as before", "since_rank": n_worse - n_better, "since_title": told}


def _effort(dubs: tuple[DubbedLocale, ...]) -> dict[str, Any]:
    """A row per language and one for all, under their headings; no rows where nothing is known."""
    whole = total(dub.effort for dub in dubs)
    has_prices = whole.cost is not None
    rows = [(_name(dub.locale), str(dub.locale), cells(dub.effort, has_prices=has_prices)) for dub in dubs]
    if len(dubs) > 1:
        rows.append(("All languages", "", cells(whole, has_prices=has_prices)))
    return {"headings": HEADINGS + (COST_HEADINGS if has_prices else ()), "rows": rows if whole.work_s else []}


def _finding(finding: Finding) -> dict[str, str]:
    return {
        "level": str(finding.level),
        "label": label_of(finding.check),
        "message": finding.message,
        "utterance_id": finding.utterance_id,
    }


def _row(row: FindingRow) -> dict[str, str]:
    return {name: str(getattr(row, name)) for name in row.__dataclass_fields__}


def _lines(script: DubScript, dub: DubbedLocale) -> list[dict[str, Any]]:
    """The review's lines; before a review there are the script and its translation."""
    translated = {line.utterance_id: line.text for line in dub.translation.lines} if dub.translation else {}
    measured = {str(line.get("utterance_id")): line for line in dub.review.lines}
    if not measured and not translated:
        return []
    placed = {take.utterance_id: take for take in dub.timeline.placed} if dub.timeline else {}
    levels: dict[str, str] = {}
    for finding in reversed(finding_rows(dub.review.findings)):
        if finding.utterance_id and finding.level is not Level.OK:
            levels[finding.utterance_id] = str(finding.level)
    rows = []
    for utterance in script.utterances:
        line = measured.get(utterance.id, {})
        take = placed.get(utterance.id)
        target = take.text if take else translated.get(utterance.id, "")
        heard = line.get("heard")
        start_s = line.get("start_s")
        start_s = float(start_s) if isinstance(start_s, (int, float)) else float(utterance.span.start)
        rows.append(
            {
                "id": utterance.id,
                "level": levels.get(utterance.id, "ok"),
                "start_s": f"{start_s:.3f}",
                "clock": f"{int(start_s) // 60}:{start_s % 60:04.1f}",
                "source": utterance.text,
                "target": target,
                "heard": differences(target, str(heard)) if heard is not None else (),
                "misheard": _percent(line.get("word_error")),
                "stretch": f"{take.stretch_ratio:.2f}×" if take else "–",
                "speed": f"{take.speed:.2f}×" if take else "–",
                "overrun": f"{over:.2f} s" if isinstance(over := line.get("overrun_s"), float) and over else "–",
                "closures": f"{line['n_closed']}/{line['n_bilabials']}" if line.get("n_bilabials") else "–",
            }
        )
    return rows


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


def _facts(source: Source, script: DubScript) -> list[str]:
    video = source.video
    seconds = float(video.duration)
    length = f"{int(seconds) // 60}:{seconds % 60:04.1f} min" if seconds >= 60 else f"{seconds:.1f} s"
    return [
        f"from {_name(script.source_locale)}",
        length,
        f"{video.width_px}×{video.height_px}",
        f"{float(video.frame_rate):.5g} frames/s",
        f"{len(script.utterances)} lines",
    ]


def _source_facts(source: Source, script: DubScript) -> list[tuple[str, str]]:
    speakers = sorted({utterance.speaker for utterance in script.utterances})
    return [
        ("Source", f"{source.video.codec or 'video'}, {source.original.n_bytes / 1e6:.1f} MB"),
        ("SHA-256", source.original.sha256),
        ("Words from", f"{script.recogniser}, language {100 * script.language_probability:.0f} % sure"),
        ("Speakers", ", ".join(speakers)),
    ]


def _engines(plan: Plan, dubs: Iterable[DubbedLocale]) -> list[dict[str, str]]:
    """Every engine that had a part in it, in the story's order."""
    from engines import registry

    rows = []
    for family in get_args(Family):
        named = getattr(plan, family)
        ids = [named] if isinstance(named, str) else list(named)
        if family == "translation":
            used = {hop.split()[0] for dub in dubs if dub.translation for hop in dub.translation.route}
            ids = [engine for engine in ids if engine in used] or ids
        for engine_id in ids:
            spec = registry.spec(family, engine_id)
            rows.append(
                {
                    "family": family.replace("_", " "),
                    "id": spec.id,
                    "version": str(spec.version),
                    "summary": spec.summary,
                    "code_licence": spec.code_licence,
                    "weights_licence": spec.weights_licence,
                    "fingerprint": spec.fingerprint({**plan.options.get(family, {}), **plan.options.get(spec.id, {})}),
                }
            )
    return rows


def _seconds(seconds: Mapping[str, float]) -> list[tuple[str, str]]:
    return [(name.replace("_", " "), f"{value:.1f}") for name, value in seconds.items()]


def _percent(value: str | float | int | None) -> str:
    return f"{100 * value:.0f} %" if isinstance(value, (int, float)) else "–"


def _name(locale: Locale) -> str:
    import langcodes

    return langcodes.get(locale).display_name()


def _href(name: str) -> str:
    """A file beside the page: `./` keeps a name with a colon from being taken for another protocol."""
    return f"./{quote(name)}" if name else ""


def _json(value: Any) -> str:
    """JSON that cannot end the script element it stands in."""
    return json.dumps(value, ensure_ascii=False).replace("<", "\\u003c").replace("&", "\\u0026")
