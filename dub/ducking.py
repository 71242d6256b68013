"""What becomes of the source's own sounds under the dub: gains over time for the bed and for the dialogue stem.

The bed is the programme less its speech, so some speech is left in it where somebody spoke. There, and where the
dub speaks, it is brought down, by no more than 15 dB and by no more than needed: what rises above the level that
the bed has between the lines is left-over speech, and 12 dB under the dub is low enough for all else. Elsewhere it
stays as it is. The dialogue stem itself, laughs and breaths, stays where no line is spoken and no take sounds.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from dub.levels import Curve, decibels
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

Mask = npt.NDArray[np.bool_]
"""bool (n_frames,), one per hundredth of a second."""


def frames_of(spans: Iterable[Span], n_frames: int, margin_s: float = 0.0) -> Mask:
    """Frames that any of the spans touches, each widened by `margin_s` at both ends."""
    mask = np.zeros(n_frames, bool)
    for span in spans:
        first = max(0, int(np.floor(100 * (float(span.start) - margin_s))))
        mask[first : max(first, int(np.ceil(100 * (float(span.end) + margin_s))))] = True
    return mask


def bed_gains(bed: Curve, in_source: Mask, dub: Curve, in_dub: Mask) -> Curve:
    """Amplitude gains <= 1 for the bed, per hundredth of a second.

    `bed`, `dub`: their powers over time; `in_source`, `in_dub`: where the source, where the dub speaks.
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
    return np.asarray(10 ** (-_eased(np.clip(duck_db, 0.0, DEEPEST_DUCK_DB), _RAMP_FRAMES) / 20))


def dialogue_gains(in_source: Mask, in_dub: Mask) -> Curve:
    """1 where neither a line nor a take is spoken, 0 where one is, with short ramps outside of them."""
    return np.asarray(1 - _eased((in_source | in_dub).astype(float), _CUT_RAMP_FRAMES))


def _stretches(mask: Mask) -> list[tuple[int, int]]:
    """[first, last) of the runs of True, those merged that are near each other."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    merged: list[tuple[int, int]] = []
    for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
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
