"""Figures of the report as SVG: drawn by hand, so that they scale, follow the page's colours and can be clicked.

Every colour is a CSS variable of the page with a fallback, so a figure also stands alone. All text is escaped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from html import escape
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from dub.check_timing import span_of
from dub.finding import Finding, Level
from dub.mouth_metrics import CLOSED, Closure
from dub.mouth_pictures import Moment
from dub.script import DubScript, Timeline
from dub.timecode import MASTER_RATE_HZ

Floats = npt.NDArray[np.float32]
Scale = Callable[[float], float]

PX_PER_S = 60
MIN_WIDTH_PX, MAX_WIDTH_PX = 1_080, 24_000
"""The report's column, and what a browser still draws at once."""
MAX_CURVE_S = 60.0
MAX_PEAKS, PEAKS_PER_S = 6_000, 40
LEFT_PX, RIGHT_PX = 8, 8

_STYLE = """
.t{font:11px system-ui,sans-serif;fill:var(--faint,#667)}
.fault{font:600 11px system-ui,sans-serif;fill:var(--failed,#b3372f)}
.axis{stroke:var(--rule,#ccd);stroke-width:1}
.slot{fill:var(--slot,#eef1f6);stroke:var(--rule,#ccd)} .take{fill:var(--take,#cfe0f5)}
.take.degraded{fill:var(--degraded-soft,#f6e3b8)} .take.failed{fill:var(--failed-soft,#f5c9c5)}
.over{fill:var(--failed,#b3372f);opacity:.55} .wave{fill:var(--ink,#223);opacity:.75}
.over,.wave,.axis,.limit,polyline{pointer-events:none}
.rendered{fill:var(--accent,#2a6fb8)} .kept{fill:var(--rule,#ccd)} .refused{fill:var(--degraded,#a86f00)}
.source{stroke:var(--faint,#889);fill:none;stroke-width:1.2}
.dub{stroke:var(--accent,#2a6fb8);fill:none;stroke-width:1.8}
.aimed{stroke:var(--ok,#2c7a4b);fill:none;stroke-width:1.2;stroke-dasharray:4 3}
.closed{fill:var(--ok,#2c7a4b)} .open{fill:var(--failed,#b3372f)} .speech{fill:var(--slot,#eef1f6)}
.limit{stroke:var(--failed,#b3372f);stroke-dasharray:2 4;opacity:.7}
"""


def timeline_figure(
    script: DubScript,
    timeline: Timeline,
    findings: Iterable[Finding],
    dialogue: npt.NDArray[np.float32],
    frame_kinds: Sequence[str],
    frame_rate: Fraction,
) -> str:
    """Slots, takes, the dub's waveform and the lip-sync's coverage on one time axis.

    `dialogue`: float32 (n_samples,) at 48 kHz, a memory map will do. `frame_kinds[i]`: `rendered`, `kept` or
    `refused`. Each line is a group with `data-seek` in seconds, for the page's script.
    """
    duration_s = max(float(script.duration), 0.1)
    width = min(MAX_WIDTH_PX, max(MIN_WIDTH_PX, round(duration_s * PX_PER_S)))

    def x(seconds: float) -> float:
        return round(LEFT_PX + seconds / duration_s * (width - LEFT_PX - RIGHT_PX), 1)

    level_of = _level_of_lines(findings)
    overrun_of = {overrun.utterance_id: float(overrun.seconds) for overrun in timeline.overruns}
    parts, overruns = [_axis(duration_s, x, 16, 128)], []
    text_of = {utterance.id: utterance.text for utterance in script.utterances}
    for take in timeline.placed:
        span = span_of(take)
        start_s, end_s = float(span.start), float(span.end)
        level = level_of.get(take.utterance_id, Level.OK)
        over_s = overrun_of.get(take.utterance_id, 0.0)
        label = f"{take.utterance_id}, {start_s:.1f} s: {take.text}"
        if over_s:
            label += f" (overruns by {over_s:.1f} s)"
        parts.append(
            f'<g class="line" data-seek="{start_s:.3f}" tabindex="0" role="button" aria-label="{escape(label)}">'
            f"<title>{escape(label)}&#10;{escape(text_of.get(take.utterance_id, ''))}</title>"
            + _box("slot", x(float(take.slot.start)), 24, x(float(take.slot.end)), 18)
            + _box(f"take {level}", x(start_s), 44, x(end_s), 68)
            + f'<text class="t" x="{x(start_s) + 3}" y="37">{escape(take.utterance_id)}</text></g>'
        )
        if over_s:
            overruns.append(_box("over", x(max(start_s, end_s - over_s)), 44, x(end_s), 68))
    parts += overruns  # after all lines: what runs over lies where the next line may be
    parts.append(_waveform(dialogue, x, 78, 32))
    for kind, first, last in _runs(frame_kinds):
        start_s, end_s = (min(duration_s, float(frame / frame_rate)) for frame in (first, last + 1))
        parts.append(_box(kind, x(start_s), 118, x(end_s), 10))
    meanings = (("rendered", "mouth moved"), ("kept", "kept"), ("refused", "refused"), ("over", "beyond its slot"))
    for place, (kind, name) in enumerate(meanings):
        left = LEFT_PX + 110 * place
        parts.append(_box(kind, left, 135, left + 10, 10) + f'<text class="t" x="{left + 15}" y="144">{name}</text>')
    title = "Timeline of the dub: slots, takes, waveform, lip-sync coverage"
    return _svg(width, 150, title, (0.0, duration_s), parts)


def aperture_figure(
    source: Floats, aimed: Floats, dub: Floats, frame_rate: Fraction, closures: Sequence[Closure], timeline: Timeline
) -> str:
    """How far the lips are open, frame by frame: the source's, the one aimed at, the one measured on the dub.

    Arrays float32 (n_frames,) in eye distances, NaN where unknown. p, b and m stand under their onset: green where
    the lips met, red where not. At most 60 s are drawn: those with the most misses.
    """
    n_frames = len(dub)
    first = _worst_window(n_frames, frame_rate, closures)
    last = min(n_frames, first + int(MAX_CURVE_S * frame_rate))
    start_s, end_s = float(first / frame_rate), float(last / frame_rate)
    width = max(MIN_WIDTH_PX, round((end_s - start_s) * PX_PER_S))
    shown = np.concatenate([curve[first:last][np.isfinite(curve[first:last])] for curve in (source, aimed, dub)])
    top = float(np.percentile(shown, 99.5)) * 1.1 if len(shown) else 0.3
    top = max(top, 0.1)

    def x(seconds: float) -> float:
        share = (seconds - start_s) / max(end_s - start_s, 1e-6)
        return round(LEFT_PX + share * (width - LEFT_PX - RIGHT_PX), 1)

    def y(value: float) -> float:
        return round(150 - 126 * min(max(value, 0.0) / top, 1.0), 1)

    parts = []
    for take in timeline.placed:
        span = span_of(take)
        if span.end > start_s and span.start < end_s:
            left, right = x(max(float(span.start), start_s)), x(min(float(span.end), end_s))
            parts.append(
                f'<g class="line" data-seek="{float(span.start):.3f}">{_box("speech", left, 20, right, 130)}</g>'
            )
    parts.append(_axis(end_s, x, 16, 168, start_s))
    limit_y = y(CLOSED)
    parts.append(f'<line class="limit" x1="{LEFT_PX}" x2="{width - RIGHT_PX}" y1="{limit_y}" y2="{limit_y}"/>')
    for name, curve in (("source", source), ("aimed", aimed), ("dub", dub)):
        parts.extend(
            f'<polyline class="{name}" points="{points}"/>' for points in _strokes(curve, first, last, frame_rate, x, y)
        )
    for closure in closures:
        if start_s <= closure.onset <= end_s:
            kind, word = ("closed", "closed") if closure.is_closed else ("open", "open")
            at = x(float(closure.onset))
            parts.append(
                f'<g class="line" data-seek="{max(0.0, float(closure.onset) - 0.3):.3f}"><title>'
                f"{escape(closure.ipa)} at {float(closure.onset):.2f} s: {word} ({closure.aperture:.3f})</title>"
                f'<circle class="{kind}" cx="{at}" cy="158" r="4"/>'
                f'<text class="t" x="{at - 3}" y="175">{escape(closure.ipa)}</text></g>'
            )
    parts.append(_legend(196))
    title = "Opening of the lips: source, aimed at, measured on the dub"
    return _svg(width, 206, title, (start_s, end_s), parts)


def sheet_figure(
    picture: str, width_px: int, height_px: int, column_px: int, moments: Sequence[Moment], frame_rate: Fraction
) -> str:
    """A contact sheet (`picture`: its data URL) with the reason under each column; choosing one plays that moment."""
    parts = [f'<image href="{escape(picture)}" width="{width_px}" height="{height_px}"/>']
    for column, moment in enumerate(moments):
        seconds = float(moment.frame / frame_rate)
        left, kind = column * column_px, "fault" if moment.is_fault else "t"
        parts.append(
            f'<g class="line" data-seek="{max(0.0, seconds - 0.4):.3f}" tabindex="0" role="button" '
            f'aria-label="{escape(f"{seconds:.2f} s: {moment.caption}")}">'
            f'<rect x="{left}" y="0" width="{column_px}" height="{height_px + 36}" fill="transparent"/>'
            f'<text class="t" x="{left + 3}" y="{height_px + 14}">{seconds:.2f} s</text>'
            f'<text class="{kind}" x="{left + 3}" y="{height_px + 29}">{escape(moment.caption)}</text></g>'
        )
    return _svg(width_px, height_px + 36, "Mouths at the worst moments: source above, dub below", None, parts)


def _legend(y: int) -> str:
    """What each line means, in a row of its own: over the curves it would hide what they show."""
    names = (("source", "source"), ("aimed", "aimed at"), ("dub", "dub, measured"), ("limit", "closed below this line"))
    return "".join(
        f'<line class="{kind}" x1="{LEFT_PX + 130 * place}" x2="{LEFT_PX + 24 + 130 * place}" y1="{y}" y2="{y}"/>'
        f'<text class="t" x="{LEFT_PX + 30 + 130 * place}" y="{y + 4}">{label}</text>'
        for place, (kind, label) in enumerate(names)
    )


def _strokes(curve: Floats, first: int, last: int, frame_rate: Fraction, x: Scale, y: Scale) -> Iterable[str]:
    """The finite runs of a curve as SVG points, at the middle of each frame's time."""
    points: list[str] = []
    for frame in range(first, last):
        if np.isfinite(curve[frame]):
            points.append(f"{x(float((frame + Fraction(1, 2)) / frame_rate))},{y(float(curve[frame]))}")
        elif points:
            yield " ".join(points)
            points = []
    if points:
        yield " ".join(points)


def _worst_window(n_frames: int, frame_rate: Fraction, closures: Sequence[Closure]) -> int:
    """First frame of the stretch to draw: the one with the most missed closures in a title longer than a minute."""
    length = int(MAX_CURVE_S * frame_rate)
    if n_frames <= length:
        return 0
    missed = np.zeros(n_frames, int)
    for closure in closures:
        missed[closure.frame] += not closure.is_closed
    total = np.concatenate([[0], np.cumsum(missed)])
    starts = np.arange(0, n_frames - length + 1)
    return int(starts[np.argmax(total[starts + length] - total[starts])])


def _level_of_lines(findings: Iterable[Finding]) -> dict[str, Level]:
    worst: dict[str, Level] = {}
    for finding in findings:
        if (
            finding.utterance_id
            and finding.level is not Level.OK
            and worst.get(finding.utterance_id) is not Level.FAILED
        ):
            worst[finding.utterance_id] = finding.level
    return worst


def _waveform(dialogue: Floats, x: Scale, middle: int, height: int) -> str:
    """Peaks as one filled shape, scaled to the loudest."""
    if not len(dialogue):
        return ""
    duration_s = len(dialogue) / MASTER_RATE_HZ
    n_peaks = max(2, min(MAX_PEAKS, round(duration_s * PEAKS_PER_S)))
    edges = np.linspace(0, len(dialogue), n_peaks + 1).astype(int)
    peaks = np.array([np.abs(dialogue[start:end]).max() if end > start else 0.0 for start, end in pairwise(edges)])
    peaks = peaks / max(float(peaks.max()), 1e-6) * height
    times = (edges[:-1] + edges[1:]) / 2 / MASTER_RATE_HZ
    upper = [f"{x(float(time))},{middle - peak:.1f}" for time, peak in zip(times, peaks, strict=True)]
    lower = [f"{x(float(time))},{middle + peak:.1f}" for time, peak in zip(times, peaks, strict=True)]
    return f'<polygon class="wave" points="{" ".join([*upper, *reversed(lower)])}"/>'


def _runs(kinds: Sequence[str]) -> Iterable[tuple[str, int, int]]:
    """(kind, first frame, last frame) of every stretch of one kind."""
    first = 0
    for frame in range(1, len(kinds) + 1):
        if frame == len(kinds) or kinds[frame] != kinds[first]:
            yield kinds[first], first, frame - 1
            first = frame


def _axis(end_s: float, x: Scale, top: int, bottom: int, start_s: float = 0.0) -> str:
    """Ticks at the finest round step that leaves room for its labels."""
    steps = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800)
    step = next((step for step in steps if x(start_s + step) - x(start_s) >= 50), steps[-1])
    ticks = range(int(np.ceil(start_s / step)), int(end_s / step) + 1)
    parts = []
    for tick in ticks:
        at = x(tick * step)
        is_at_the_end = x(end_s) - at < 26  # its label would be cut off at the right of it
        label = f'x="{at - 2}" text-anchor="end"' if is_at_the_end else f'x="{at + 2}"'
        parts.append(
            f'<line class="axis" x1="{at}" x2="{at}" y1="{top}" y2="{bottom}"/>'
            f'<text class="t" {label} y="12">{_clock(tick * step)}</text>'
        )
    return "".join(parts)


def _clock(seconds: int) -> str:
    return f"{seconds // 60}:{seconds % 60:02}"


def _box(kind: str, left: float, top: int, right: float, height: int) -> str:
    width = max(round(right - left, 1), 0.5)
    return f'<rect class="{kind}" x="{left}" y="{top}" width="{width}" height="{height}"/>'


def _svg(width: int, height: int, title: str, axis_s: tuple[float, float] | None, parts: Iterable[str]) -> str:
    """`data-axis`: first and last second of the time axis and where they lie, for whoever moves a cursor over it."""
    axis = f"{axis_s[0]:.3f} {axis_s[1]:.3f} {LEFT_PX} {width - RIGHT_PX}" if axis_s else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="group" aria-label="{escape(title)}" data-axis="{axis}"><style>{_STYLE}</style>{"".join(parts)}</svg>'
    )
