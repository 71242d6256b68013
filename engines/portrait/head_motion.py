"""How the head and the eyelids of a portrait move: curves over time, from the speech's loudness and a seed.

A head at rest sways slowly; in speech it moves more, and nods on stressed syllables (Munhall et al. 2004: head motion
follows loudness and pitch). Blinks come every 2 to 6 s and last 150 to 400 ms (Doughty 2001), not amid a stress.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from dub.timecode import MASTER_RATE_HZ

Floats = npt.NDArray[np.float64]

MOST_YAW_DEG, MOST_PITCH_DEG, MOST_ROLL_DEG = 4.0, 3.0, 1.8
"""Bounds at amplitude 1: what one photo can be turned by before its unseen sides would show."""
MOST_SHIFT = 0.02
"""Bound of the sideways and upward sway, IOD."""
NOD_DEG = 1.6
NOD_S, NODS_APART_S = 0.42, 0.55
SWAY_HZ = (0.07, 0.45)
"""Band of the slow sway."""
N_WAVES = 6
QUIET_SWAY = 0.55
"""Share of the sway that is left in pauses."""
BLINK_EVERY_S = (2.0, 6.0)
BLINK_S = (0.2, 0.34)
BLINK_SHUT = 0.25
"""Share of a blink in which the eye is wholly shut; a third of the rest closes it, two thirds open it."""
FROM_STRESS_S = 0.18
"""A blink's middle keeps this far from a stress."""
BROW_LIFT = 0.035
"""IOD by which the brows rise on the strongest stress."""


@dataclass(frozen=True)
class HeadMotion:
    """(n_frames,) each. `yaw`, `pitch`, `roll` in radians; `dx`, `dy` in IOD, to the picture's right and down; `lids`
    0 open .. 1 shut; `brows` in IOD, upwards. `stresses`: seconds."""

    yaw: Floats
    pitch: Floats
    roll: Floats
    dx: Floats
    dy: Floats
    lids: Floats
    brows: Floats
    stresses: tuple[float, ...]


def head_motion(loudness: Floats, frame_rate: Fraction, amplitude: float, seed: int) -> HeadMotion:
    """`loudness` (n_frames,): see `frame_loudness`. The same arguments give the same curves."""
    rng = np.random.default_rng(seed)
    rate, n_frames = float(frame_rate), len(loudness)
    times = (np.arange(n_frames) + 0.5) / rate
    speaks = _slow(np.minimum(loudness * 3, 1.0), 0.4 * rate)
    liveliness = amplitude * (QUIET_SWAY + (1 - QUIET_SWAY) * speaks)
    sway = [_waves(times, rng) * liveliness for _ in range(5)]
    stresses = stressed(loudness, rate)
    nods, lifts = np.zeros(n_frames), np.zeros(n_frames)
    for at in stresses:
        strength = float(loudness[min(n_frames - 1, int(at * rate))]) * rng.uniform(0.6, 1.0)
        nods += strength * _bump(times, at + 0.04, NOD_S)
        lifts += strength * _bump(times, at, 1.5 * NOD_S) * rng.uniform(0.0, 1.0)
    pitch_deg = 0.45 * MOST_PITCH_DEG * sway[1] + amplitude * NOD_DEG * nods
    most = max(amplitude, 1e-9)
    return HeadMotion(
        yaw=np.radians(_within(0.8 * MOST_YAW_DEG * sway[0], most * MOST_YAW_DEG)),
        pitch=np.radians(_within(pitch_deg, most * MOST_PITCH_DEG)),
        roll=np.radians(_within(0.8 * MOST_ROLL_DEG * sway[2], most * MOST_ROLL_DEG)),
        dx=_within(0.8 * MOST_SHIFT * sway[3], most * MOST_SHIFT),
        dy=_within(0.8 * MOST_SHIFT * sway[4], most * MOST_SHIFT),
        lids=blinks(times, stresses, rng),
        brows=amplitude * BROW_LIFT * np.minimum(lifts, 1.0),
        stresses=stresses,
    )


def frame_loudness(dialogue: npt.NDArray[np.float32], frame_rate: Fraction, n_frames: int) -> Floats:
    """(n_frames,) 0..1: RMS around each frame of a mono 48 kHz sound, against its own loud speech (95th percentile of
    what is heard). Reads the sound frame by frame."""
    edges = [round(i * MASTER_RATE_HZ / frame_rate) for i in range(n_frames + 1)]
    pieces = (np.asarray(dialogue[a:b], np.float64) for a, b in itertools.pairwise(edges))
    rms = np.array([np.sqrt(np.mean(piece**2)) if len(piece) else 0.0 for piece in pieces])
    heard = rms[rms > 1e-4]
    if not len(heard):
        return np.zeros(n_frames)
    return np.clip(rms / np.quantile(heard, 0.95), 0.0, 1.0)


def stressed(loudness: Floats, rate: float) -> tuple[float, ...]:
    """Times (s) of the loudness' peaks, strongest first within NODS_APART_S, in order."""
    smooth = _slow(loudness, 0.06 * rate)
    if len(smooth) < 3:
        return ()
    inner = smooth[1:-1]
    peaks = 1 + np.flatnonzero((inner >= smooth[:-2]) & (inner > smooth[2:]) & (inner > 0.45))
    kept: list[int] = []
    for peak in sorted(peaks, key=lambda frame: -smooth[frame]):
        if all(abs(peak - other) >= NODS_APART_S * rate for other in kept):
            kept.append(int(peak))
    return tuple((frame + 0.5) / rate for frame in sorted(kept))


def blinks(times: Floats, stresses: tuple[float, ...], rng: np.random.Generator) -> Floats:
    """(n_frames,) 0 open .. 1 shut. Every blink is wholly shut in at least one frame."""
    lids = np.zeros(len(times))
    if not len(times):
        return lids
    step = times[1] - times[0] if len(times) > 1 else 0.04
    at = rng.uniform(0.8, BLINK_EVERY_S[1] / 2)
    while at < times[-1]:
        lasts = rng.uniform(*BLINK_S)
        while any(abs(at - stress) < FROM_STRESS_S for stress in stresses):
            at += step
        middle = times[min(len(times) - 1, int(at / step))]  # on a frame: a shut eye is seen shut
        shut = BLINK_SHUT * lasts
        closing, opening = (lasts - shut) / 3, 2 * (lasts - shut) / 3
        off = times - middle
        ramp = np.where(off < 0, (off + shut / 2 + closing) / closing, (shut / 2 + opening - off) / opening)
        ramp = np.clip(ramp, 0.0, 1.0)
        lids = np.maximum(lids, ramp * ramp * (3 - 2 * ramp))
        at = middle + rng.uniform(*BLINK_EVERY_S)
    return lids


def _waves(times: Floats, rng: np.random.Generator) -> Floats:
    """Band-limited noise with a spread of about 0.5, hardly ever beyond 1."""
    hertz = rng.uniform(*SWAY_HZ, N_WAVES)
    phase = rng.uniform(0, 2 * np.pi, N_WAVES)
    size = rng.uniform(0.6, 1.0, N_WAVES) / np.sqrt(hertz / SWAY_HZ[0])
    waves = (size[:, None] * np.sin(2 * np.pi * hertz[:, None] * times + phase[:, None])).sum(axis=0)
    spread: Floats = 0.5 * waves / np.sqrt(0.5 * (size**2).sum())
    return spread


def _bump(times: Floats, at: float, lasts: float) -> Floats:
    """A raised cosine of height 1."""
    off = np.clip((times - at) / (lasts / 2), -1, 1)
    return 0.5 * (1 + np.cos(np.pi * off))


def _within(values: Floats, most: float) -> Floats:
    """Softly bounded to +-most."""
    return most * np.tanh(values / most)


def _slow(values: Floats, sd_frames: float) -> Floats:
    """Gaussian low pass, ends repeated."""
    reach = max(1, round(2.5 * sd_frames))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(sd_frames, 1e-6)) ** 2)
    padded = np.pad(values, reach, mode="edge") if len(values) else np.zeros(2 * reach)
    return np.convolve(padded, kernel / kernel.sum(), mode="valid")[: len(values)]
