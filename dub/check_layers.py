"""Checks of the finished sound: is every word in it, what sounds over the dub's voice, and what voice under it.

The finished sound is a sum: every take at some gain, and a rest. Each take is known to the sample, so its gain is a
regression, and what it leaves is the rest. The source's voice is known too, so its share of that rest is another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from dub.finding import Finding, Level
from dub.gates import Gates, not_measured

Samples = npt.NDArray[np.float32]

INAUDIBLE_DB = 60.0
"""No ratio is told to be more than this: what a lossy codec adds lies above it."""


WINDOW_S = 0.1
SOUNDING_DB = -20.0
"""Of a take's windows, those within this of its mean level are words, the others pauses and breaths."""
LOST_GAIN = 0.3
"""A window at less than this share of its take's gain is lost; a limiter takes no more than half, and loud music moves
a window's gain by 0.15."""


@dataclass(frozen=True)
class Piece:
    """A take: the mono sound, float32 (n_samples,), that begins at sample `start` of the title."""

    utterance_id: str
    start: int
    sound: Samples

    @property
    def end(self) -> int:
        return self.start + len(self.sound)


@dataclass(frozen=True)
class Layers:
    """Levels while the dub speaks, in dB. `voice_over_rest`: its voice over all else; `source_voice`: the source's
    voice against the dub's. None where there is nothing to tell them by. `lost_s`: by utterance, how many seconds of
    its take's words are not in the sound, where any are."""

    voice_over_rest: float | None
    source_voice: float | None
    lost_s: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class _Voiced:
    """A take and the gain at which it stands in the finished sound."""

    take: Piece
    gain: float


def layers_of(
    sound: Samples, takes: Iterable[Piece], source: Samples, spoken: Iterable[tuple[int, int]], rate_hz: int
) -> Layers:
    """`sound`, `source`: the finished sound and the source's dialogue stem, float32 (n_channels, n_samples) on one
    clock; `spoken`: where the source says words, (start, end) in samples. Takes that lie over one another count as each
    other's rest. Holds a take or a span at a time, not the title."""
    n_samples = min(sound.shape[1], source.shape[1])
    voiced = []
    for take in takes:
        piece = _within(take, n_samples)
        if np.any(piece.sound):
            voiced.append(_Voiced(piece, _gain(_mono(sound, piece.start, piece.end), piece.sound)))
    voice_power = sum(each.gain**2 * _power(each.take.sound) for each in voiced)
    if voice_power <= 0:
        return Layers(None, None)
    rest_power, lost_s = 0.0, {}
    usual_gain = float(np.median([each.gain for each in voiced]))
    for each in voiced:
        there = _mono(sound, each.take.start, each.take.end)
        rest_power += _power(there - np.float32(each.gain) * each.take.sound)
        if lost := _lost_s(there, each.take.sound, max(each.gain, usual_gain / 2), rate_hz):
            lost_s[each.take.utterance_id] = lost
    over_rest = min(INAUDIBLE_DB, _decibels(voice_power / max(rest_power, 1e-12)))
    left_power, n_source = 0.0, 0
    for start, end in spoken:
        theirs = _mono(source, start, min(end, n_samples))
        if np.any(theirs):
            rest = _rest(sound, voiced, start, start + len(theirs))
            left_power += max(0.0, _gain(rest, theirs)) ** 2 * _power(theirs)
            n_source += len(theirs)
    if not n_source:
        return Layers(over_rest, None, lost_s)
    n_dub = sum(len(each.take.sound) for each in voiced)
    return Layers(over_rest, max(-INAUDIBLE_DB, _decibels(left_power / n_source / (voice_power / n_dub))), lost_s)


def check_layers(layers: Layers, gates: Gates) -> tuple[Finding, ...]:
    """Of one dub's finished sound. A dub without a word has nothing to drown."""
    if layers.voice_over_rest is None:
        return (not_measured("speech_over_rest", "the dub says nothing", matters=False),)
    return (*_check_whole(layers.lost_s, gates), *_check_levels(layers.voice_over_rest, layers.source_voice, gates))


def _check_whole(lost_s: Mapping[str, float], gates: Gates) -> list[Finding]:
    findings = [
        gates.finding(
            "words_lost",
            seconds,
            f"{seconds:.1f} s of this line's words are not in the finished sound.",
            todo="It is cut off: mix again, and hear it to its end.",
            utterance_id=id_,
        )
        for id_, seconds in lost_s.items()
    ]
    told = [finding for finding in findings if finding.level is not Level.OK]
    whole = gates.finding("words_lost", 0.0, "Every line's words are in the finished sound, from first to last.")
    return told or [whole]


def _check_levels(voice_over_rest: float, source_voice: float | None, gates: Gates) -> tuple[Finding, ...]:
    over = gates.finding(
        "speech_over_rest",
        voice_over_rest,
        f"While it speaks, the dub's voice is {voice_over_rest:.0f} dB over all other sound.",
        todo="Music or noise drowns it: lower the background, or raise the voice, and mix again.",
    )
    if source_voice is None:
        return over, not_measured("source_voice_left", "the source's voice is silent", matters=False)
    left = gates.finding(
        "source_voice_left",
        source_voice,
        f"The source's own voice is {-source_voice:.0f} dB under the dub's.",
        todo="Two voices are heard at once: separate the speech again, or lower the background.",
    )
    return over, left


def _lost_s(there: Samples, take: Samples, gain: float, rate_hz: int) -> float:
    """Seconds of the take's sounding windows that are hardly there. `gain`: of the take as a whole."""
    window = round(WINDOW_S * rate_hz)
    n = len(take) // window
    heard, said = (part[: n * window].reshape(n, window).astype(np.float64) for part in (there, take))
    power = np.square(said).mean(axis=1)
    sounds = power > 10 ** (SOUNDING_DB / 10) * float(np.square(take, dtype=np.float64).mean())
    gains = (heard * said).sum(axis=1) / np.maximum(window * power, 1e-12)
    return float((sounds & (gains < LOST_GAIN * gain)).sum() * WINDOW_S)


def _within(piece: Piece, n_samples: int) -> Piece:
    start = min(max(0, piece.start), n_samples)
    return Piece(
        piece.utterance_id,
        start,
        piece.sound[start - piece.start : max(start, min(piece.end, n_samples)) - piece.start],
    )


def _mono(sound: Samples, start: int, end: int) -> Samples:
    return np.asarray(sound[:, start : max(start, end)].mean(axis=0, dtype=np.float32))


def _rest(sound: Samples, voiced: Iterable[_Voiced], start: int, end: int) -> Samples:
    """What the finished sound has there besides the takes."""
    rest = _mono(sound, start, end)
    for each in voiced:
        first, last = max(start, each.take.start), min(end, each.take.end)
        if first < last:
            part = each.take.sound[first - each.take.start : last - each.take.start]
            rest[first - start : last - start] -= np.float32(each.gain) * part
    return rest


def _gain(mixed: Samples, part: Samples) -> float:
    """By which `part` is best taken out of `mixed`: least squares."""
    return float(np.dot(mixed.astype(np.float64), part.astype(np.float64))) / max(_power(part), 1e-12)


def _power(sound: Samples) -> float:
    return float(np.sum(np.square(sound, dtype=np.float64)))


def _decibels(ratio: float) -> float:
    return float(10 * np.log10(max(ratio, 1e-12)))
