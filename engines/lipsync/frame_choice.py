"""Which frames of a face get a new mouth, which keep their own, and why: one reason per frame."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from dub.timecode import MASTER_RATE_HZ
from engines.face.contract import TrackedFace
from engines.lipsync.contract import SpokenSpan

Mask = npt.NDArray[np.bool_]

REASONS = (
    "kept: nobody speaks",
    "kept: no face",
    "kept: off-screen voice",
    "kept: unclear who speaks",
    "kept: too few frames of this face",
    "kept: mouth covered",
    "refused: turned away",
    "refused: out of the picture",
    "rendered: speaks",
    "rendered: mouth held shut",
)
NOBODY, NO_FACE, VOICE_OFF_SCREEN, UNCLEAR, NO_BANK, COVERED, TURNED, OUTSIDE, SPEAKS, HELD_SHUT = range(len(REASONS))

LARGEST_YAW_DEG, LARGEST_PITCH_DEG = 24.0, 36.0
"""As the tracker reads them: a real turn of 40 degrees reads as 22 to 24 (its mesh model takes up the rest)."""
TURNED_BACK = 0.88
"""A head that was turned away is taken up again at this share of the limits: at the limit itself, the tracker's noise
would let go of the mouth and catch it frame by frame."""
SHORTEST_GLANCE_S = 0.3
"""A shorter look between two turns is left alone."""
BRIDGE_S = 0.4
"""A pause this short is not worth letting go of the mouth and catching it again."""
BEFORE_S, AFTER_S, INHALE_S = 0.12, 0.15, 0.22
"""Lips move before the sound and settle after it; before an utterance they open to breathe in."""
RAMP_FRAMES = 3


def speech_of(
    code: int,
    spans: Iterable[SpokenSpan],
    shot: npt.NDArray[np.int64],
    frame_rate: Fraction,
    before_s: float = BEFORE_S,
) -> Mask:
    """(n_frames,): the frames in which face `code` (or OFF_SCREEN, UNCERTAIN) says one of the spans, with the lips'
    lead and settling around it, within its shot, and short pauses bridged. `shot` (n_frames,)."""
    n_frames, rate = len(shot), float(frame_rate)
    is_on = np.zeros(n_frames, bool)
    for span in spans:
        sounds = np.zeros(n_frames, bool)
        for start, end in [(p.start_sample, p.end_sample) for p in span.phonemes] or [
            (span.start_sample, span.end_sample)
        ]:
            first = int(np.floor((start / MASTER_RATE_HZ - before_s) * rate))
            last = int(np.floor((end / MASTER_RATE_HZ + AFTER_S) * rate))
            sounds[max(0, first) : max(0, last + 1)] = True
        for k, run in enumerate(span.shown):
            if run.face != code:
                continue
            first = 0 if k == 0 else run.first_frame
            end = n_frames if k == len(span.shown) - 1 else run.end_frame
            in_shots = (shot >= shot[min(run.first_frame, n_frames - 1)]) & (
                shot <= shot[min(run.end_frame, n_frames) - 1]
            )
            is_on[first:end] |= (sounds & in_shots)[first:end]
    return bridged(is_on, BRIDGE_S, frame_rate)


def bridged(is_on: Mask, longest_s: float, frame_rate: Fraction) -> Mask:
    """The mask with gaps of up to `longest_s` between two runs filled."""
    filled = is_on.copy()
    edges = np.flatnonzero(np.diff(is_on.astype(np.int8)))
    for fall, rise in itertools.pairwise(edges):
        if is_on[fall] and (rise - fall) <= longest_s * float(frame_rate):
            filled[fall + 1 : rise + 1] = True
    return filled


def decide(
    face: TrackedFace,
    is_dub: Mask,
    is_source: Mask,
    is_off_screen: Mask,
    is_unclear: Mask,
    *,
    has_bank: bool,
    is_inside: Mask,
    frame_rate: Fraction,
    is_covered: Mask | None = None,
) -> npt.NDArray[np.uint8]:
    """Index into REASONS per frame of one face, from masks (n_frames,): this face says the dub, said the source; a
    voice of the dub is off screen, is of nobody knows whom; its mouth lies in the picture, is covered by
    something. `has_bank`: it has a bank."""
    decision = np.full(face.n_frames, NOBODY, np.uint8)
    decision[is_off_screen] = VOICE_OFF_SCREEN
    decision[is_unclear] = UNCLEAR
    speaks = bridged(is_dub | is_source, BRIDGE_S, frame_rate)
    decision[speaks] = HELD_SHUT
    decision[is_dub] = SPEAKS
    if not has_bank:
        decision[speaks] = NO_BANK
    decision[speaks & ~is_inside & face.is_found] = OUTSIDE
    if is_covered is not None:
        decision[speaks & is_covered & has_bank] = COVERED
    decision[speaks & turned(face, frame_rate)] = TURNED
    decision[speaks & ~face.is_found] = NO_FACE
    return decision


def turned(face: TrackedFace, frame_rate: Fraction) -> Mask:
    """(n_frames,): turned beyond the range, and not yet well within it again."""
    extent = np.maximum(np.abs(face.yaw_deg) / LARGEST_YAW_DEG, np.abs(face.pitch_deg) / LARGEST_PITCH_DEG)
    away = np.zeros(face.n_frames, bool)
    for first, last in runs(extent > TURNED_BACK):  # NaN, no face, is not turned
        beyond = np.flatnonzero(extent[first:last] > 1)
        if len(beyond):
            away[first + beyond[0] : last] = True
    return bridged(away, SHORTEST_GLANCE_S, frame_rate)


def ramps(is_rendered: Mask, shot: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """0..1 (n_frames,): how much of the new mouth shows: 1 inside rendered runs, rising over RAMP_FRAMES at their ends,
    except where the run ends with its shot or with the title: a cut needs no ramp."""
    weight = is_rendered.astype(np.float32)
    for first, last in runs(is_rendered):
        starts_with_shot = first == 0 or shot[first - 1] != shot[first]
        ends_with_shot = last == len(shot) or shot[last] != shot[last - 1]
        for k in range(min(RAMP_FRAMES, last - first)):
            share = (k + 1) / (RAMP_FRAMES + 1)
            if not starts_with_shot:
                weight[first + k] = min(weight[first + k], share)
            if not ends_with_shot:
                weight[last - 1 - k] = min(weight[last - 1 - k], share)
    return weight


def runs(mask: Mask) -> list[tuple[int, int]]:
    """[first, last) of every run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(first), int(last)) for first, last in zip(edges[::2], edges[1::2], strict=True)]
