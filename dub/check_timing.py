"""Checks of time: does every line sound, in its slot, at a natural speed, alone."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from dub.finding import Finding, Level
from dub.gates import Gates
from dub.script import DubScript, PlacedTake, Timeline
from dub.timecode import MASTER_RATE_HZ, Span

Samples = npt.NDArray[np.float32]

_HOP = MASTER_RATE_HZ // 100
_AUDIBLE_DB = -50.0
"""Sound above this outside every take is speech gone astray: takes are trimmed at a lower level."""


def span_of(take: PlacedTake) -> Span:
    """When a placed take sounds, in seconds on the master clock."""
    start = Fraction(take.start_sample, MASTER_RATE_HZ)
    return Span(start=start, end=start + Fraction(take.n_samples, MASTER_RATE_HZ))


def check_timing(script: DubScript, timeline: Timeline, gates: Gates) -> tuple[Finding, ...]:
    """Lines without a take, stretched, overrunning, or on top of one another."""
    return (
        *_spoken(script, timeline),
        *_stretched(timeline, gates),
        *_overruns(timeline, gates),
        *_piled(script, timeline, gates),
    )


def check_dialogue(timeline: Timeline, dialogue: Samples, gates: Gates) -> tuple[Finding, ...]:
    """Silent takes and stray sound on the finished dialogue. `dialogue`: float32 (n_samples,), 48 kHz, full scale 1.0.

    A memory map will do: it is looked at piece by piece.
    """
    return (*_audible(timeline, dialogue, gates), _astray(timeline, dialogue, gates))


def worst_or_all(findings: Iterable[Finding], ok: Finding) -> list[Finding]:
    """The findings that are not ok, one per line; when there are none, one that says so."""
    bad = [finding for finding in findings if finding.level is not Level.OK]
    return bad or [ok]


def _spoken(script: DubScript, timeline: Timeline) -> list[Finding]:
    placed = {take.utterance_id for take in timeline.placed}
    missing = [utterance for utterance in script.utterances if utterance.id not in placed]
    ok = Finding(
        level=Level.OK, check="lines_spoken", message=f"All {len(placed)} lines are spoken.", value=len(placed)
    )
    return worst_or_all(
        (
            Finding(
                level=Level.FAILED,
                check="lines_spoken",
                message="This line was never spoken. Dub it again.",
                utterance_id=utterance.id,
                span=utterance.span,
            )
            for utterance in missing
        ),
        ok,
    )


def _stretched(timeline: Timeline, gates: Gates) -> list[Finding]:
    if not timeline.placed:
        return []
    findings = []
    for take in timeline.placed:
        check = "stretch_high" if take.stretch_ratio >= 1 else "stretch_low"
        findings.append(
            gates.finding(
                check,
                take.stretch_ratio,
                f"The speech was time-stretched to {take.stretch_ratio:.2f}x its length.",
                todo="It may sound drawn out: use a longer wording."
                if take.stretch_ratio >= 1
                else "It may sound rushed: use a shorter wording.",
                utterance_id=take.utterance_id,
                span=span_of(take),
            )
        )
    ratios = [take.stretch_ratio for take in timeline.placed]
    widest = max(ratios, key=lambda ratio: max(ratio, 1 / ratio))
    ok = gates.finding(
        "stretch_high" if widest >= 1 else "stretch_low",
        widest,
        f"Speech was time-stretched between {min(ratios):.2f}x and {max(ratios):.2f}x of its length.",
    )
    return worst_or_all(findings, ok)


def _overruns(timeline: Timeline, gates: Gates) -> list[Finding]:
    findings = [
        gates.finding(
            "overrun",
            float(overrun.seconds),
            f"The line goes on for {float(overrun.seconds):.2f} s after its time is up.",
            todo="Shorten its wording.",
            utterance_id=overrun.utterance_id,
        )
        for overrun in timeline.overruns
    ]
    longest = max((float(overrun.seconds) for overrun in timeline.overruns), default=0.0)
    said = f"No line goes more than {longest:.2f} s beyond its time." if longest else "Every line ends within its time."
    return worst_or_all(findings, gates.finding("overrun", longest, said))


def _piled(script: DubScript, timeline: Timeline, gates: Gates) -> list[Finding]:
    """Lines that sound at once for longer than their sources do: people may talk over one another, a dub may not."""
    spans = {utterance.id: utterance.span for utterance in script.utterances}
    takes = sorted(timeline.placed, key=lambda take: take.start_sample)
    findings = [
        gates.finding(
            "piled_speech",
            seconds,
            f"For {seconds:.2f} s this line is spoken over {before.utterance_id}.",
            todo="Shorten the earlier line.",
            utterance_id=after.utterance_id,
            span=span_of(after),
        )
        for before, after in pairwise(takes)
        if (seconds := float(span_of(before).overlap(span_of(after)) - _shared(spans, before, after))) > 0
    ]
    return worst_or_all(findings, gates.finding("piled_speech", 0.0, "No two lines are spoken at once."))


def _shared(spans: dict[str, Span], before: PlacedTake, after: PlacedTake) -> Fraction:
    """Seconds for which the source's own speakers spoke at once in these two lines."""
    pair = [spans.get(take.utterance_id) for take in (before, after)]
    return pair[0].overlap(pair[1]) if pair[0] and pair[1] else Fraction(0)


def _audible(timeline: Timeline, dialogue: Samples, gates: Gates) -> list[Finding]:
    if not timeline.placed:
        return []
    findings = []
    for take in timeline.placed:
        level_db = _loudest_db(dialogue[take.start_sample : take.start_sample + take.n_samples])
        findings.append(
            gates.finding(
                "line_level",
                level_db,
                f"The line reaches {level_db:.0f} dBFS.",
                todo="It cannot be heard: dub it again.",
                utterance_id=take.utterance_id,
                span=span_of(take),
            )
        )
    quietest = min(finding.value for finding in findings if finding.value is not None)
    return worst_or_all(findings, gates.finding("line_level", quietest, f"Every line reaches {quietest:.0f} dBFS."))


def _loudest_db(samples: Samples) -> float:
    """RMS of the loudest 50 ms, in dBFS; -120 for digital silence or nothing at all."""
    window = MASTER_RATE_HZ // 20
    if len(samples) < window:
        samples = np.pad(samples, (0, window - len(samples)))
    power = np.square(samples[: len(samples) // window * window], dtype=np.float64).reshape(-1, window).mean(axis=1)
    return float(10 * np.log10(max(power.max(), 1e-12)))


def _astray(timeline: Timeline, dialogue: Samples, gates: Gates) -> Finding:
    """Seconds of audible dialogue outside every take; 20 ms around a take belong to it."""
    n_hops = len(dialogue) // _HOP
    inside = np.zeros(n_hops, bool)
    for take in timeline.placed:
        inside[max(0, take.start_sample // _HOP - 2) : (take.start_sample + take.n_samples) // _HOP + 3] = True
    astray = 0
    for at in range(n_hops):
        if not inside[at]:
            piece = dialogue[at * _HOP : (at + 1) * _HOP]
            astray += bool(np.square(piece, dtype=np.float64).mean() > 10 ** (_AUDIBLE_DB / 10))
    seconds = astray / 100
    return gates.finding(
        "speech_outside_slot",
        seconds,
        f"{seconds:.2f} s of speech lie outside the lines' places." if seconds else "No speech lies outside its place.",
        todo="Listen to the dub for words that belong to no line.",
    )
