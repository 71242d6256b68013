"""When speech sounds on a dialogue stem, from its energy: to the hundredth of a second, which no recogniser gives."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from dub.timecode import Span

FRAME_S = Fraction(1, 100)
_SMOOTHING_FRAMES = 3
_QUIETEST_SPEECH_DB = -70.0
"""Below this nothing is called speech, however quiet the rest is: digital silence has no speech in it."""
_LOUD_PERCENT = 97
_STEP_FRAMES, _AROUND_FRAMES = 500, 750
_QUIET_SPEAKER_DB = 18.0
_ABOVE_FLOOR_DB = 12.0
_BELOW_PEAK_DB = 24.0
"""Speech keeps within this of its loudest; breaths on a denoised stem lie some 27 dB below."""
_EDGE_ABOVE_FLOOR_DB = 6.0
_START_BELOW_ONSET_DB = 6.0
_END_BELOW_ONSET_DB = 10.0
"""Speech dies away softer than it sets in, and what comes just before it is breath."""
_CLOSURE_S = Fraction(15, 100)
"""Stops are closed for up to ~0.15 s inside a word: a gap that short is no pause."""
_SHORTEST_S = Fraction(6, 100)


def levels_db(blocks: Iterable[npt.NDArray[np.float32]], rate_hz: int) -> npt.NDArray[np.float32]:
    """Mean power per hundredth of a second, in dBFS, smoothed over three; float32 (n_frames,).

    `blocks`: mono float32 (n,) pieces of any length, in order, so a long stem is never held whole.
    """
    hop = rate_hz // 100
    powers: list[npt.NDArray[np.float64]] = []
    rest = np.zeros(0, np.float32)
    for block in blocks:
        samples = np.concatenate([rest, block])
        n_frames = len(samples) // hop
        frames = samples[: n_frames * hop].astype(np.float64).reshape(n_frames, hop)
        powers.append((frames**2).mean(axis=1))
        rest = samples[n_frames * hop :]
    if len(rest):
        powers.append(np.array([float((rest.astype(np.float64) ** 2).mean())]))
    power = np.concatenate(powers) if powers else np.zeros(0)
    if len(power) >= _SMOOTHING_FRAMES:
        power = np.convolve(power, np.ones(_SMOOTHING_FRAMES) / _SMOOTHING_FRAMES, mode="same")
    return (10 * np.log10(power + 1e-12)).astype(np.float32)


def speech_islands(levels: npt.NDArray[np.float32]) -> tuple[Span, ...]:
    """Stretches where speech sounds, in order, not touching; () for a silent stem.

    The onset threshold lies between the stem's own noise floor and its loudest speech; each island then reaches out
    to where the level falls near the floor, so that soft consonants at its ends belong to it.
    """
    if not len(levels):
        return ()
    floor = float(np.percentile(levels, 15))
    loud = _loud_around(levels)
    if loud.max() < _QUIETEST_SPEECH_DB:
        return ()
    onset = np.maximum(
        np.maximum(_QUIETEST_SPEECH_DB, np.minimum(floor + _ABOVE_FLOOR_DB, loud - 10)), loud - _BELOW_PEAK_DB
    )
    start_edge, end_edge = (
        np.maximum(floor + _EDGE_ABOVE_FLOOR_DB, onset - below)
        for below in (_START_BELOW_ONSET_DB, _END_BELOW_ONSET_DB)
    )
    islands = [
        (_reach(levels, first, -1, start_edge[first]), _reach(levels, last - 1, 1, end_edge[last - 1]) + 1)
        for first, last in _runs(levels >= onset)
    ]
    merged: list[tuple[int, int]] = []
    for first, last in islands:
        if merged and (first - merged[-1][1]) * FRAME_S < _CLOSURE_S:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return tuple(
        Span(start=first * FRAME_S, end=last * FRAME_S)
        for first, last in merged
        if (last - first) * FRAME_S >= _SHORTEST_S
    )


def _loud_around(levels: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """The loud level in the 20 s around each frame, so that who speaks rarely or far from the microphone is heard
    too; never more than 18 dB below the loudest of all, so that silence does not count as quiet speech."""
    loud = np.empty(len(levels))
    for first in range(0, len(levels), _STEP_FRAMES):
        around = levels[max(0, first - _AROUND_FRAMES) : first + _STEP_FRAMES + _AROUND_FRAMES]
        loud[first : first + _STEP_FRAMES] = np.percentile(around, _LOUD_PERCENT)
    loud[:] = np.maximum(loud, loud.max() - _QUIET_SPEAKER_DB)
    return loud


def _runs(mask: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """[first, last) of every run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(first), int(last)) for first, last in zip(edges[::2], edges[1::2], strict=True)]


def _reach(levels: npt.NDArray[np.float32], frame: int, step: int, edge: float) -> int:
    """Walk from `frame` while the level stays at or above `edge`, at most 0.12 s."""
    for _ in range(12):
        if not 0 <= frame + step < len(levels) or levels[frame + step] < edge:
            break
        frame += step
    return frame
