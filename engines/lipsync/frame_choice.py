"""Which frames get a new mouth, which keep their own, and why: one reason per frame."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from dub.timecode import MASTER_RATE_HZ
from engines.face.contract import TrackedFace
from engines.lipsync.contract import SpokenSpan
from engines.lipsync.mouth_geometry import shot_numbers

Mask = npt.NDArray[np.bool_]

REASONS = (
    "kept: nobody speaks",
    "kept: no face",
    "kept: off-screen voice",
    "kept: too few frames of this face",
    "refused: turned away",
    "refused: out of the picture",
    "rendered: speaks",
    "rendered: mouth held shut",
)
NOBODY, NO_FACE, OFF_SCREEN, NO_BANK, TURNED, OUTSIDE, SPEAKS, HELD_SHUT = range(len(REASONS))

LARGEST_YAW_DEG, LARGEST_PITCH_DEG = 24.0, 36.0
"""As the tracker reads them: a real turn of 40 degrees reads as 22 to 24 (its mesh model takes up the rest)."""
BRIDGE_S = 0.4
"""A pause this short is not worth letting go of the mouth and catching it again."""
BEFORE_S, AFTER_S, INHALE_S = 0.12, 0.15, 0.22
"""Lips move before the sound and settle after it; before an utterance they open to breathe in."""
STILL = 0.02
"""Spread of the aperture (5th to 95th percentile, IOD) under which a mouth did not speak: tracking noise is 0.005."""
LEAST_SPEECH_S = 0.8
RAMP_FRAMES = 3


def dub_speech(spoken: tuple[SpokenSpan, ...], frame_rate: Fraction, n_frames: int) -> Mask:
    """(n_frames,): the dub sounds, with short pauses bridged and the lips' lead and settling around it."""
    is_on = np.zeros(n_frames, bool)
    for span in spoken:
        edges = [(phoneme.start_sample, phoneme.end_sample) for phoneme in span.phonemes]
        for start, end in edges or [(span.start_sample, span.end_sample)]:
            _mark(is_on, start / MASTER_RATE_HZ - BEFORE_S, end / MASTER_RATE_HZ + AFTER_S, frame_rate)
    return bridged(is_on, BRIDGE_S, frame_rate)


def source_speech(islands: list[tuple[float, float]], frame_rate: Fraction, n_frames: int) -> Mask:
    """(n_frames,): somebody speaks in the source; seconds in, margins and bridges as for the dub."""
    is_on = np.zeros(n_frames, bool)
    for start_s, end_s in islands:
        _mark(is_on, start_s - INHALE_S, end_s + AFTER_S, frame_rate)
    return bridged(is_on, BRIDGE_S, frame_rate)


def _mark(is_on: Mask, start_s: float, end_s: float, frame_rate: Fraction) -> None:
    first, last = (int(np.floor(second * float(frame_rate))) for second in (start_s, end_s))
    is_on[max(0, first) : max(0, last + 1)] = True


def bridged(is_on: Mask, longest_s: float, frame_rate: Fraction) -> Mask:
    """The mask with gaps of up to `longest_s` between two runs filled."""
    filled = is_on.copy()
    edges = np.flatnonzero(np.diff(is_on.astype(np.int8)))
    for fall, rise in itertools.pairwise(edges):
        if is_on[fall] and (rise - fall) <= longest_s * float(frame_rate):
            filled[fall + 1 : rise + 1] = True
    return filled


def voice_off_screen(face: TrackedFace, is_speech: Mask, frame_rate: Fraction) -> Mask:
    """(n_frames,): frames of shots in which the source speaks and the mouth in the picture never moves: a narrator's
    shot. Asked of whole shots only; who speaks among several faces is not answered here."""
    off = np.zeros(face.n_frames, bool)
    numbers = shot_numbers(face)
    aperture = face.aperture
    for shot in np.unique(numbers):
        own = numbers == shot
        heard = own & is_speech & face.is_found
        if heard.sum() < LEAST_SPEECH_S * float(frame_rate):
            continue
        low, high = np.quantile(aperture[heard], [0.05, 0.95])
        off[own] = high - low < STILL
    return off


def decide(
    face: TrackedFace,
    is_dub: Mask,
    is_source: Mask,
    is_off_screen: Mask,
    has_bank: Mask,
    is_inside: Mask,
    frame_rate: Fraction,
) -> npt.NDArray[np.uint8]:
    """Index into REASONS per frame. `has_bank` (n_frames,): this face has a bank; `is_inside`: its mouth lies
    in the picture."""
    decision = np.full(face.n_frames, NOBODY, np.uint8)
    decision[bridged(is_dub | is_source, BRIDGE_S, frame_rate)] = HELD_SHUT
    decision[is_dub] = SPEAKS
    speaks = decision != NOBODY
    decision[speaks & ~has_bank] = NO_BANK
    decision[speaks & is_off_screen] = OFF_SCREEN
    decision[speaks & ~is_inside & face.is_found] = OUTSIDE
    is_turned = (np.abs(face.yaw_deg) > LARGEST_YAW_DEG) | (np.abs(face.pitch_deg) > LARGEST_PITCH_DEG)
    decision[speaks & is_turned] = TURNED
    decision[speaks & ~face.is_found] = NO_FACE
    return decision


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
