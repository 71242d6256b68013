"""The recording that a voice is made from: a speaker's cleanest speech, alone, at one level."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from dub.script import Utterance
from dub.speech_activity import levels_db, speech_islands
from dub.timecode import Span, sample_at

Samples = npt.NDArray[np.float32]

REFERENCE_S = 25.0
TRANSCRIBED_REFERENCE_S = 15.0
"""Models that hear the reference with its words want 3 to 10 s of it (OmniVoice's advice) and take no more than 20."""

SPEECH_RMS = 0.05
SILENT_RMS = 1e-5
NOISY_DB = 10.0
"""Lines whose speech stands this much less over what else sounds than the cleanest line's come last."""
LONGEST_PAUSE_S = Fraction(3, 10)
"""Longer pauses inside a recording are cut to this: encoders hear them as part of the voice."""
SHORTEST_ALONE_S = Fraction(1, 2)


def whole_lines(utterances: list[Utterance]) -> list[Utterance]:
    """A few utterances for a reference that is heard together with its words: in order, none of them cut, the longest
    that together last at most 15 s; the shortest one where every one is longer."""
    chosen: list[Utterance] = []
    room = TRANSCRIBED_REFERENCE_S
    for utterance in sorted(utterances, key=lambda each: (-each.span.duration, each.span.start)):
        if utterance.span.duration <= room:
            chosen.append(utterance)
            room -= float(utterance.span.duration)
    chosen = chosen or [min(utterances, key=lambda each: (each.span.duration, each.span.start))]
    return sorted(chosen, key=lambda each: each.span.start)


def spans_alone(speaker: str, utterances: Sequence[Utterance]) -> list[Span]:
    """When a speaker says their lines and nobody else says theirs; pieces under half a second are left out. All of
    their lines where they are never alone."""
    others = [each.span for each in utterances if each.speaker != speaker]
    own = [each.span for each in utterances if each.speaker == speaker]
    alone = [piece for span in own for piece in _without(span, others) if piece.duration >= SHORTEST_ALONE_S]
    return alone or own


def _without(span: Span, others: Sequence[Span]) -> list[Span]:
    """What is left of a span when the others are cut out of it."""
    pieces, at = [], span.start
    for other in sorted(others, key=lambda each: each.start):
        if other.start >= span.end or other.end <= at:
            continue
        if other.start > at:
            pieces.append(Span(start=at, end=other.start))
        at = max(at, other.end)
    return [*pieces, Span(start=at, end=span.end)] if at < span.end else pieces


def reference_of(dialogue: Samples, rate_hz: int, spans: Sequence[Span], bed: Samples | None = None) -> Samples:
    """Up to 25 s of one speaker: clean lines before noisy ones, then long before short, joined in the order of time,
    each at RMS 0.05, so that a quiet one counts as much.

    `dialogue`, `bed`: float32 (n,), what separation made of one sound; without a bed all lines count as clean. Silent
    lines are left out; the result may be empty.
    """
    pieces = []
    for span in spans:
        first, last = sample_at(span.start, rate_hz), sample_at(span.end, rate_hz)
        piece = dialogue[first:last]
        rms = _rms(piece)
        if rms >= SILENT_RMS:
            noise = 0.0 if bed is None else _rms(bed[first:last])
            pieces.append((first, piece, rms, 20 * np.log10(rms / max(noise, SILENT_RMS))))
    cleanest_db = max((over_bed_db for *_, over_bed_db in pieces), default=0.0)
    pieces.sort(key=lambda piece: (piece[3] < cleanest_db - NOISY_DB, -len(piece[1]), piece[0]))
    chosen: list[tuple[int, Samples]] = []
    room = round(REFERENCE_S * rate_hz)
    for first, piece, rms, _ in pieces:
        taken = np.asarray(piece[:room] * (SPEECH_RMS / rms), dtype=np.float32)
        chosen.append((first, taken))
        room -= taken.size
        if room <= 0:
            break
    return np.concatenate([piece for _, piece in sorted(chosen, key=lambda each: each[0])] or [np.zeros(0, np.float32)])


def without_pauses(recording: Samples, rate_hz: int) -> Samples:
    """A recording of one person, float32 (n,), with its pauses cut to 0.3 s: what is to be enrolled is speech. Of one
    in which no speech is found, everything."""
    margin = LONGEST_PAUSE_S / 2
    end = Fraction(recording.size, rate_hz)
    pieces = []
    for island in _joined(speech_islands(levels_db([recording], rate_hz))):
        first, last = max(island.start - margin, Fraction(0)), min(island.end + margin, end)
        pieces.append(recording[sample_at(first, rate_hz) : sample_at(last, rate_hz)])
    return np.concatenate(pieces) if pieces else recording


def _joined(islands: Sequence[Span]) -> list[Span]:
    """Islands with the pauses between them that are short enough to stay."""
    joined: list[Span] = []
    for island in islands:
        if joined and island.start - joined[-1].end <= LONGEST_PAUSE_S:
            joined[-1] = Span(start=joined[-1].start, end=island.end)
        else:
            joined.append(island)
    return joined


def _rms(samples: Samples) -> float:
    return float(np.sqrt(np.mean(samples.astype(np.float64) ** 2))) if samples.size else 0.0
