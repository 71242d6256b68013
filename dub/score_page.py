"""What a person looks at: the curve of r over shifts, and one page with every measure and figure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

import numpy as np

from dub.av_offset import AvOffset
from dub.score import METRICS, Measure, Metric, MouthScore, Range

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 720, 240, 40, 14, 28
TOLERATED_MS = 90.0

_STYLE = """
.t{font:11px system-ui,sans-serif;fill:var(--faint,#667)} .axis{stroke:var(--rule,#ccd);stroke-width:1}
.chance{fill:var(--slot,#eef1f6)} .inside{fill:var(--ok,#2c7a4b);opacity:.12}
.curve{stroke:var(--accent,#2a6fb8);fill:none;stroke-width:1.8} .peak{fill:var(--accent,#2a6fb8)}
.unclear{fill:var(--faint,#889)}
"""
_PAGE_STYLE = """
:root{color-scheme:light dark;--ink:#223;--faint:#667;--rule:#ccd;--slot:#eef1f6;--ok:#2c7a4b;--degraded:#a86f00;
--failed:#b3372f;--accent:#2a6fb8;--paper:#fff}
@media (prefers-color-scheme:dark){:root{--ink:#dde3ee;--faint:#99a3b5;--rule:#3a4152;--slot:#262c3a;--ok:#69b98a;
--degraded:#e0b050;--failed:#e8837b;--accent:#78aef0;--paper:#171b24}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:1100px;margin:2em auto;
padding:0 1em} h1{font-size:1.4em} h2{font-size:1.1em;margin-top:2em} table{border-collapse:collapse;width:100%}
td,th{text-align:left;padding:.3em .6em;border-bottom:1px solid var(--rule);vertical-align:top}
td.n{font-variant-numeric:tabular-nums;white-space:nowrap} .ok{color:var(--ok)} .degraded{color:var(--degraded)}
.failed{color:var(--failed);font-weight:600} .none,small{color:var(--faint)} .wide{overflow-x:auto} svg{max-width:none}
"""


def offset_figure(offset: AvOffset) -> str:
    """SVG: r over shifts in ms, what chance gives as a band, the tolerated offsets, the peak."""
    ms = 1000 * offset.shifts / float(offset.frame_rate)
    top = max(0.6, float(offset.r.max()) * 1.1)
    bottom = min(-0.2, float(offset.r.min()) * 1.1)

    def x(at_ms: float) -> float:
        return round(float(LEFT + (at_ms - ms[0]) / (ms[-1] - ms[0]) * (WIDTH - LEFT - 10)), 1)

    def y(r: float) -> float:
        return round(float(TOP + (top - r) / (top - bottom) * (HEIGHT - TOP - BOTTOM)), 1)

    mean, spread = float(offset.elsewhere.mean()), float(offset.elsewhere.std())
    low, high = y(mean + spread), y(mean - spread)
    parts = [
        f'<rect class="chance" x="{LEFT}" y="{low}" width="{WIDTH - LEFT - 10}" height="{round(high - low, 1)}"/>',
        f'<text class="t" x="{LEFT + 4}" y="{low - 3}">chance: sound seconds away</text>',
        f'<rect class="inside" x="{x(-TOLERATED_MS)}" y="{TOP}" width="{round(x(TOLERATED_MS) - x(-TOLERATED_MS), 1)}" '
        f'height="{HEIGHT - TOP - BOTTOM}"/>',
    ]
    for at in range(-800, 801, 200):
        if ms[0] <= at <= ms[-1]:
            parts.append(f'<line class="axis" x1="{x(at)}" x2="{x(at)}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>')
            parts.append(f'<text class="t" x="{x(at) - 12}" y="{HEIGHT - 12}">{at:+d} ms</text>')
    for r in np.arange(np.ceil(bottom * 5) / 5, top, 0.2):
        parts.append(f'<text class="t" x="4" y="{y(float(r)) + 4}">{float(r):.1f}</text>')
    points = " ".join(f"{x(float(at))},{y(float(r))}" for at, r in zip(ms, offset.r, strict=True))
    kind = "peak" if offset.is_clear else "unclear"
    parts.append(f'<polyline class="curve" points="{points}"/>')
    parts.append(f'<circle class="{kind}" cx="{x(offset.ms)}" cy="{y(offset.peak)}" r="5"/>')
    said = f"{offset.ms:+.0f} ms" if offset.is_clear else "not clear of chance"
    parts.append(f'<text class="t" x="{x(offset.ms) + 8}" y="{y(offset.peak) + 4}">{said}</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'role="img" aria-label="Lips foretold from the sound, over shifts"><style>{_STYLE}</style>'
        f"{''.join(parts)}</svg>"
    )


def score_page(score: MouthScore, figures: Mapping[str, str]) -> str:
    """HTML that opens from disk: the verdict, every measure beside real video's, then `figures` (SVG by heading)."""
    rows = "".join(_row(METRICS[measure.metric], measure) for measure in score.measures)
    drawn = "".join(f'<h2>{escape(name)}</h2><div class="wide">{svg}</div>' for name, svg in figures.items())
    verdict = score.verdict
    seen = f"{score.n_frames_with_face} of {score.n_frames} frames show a face"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>Mouth score: {escape(score.title)}</title><style>{_PAGE_STYLE}</style>"
        f'<h1>{escape(score.title)}: <span class="{verdict}">{verdict}</span></h1><p>{seen}.</p>{drawn}'
        f"<h2>Measures</h2><table><tr><th>measure<th>value<th>real video<th>limit<th>verdict<th>note</tr>{rows}</table>"
        f"</html>"
    )


def value_text(measure: Measure, metric: Metric) -> str:
    """A value with its unit, or a dash."""
    if measure.value is None:
        return "–"
    return f"{_number(measure.value)} {metric.unit}".strip()


def range_text(bounds: Range) -> str:
    """`0.80 to 1.00`, `at most 0.60`, `any`."""
    low, high = bounds
    if low is None and high is None:
        return "any"
    if low is None:
        return f"at most {_number(high or 0.0)}"
    if high is None:
        return f"at least {_number(low)}"
    return _number(low) if low == high else f"{_number(low)} to {_number(high)}"


def verdict_text(measure: Measure, metric: Metric) -> tuple[str, str]:
    """(word, kind): the level; `informs` for what does not gate; `not measured`."""
    if measure.value is None:
        return "not measured", "none"
    if measure.level is None:
        return "informs", "none"
    return str(measure.level), str(measure.level)


def _row(metric: Metric, measure: Measure) -> str:
    word, kind = verdict_text(measure, metric)
    limit = range_text(metric.ok) if metric.gates else "–"
    cells: Iterable[tuple[str, str]] = (
        ("", f"{escape(metric.what)}<br><small>{escape(measure.metric)}; {escape(metric.source)}</small>"),
        ("n", escape(value_text(measure, metric))),
        ("n", escape(range_text(metric.real))),
        ("n", escape(limit)),
        (kind, word),
        ("none", escape(measure.note)),
    )
    return "<tr>" + "".join(f'<td class="{css}">{content}</td>' for css, content in cells) + "</tr>"


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 20 else f"{value:.3f}" if abs(value) < 0.1 else f"{value:.2f}"
