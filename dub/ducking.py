"""What becomes of the source's own sounds under the dub: gains over time for the bed and for the dialogue stem.

The bed is the programme less its speech, so some speech is left in it where somebody spoke. There, and where the
dub speaks, it is brought down, by no more than 15 dB and by no more than needed: what rises above the level that
the bed has between the lines is left-over speech, and 12 dB under the dub is low enough for all else. Elsewhere it
stays as it is. The dialogue stem itself, laughs and breaths, stays where nobody says words and no take sounds: between
the lines, and in the pauses inside them. A sound of its own that the dub hardly touches is kept whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from dub.levels import Curve, decibels
from dub.prosody import SourceProsody
from dub.script import DubScript
from dub.timecode import Span

UNDER_DUB_DB = 12.0
"""Speech is followed without effort from about 10 dB over its background on."""

DEEPEST_DUCK_DB = 15.0
_BLIND_DUCK_DB = 12.0
"""Where speech never pauses, the bed's own level can't be heard."""

_MERGE_FRAMES = 50
"""Half a second: a shorter breath between two lines is not worth coming up for."""

_RAMP_FRAMES = 15
_CUT_RAMP_FRAMES = 3
_LEAST_QUIET_FRAMES = 50
_SMOOTHING_FRAMES = 10
_OWN_PERCENT = 90
_TOUCHED_SHARE = 1 / 3
_HEARD = 10**-3.5
_CLOSED_FRAMES = 25

Mask = npt.NDArray[np.bool_]
"""bool (n_frames,), one per hundredth of a second."""


def frames_of(spans: Iterable[Span], n_frames: int, margin_s: float = 0.0) -> Mask:
    """Frames that any of the spans touches, each widened by `margin_s` at both ends."""
    mask = np.zeros(n_frames, bool)
    for span in spans:
        first = max(0, int(np.floor(100 * (float(span.start) - margin_s))))
        mask[first : max(first, int(np.ceil(100 * (float(span.end) + margin_s))))] = True
    return mask


def bed_gains(bed: Curve, in_source: Mask, dub: Curve, in_dub: Mask, pauses: Mask | None = None) -> Curve:
    """Amplitude gains <= 1 for the bed, per hundredth of a second.

    `bed`, `dub`: their powers over time; `in_source`, `in_dub`: where the source, where the dub speaks. `pauses`:
    inside lines, where the bed comes up faster than elsewhere: a breath or a laugh there is over in half a second.
    """
    level = decibels(np.convolve(bed, np.ones(_SMOOTHING_FRAMES) / _SMOOTHING_FRAMES, mode="same"))
    quiet = level[~in_source]
    own_db = float(np.percentile(quiet, _OWN_PERCENT)) if len(quiet) >= _LEAST_QUIET_FRAMES else None
    duck_db = np.where(in_source, _BLIND_DUCK_DB if own_db is None else level - own_db, 0.0)
    for first, last in _stretches(in_source | in_dub):
        stretch = slice(first, last)
        if in_dub[stretch].any():
            spoken_db = float(10 * np.log10(dub[stretch][in_dub[stretch]].mean() + 1e-30))
            beneath = float(np.median(level[stretch])) - (spoken_db - UNDER_DUB_DB)
            duck_db[stretch] = np.maximum(duck_db[stretch], beneath)
    duck_db = np.clip(duck_db, 0.0, DEEPEST_DUCK_DB)
    eased = _eased(duck_db, _RAMP_FRAMES)
    if pauses is not None:
        eased = np.where(pauses, _eased(duck_db, _CUT_RAMP_FRAMES), eased)
    return np.asarray(10 ** (-eased / 20))


def dialogue_gains(in_source: Mask, in_dub: Mask, sounds: Mask | None = None) -> Curve:
    """1 where nobody says words, in the source or the dub, 0 where somebody does, with short ramps outside of them.

    `sounds`: the source's sounds beside its words, each kept whole where at most a third of it meets the dub: a laugh
    cut off is worse than its last breath under a word.
    """
    silenced = in_source | in_dub
    for first, last in _runs(sounds) if sounds is not None else []:
        if in_dub[first:last].mean() <= _TOUCHED_SHARE:
            silenced[first:last] = in_source[first:last]
    return np.asarray(1 - _eased(silenced.astype(float), _CUT_RAMP_FRAMES))


def spoken_spans(script: DubScript, islands: Sequence[Span], prosody: SourceProsody) -> list[Span]:
    """Where the source says words: its lines, less the pauses inside them that were measured. A sound that runs on from
    a line belongs to it, for recognisers end words early; so does one that runs into a pause from either side."""
    spoken: list[Span] = []
    for line in script.utterances:
        pauses = [pause.span for pause in prosody.of(line.id).pauses]
        edges = [line.span.start, *(edge for pause in pauses for edge in (pause.start, pause.end)), line.span.end]
        spoken += [Span(start=start, end=max(start, end)) for start, end in zip(edges[::2], edges[1::2], strict=True)]
    end = max((span.end for span in (*spoken, *islands)), default=Fraction(0))
    in_line = frames_of(spoken, int(100 * end) + 2)
    own = {(sound.start, sound.end) for sound in prosody.sounds}
    return spoken + [
        island for island in islands if (island.start, island.end) not in own and in_line[frames_in(island)].any()
    ]


def frames_in(span: Span) -> slice:
    """The frames that a span touches."""
    return slice(int(np.floor(100 * float(span.start))), int(np.ceil(100 * float(span.end))))


def sounding(power: Curve) -> Mask:
    """Where the dub is heard: frames not 35 dB under its loudest, gaps of up to a quarter of a second closed."""
    mask = power > power.max(initial=0.0) * _HEARD
    for first, last in _runs(~mask):
        if first > 0 and last < len(mask) and last - first <= _CLOSED_FRAMES:
            mask[first:last] = True
    return np.asarray(mask)


def widened(mask: Mask, margin_s: float) -> Mask:
    """A mask with every run longer by `margin_s` at both ends."""
    reach = round(100 * margin_s)
    return np.asarray(np.convolve(mask, np.ones(2 * reach + 1), mode="same") > 0.5)


def _runs(mask: Mask) -> list[tuple[int, int]]:
    """[first, last) of the runs of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _stretches(mask: Mask) -> list[tuple[int, int]]:
    """[first, last) of the runs of True, those merged that are near each other."""
    merged: list[tuple[int, int]] = []
    for first, last in _runs(mask):
        if merged and first - merged[-1][1] < _MERGE_FRAMES:
            merged[-1] = (merged[-1][0], last)
        else:
            merged.append((first, last))
    return merged


def _eased(curve: Curve, ramp_frames: int) -> Curve:
    """Steps become ramps of 2 x `ramp_frames` outside of the higher side, which keeps its full value throughout."""
    if not curve.size:
        return curve
    width = 2 * ramp_frames + 1
    widened = np.lib.stride_tricks.sliding_window_view(np.pad(curve, ramp_frames, "edge"), width).max(axis=1)
    window = np.hanning(width + 2)[1:-1]
    return np.convolve(np.pad(widened, ramp_frames, "edge"), window / window.sum(), mode="valid")
