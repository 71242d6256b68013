"""Checks of expression: does the dub pause, ask and raise its voice where the source does.

All measured on the takes as placed and on the finished sound, whatever the stages say that they did.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from statistics import median

import numpy as np
import numpy.typing as npt

from dub.check_timing import span_of, worst_or_all
from dub.finding import Finding, Level
from dub.gates import Gates
from dub.levels import Curve, active_db, decibels
from dub.pitch import LEAST_RISE_ST, final_rise_st
from dub.prosody import LineProsody, SourceProsody
from dub.script import PlacedTake, Timeline
from lang.bcp47 import Locale
from lang.questions import is_question, is_tonal

Samples = npt.NDArray[np.float32]

_HOP_S = 0.01
_SILENT_BELOW_DB = 30.0
"""Under the loud frames of a take: sounds of speech are within it, a breath is not."""
_HEARD_PAUSE_S = 0.2
"""A pause of a quarter of a second less the ends of the sounds beside it."""
_LATE_S = 0.5
"""How far a take's pause may lie from where its source's would be in it."""


@dataclass(frozen=True)
class PauseKept:
    """How many pauses inside one line the source has, how many of them the dub has, and the seconds by which the kept
    ones begin later (earlier, where negative) than the source's."""

    utterance_id: str
    n_source: int
    off_s: tuple[float, ...]


def pauses_kept(take: PlacedTake, source: LineProsody, samples: Samples, rate_hz: int) -> PauseKept:
    """Of the source line's pauses, those at which the take is silent too. `samples`: the take, mono float32 (n,).

    Each pause takes the nearest silence of the take within half a second, on the title's clock; each silence counts
    once.
    """
    silences = [
        (first + take.start_sample / rate_hz, last + take.start_sample / rate_hz)
        for first, last in inner_silences(samples, rate_hz)
    ]
    off_s: list[float] = []
    for pause in source.pauses:
        start, end = float(pause.span.start), float(pause.span.end)
        near = [(max(first - end, start - last, 0.0), abs(first - start), first, last) for first, last in silences]
        if near and min(near)[0] <= _LATE_S:
            _, _, first, last = min(near)
            off_s.append(first - start)
            silences.remove((first, last))
    return PauseKept(take.utterance_id, len(source.pauses), tuple(off_s))


def inner_silences(samples: Samples, rate_hz: int) -> list[tuple[float, float]]:
    """Silences of _HEARD_PAUSE_S and more inside a take, (start, end) in seconds from its start."""
    hop = round(_HOP_S * rate_hz)
    n_frames = len(samples) // hop
    power = np.square(samples[: n_frames * hop], dtype=np.float64).reshape(n_frames, hop).mean(axis=1)
    loud = active_db(power)
    if loud is None:
        return []
    heard = np.flatnonzero(decibels(power) > loud - _SILENT_BELOW_DB)
    gaps = np.flatnonzero(np.diff(heard) * _HOP_S >= _HEARD_PAUSE_S)
    return [(float((heard[gap] + 1) * _HOP_S), float(heard[gap + 1] * _HOP_S)) for gap in gaps]


def check_pauses(kept: Iterable[PauseKept], gates: Gates) -> Finding:
    """The share of the source lines' inner pauses that the dub has."""
    lines = list(kept)
    n_source = sum(line.n_source for line in lines)
    if not n_source:
        return Finding(level=Level.OK, check="pauses_kept", message="The source pauses inside none of its lines.")
    n_kept = sum(len(line.off_s) for line in lines)
    lost = [line.utterance_id for line in lines if len(line.off_s) < line.n_source]
    return gates.finding(
        "pauses_kept",
        n_kept / n_source,
        f"The dub keeps {n_kept} of the {n_source} pauses that the source makes inside its lines.",
        todo=f"Where the translation has no clause to pause at, it runs on: {', '.join(lost)}. A comma there helps.",
    )


def check_levels(
    timeline: Timeline, prosody: SourceProsody, mixed: Curve, gates: Gates
) -> tuple[tuple[Finding, ...], dict[str, float]]:
    """Is every line as loud against its speaker's others as in the source, and every speaker against the others?

    `mixed`: power of the finished sound per hundredth of a second. Returns the findings and, by line, how much louder
    (quieter) than the source's it is against its speaker's usual. A line may be brought back to +-6 dB of the usual:
    that is no error. What is not to be heard on the dialogue stem is not judged.
    """
    levels: dict[str, dict[str, float]] = {}
    for take in timeline.placed:
        if take.speaker in prosody.usual_db and prosody.of(take.utterance_id).level_db is not None:
            span = span_of(take)
            level = active_db(mixed[int(100 * span.start) : int(100 * span.end)])
            if level is not None:
                levels.setdefault(take.speaker, {})[take.utterance_id] = level
    errors: dict[str, float] = {}
    gained: dict[str, float] = {}
    for speaker, lines in levels.items():
        gains = {
            line: level - prosody.usual_db[speaker] - prosody.offset_db(line, speaker) for line, level in lines.items()
        }
        gained[speaker] = median(gains.values())
        errors |= {line: gain - gained[speaker] for line, gain in gains.items()}
    findings = [
        gates.finding(
            "line_level_error",
            abs(error),
            f"Against its speaker's others the line is {abs(error):.1f} dB {'louder' if error > 0 else 'quieter'} than "
            "in the source.",
            todo="Listen whether a shout or a whisper got lost.",
            utterance_id=line,
        )
        for line, error in errors.items()
    ]
    most = max(map(abs, errors.values()), default=0.0)
    said = f"Lines are as loud against one another as the source's, within {most:.1f} dB."
    found = worst_or_all(findings, gates.finding("line_level_error", most, said)) if errors else []
    between = {pair: abs(gained[pair[0]] - gained[pair[1]]) for pair in combinations(sorted(gained), 2)}
    if between:
        pair = max(between, key=lambda each: between[each])
        found.append(
            gates.finding(
                "speaker_level_error",
                between[pair],
                f"Speakers are as loud against one another as in the source, within {between[pair]:.1f} dB.",
                todo=f"{pair[0]} and {pair[1]} do not: mix again.",
            )
        )
    return tuple(found), errors


def asking_lines(timeline: Timeline, prosody: SourceProsody) -> list[PlacedTake]:
    """The takes that ask: by their own marks, or by the source line's where the translation lost them."""
    return [take for take in timeline.placed if is_question(take.text) or prosody.of(take.utterance_id).asks]


def check_questions(rises_st: Mapping[str, float | None], locale: Locale, gates: Gates) -> tuple[Finding, ...]:
    """Does every question's pitch rise at its end? `rises_st`: semitones over the last quarter of a second of voice,
    by utterance; None where the end has too little voice to tell."""
    if not rises_st:
        return (Finding(level=Level.OK, check="questions_rise", message="No line of the dub asks."),)
    if is_tonal(locale):
        why = "pitch tells words apart in this language, so questions are left as the voice says them"
        return (Finding(level=Level.OK, check="questions_rise", message=f"Not judged: {why}."),)
    findings = [
        gates.finding(
            "questions_rise",
            rise,
            f"The question ends {'rising' if rise >= 0 else 'falling'} by {abs(rise):.1f} semitones.",
            todo="It sounds like a statement: listen.",
            utterance_id=line,
        )
        for line, rise in rises_st.items()
        if rise is not None
    ]
    n_unheard = sum(rise is None for rise in rises_st.values())
    least = min((rise for rise in rises_st.values() if rise is not None), default=LEAST_RISE_ST)
    unheard = f" {n_unheard} end too hoarse or quiet to tell." if n_unheard else ""
    said = f"All {len(findings)} questions end rising.{unheard}"
    return tuple(worst_or_all(findings, gates.finding("questions_rise", least, said)))


def question_rises(takes: Iterable[tuple[PlacedTake, Samples]], rate_hz: int) -> dict[str, float | None]:
    """How each asking take ends. The samples of a take: mono float32 (n,)."""
    return {take.utterance_id: final_rise_st(samples, rate_hz) for take, samples in takes}
