"""What the report's pages show, as plain values for their templates. No HTML but the figures, which we drew."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_args
from urllib.parse import quote

from dub.dubbed_locale import DubbedLocale
from dub.effort import total
from dub.effort_rows import COST_HEADINGS, HEADINGS, cells, sentence
from dub.finding import Finding, Level, Review
from dub.gates import DEFAULT_GATES, Gates
from dub.heat_map import changes, heat_map
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
    worst_findings,
)
from dub.script import DubScript, Timeline
from dub.source import Source
from dub.store import Store
from engines.spec import Family
from lang.bcp47 import Locale

N_WORST = 3


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
        "name": _name(dub.locale),
        "tag": str(dub.locale),
        "verdict": verdict_of(review),
        "key_numbers": [
            {"label": item.label, "text": item.text, "level": item.level and str(item.level)}
            for item in key_numbers(review)
        ],
        "worst": [_finding(finding) for finding in worst],
        "n_more": n_bad - len(worst),
        "video": href(dub.video),
        "files": [
            (href(name), kind) for name, kind in ((dub.srt, "SRT"), (dub.vtt, "VTT"), (dub.video, "MP4")) if name
        ],
        "cues": Markup(_json(_cues(dub.timeline))),
        "timeline": figures.get("timeline", ""),
        "aperture": figures.get("aperture", ""),
        "mouths": figures.get("mouths", ""),
        "lines": _lines(script, dub),
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
    }


def verdict_of(review: Review) -> str:
    return "awaiting" if review.awaits_approval else str(review.verdict)


def heat_view(dubs: tuple[DubbedLocale, ...], hrefs: Sequence[str]) -> dict[str, Any]:
    """Languages by checks, in the order of the languages. `hrefs`: each one's page, "" for this one."""
    columns, rows = heat_map([dub.review for dub in dubs])
    return {
        "columns": columns,
        "rows": [
            {
                "anchor": f"locale-{place}",
                "href": hrefs[place],
                "name": _name(dub.locale),
                "tag": str(dub.locale),
                "verdict": verdict_of(dub.review),
                "rank": ("ok", "awaiting", "degraded", "failed").index(verdict_of(dub.review)),
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


def effort_view(dubs: tuple[DubbedLocale, ...]) -> dict[str, Any]:
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
        if line.get("target", target) is None:  # of a dub made elsewhere only what is heard is known
            target = ""
        heard = line.get("heard")
        known = line.get("stretch_ratio", take and take.stretch_ratio) is not None
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
                "heard": differences(target or str(heard), str(heard)) if heard is not None else (),
                "misheard": _percent(line.get("word_error")),
                "stretch": f"{take.stretch_ratio:.2f}×" if take and known else "–",
                "speed": f"{take.speed:.2f}×" if take and known else "–",
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


def title_facts(source: Source, script: DubScript) -> list[str]:
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


def source_facts(source: Source, script: DubScript) -> list[tuple[str, str]]:
    speakers = sorted({utterance.speaker for utterance in script.utterances})
    return [
        ("Source", f"{source.video.codec or 'video'}, {source.original.n_bytes / 1e6:.1f} MB"),
        ("SHA-256", source.original.sha256),
        ("Words from", f"{script.recogniser}, language {100 * script.language_probability:.0f} % sure"),
        ("Speakers", ", ".join(speakers)),
    ]


def engine_rows(plan: Plan, dubs: Iterable[DubbedLocale], families: Sequence[str] = ()) -> list[dict[str, str]]:
    """Every engine that had a part in it, in the story's order; of these `families` only, where they are named."""
    from engines import registry

    rows = []
    for family in get_args(Family):
        if families and family not in families:
            continue
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


def seconds_rows(seconds: Mapping[str, float]) -> list[tuple[str, str]]:
    return [(name.replace("_", " "), f"{value:.1f}") for name, value in seconds.items()]


def _percent(value: str | float | int | None) -> str:
    return f"{100 * value:.0f} %" if isinstance(value, (int, float)) else "–"


def _name(locale: Locale) -> str:
    import langcodes

    return langcodes.get(locale).display_name()


def href(name: str) -> str:
    """A file beside the page: `./` keeps a name with a colon from being taken for another protocol."""
    return f"./{quote(name)}" if name else ""


def _json(value: Any) -> str:
    """JSON that cannot end the script element it stands in."""
    return json.dumps(value, ensure_ascii=False).replace("<", "\\u003c").replace("&", "\\u0026")
