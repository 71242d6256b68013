"""The end of a question raised where a voice lets it fall: Kokoro says "?" like a full stop in every language but
English (measured), and letter-based voices do not read marks at all.

Only the last half second is resynthesised (WORLD, see voice_polish), with the pitch of its last syllable bent upwards;
every time stays as it is.
"""

from __future__ import annotations

import importlib.util

import numpy as np
import numpy.typing as npt

from dub.pitch import LEAST_RISE_ST, final_rise_st
from engines.tts.contract import Speech
from engines.tts.voice_polish import _world

RISE_ST = 5.0
"""Semitones over the last syllable: under 3 a movement of the pitch says little, over 9 it astonishes (J. 't Hart,
R. Collier, A. Cohen, "A perceptual study of intonation", 1990)."""
SYLLABLE_S = 0.28

_TAIL_S = 1.0
_SPLICE_S = 0.02
_FRAME_MS = 5.0
_FLOOR_HZ, _CEIL_HZ = 65.0, 450.0
_LEAST_VOICED_S = 0.08

Floats = npt.NDArray[np.float64]


def rising(speech: Speech) -> Speech:
    """A question's speech with a rising end: as it is where the voice raises it by LEAST_RISE_ST itself, and where
    pyworld is not installed (the review measures every question and says so)."""
    own_st = final_rise_st(speech.samples, speech.rate_hz)
    if own_st is not None and own_st >= LEAST_RISE_ST:
        return speech
    if importlib.util.find_spec("pyworld") is None:
        return speech
    return with_final_rise(speech)


def with_final_rise(speech: Speech) -> Speech:
    """The same speech, of the same length, with its last voiced syllable rising by RISE_ST; as it is where the end has
    too little voice to bend."""
    first = max(0, speech.samples.size - round(_TAIL_S * speech.rate_hz))
    tail = speech.samples[first:].astype(np.float64)
    pyworld, rate_hz = _world(), speech.rate_hz
    pitch, times = pyworld.harvest(tail, rate_hz, f0_floor=_FLOOR_HZ, f0_ceil=_CEIL_HZ, frame_period=_FRAME_MS)
    voiced = np.flatnonzero(pitch > 0)
    if voiced.size * _FRAME_MS / 1000 < _LEAST_VOICED_S:
        return speech
    end_s = float(times[voiced[-1]])
    bent = _bent(pitch, times, end_s)
    envelope = pyworld.cheaptrick(tail, pitch, times, rate_hz)
    breath = pyworld.d4c(tail, pitch, times, rate_hz)
    made = pyworld.synthesize(bent, envelope, breath, rate_hz, _FRAME_MS)
    made = np.pad(made, (0, max(0, tail.size - made.size)))[: tail.size]
    joined = _spliced(tail, made, end_s - SYLLABLE_S, rate_hz)
    samples = np.concatenate([speech.samples[:first], joined.astype(np.float32)])
    return Speech(np.clip(samples, -1.0, 1.0), rate_hz, speech.phonemes)


def _bent(pitch: Floats, times: Floats, end_s: float) -> Floats:
    """F0 whose last syllable leaves the level it came in on and rises to its end; voiced frames alone."""
    before = pitch[(times > end_s - 2 * SYLLABLE_S) & (times <= end_s - SYLLABLE_S / 2) & (pitch > 0)]
    level = float(np.median(before if before.size else pitch[pitch > 0]))
    share = np.clip((times - (end_s - SYLLABLE_S)) / SYLLABLE_S, 0.0, 1.0)
    rising = level * 2 ** (RISE_ST * share / 12)
    come_in = np.minimum(1.0, 3 * share)  # over a third of the syllable from the voice's own melody to the rise
    mixed = np.exp((1 - come_in) * np.log(np.maximum(pitch, 1e-9)) + come_in * np.log(rising))
    return np.where(pitch > 0, np.clip(mixed, _FLOOR_HZ, _CEIL_HZ), 0.0)


def _spliced(tail: Floats, made: Floats, at_s: float, rate_hz: int) -> Floats:
    """`tail` up to the quietest hundredth of a second in the 0.2 s before `at_s`, `made` from there on: where the sound
    is weakest, the seam is not heard."""
    hop = rate_hz // 100
    last = max(1, round(at_s * rate_hz / hop))
    first = max(0, last - 20)
    power = [float((tail[i * hop : (i + 1) * hop] ** 2).mean()) for i in range(first, last)]
    middle = (first + int(np.argmin(power))) * hop + hop // 2
    n = round(_SPLICE_S * rate_hz)
    weight = np.clip((np.arange(tail.size) - (middle - n / 2)) / n, 0.0, 1.0)
    return np.asarray((1 - weight) * tail + weight * made)
