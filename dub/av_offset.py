"""Is the mouth's movement the sound's, and how far are they apart? From one clip alone, without any network.

A ridge regression (Hoerl and Kennard, 1970) learns, on four fifths of the clip, the lips' movement from the sound
around each frame, and foretells the fifth that it did not see; how well that goes (Pearson's r) as a function of a
shift between sound and picture has its peak where they belong together. Per-video regression of lip openness on MFCC is
what tied face to voice before networks (Yehia, Rubin and Vatikiotis-Bateson, 1998); the search over shifts is SyncNet's
(Chung and Zisserman, 2016).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

ROWS_PER_S = 100
"""Rate of the cepstra."""
SHORTEST_S = 9.0
"""Of frames with a face. In shorter clips false peaks are as high as true ones."""
LONGEST_S = 120.0
"""More is not looked at: the part with the most sound and face says enough, and the cost stays bounded."""
REACH_S, STEP_S = 0.08, 0.02
"""The sound that a frame's lips are read from: 80 ms to both sides, every 20 ms. Wider reaches find the same peak, but
blunt (measured with 160 ms: as wide as it is high)."""
MOST_SHIFT_S = 0.8
N_FOLDS, GUARD_S = 5, 0.5
"""Frames nearer than the guard to the hidden fifth are not learnt from: they would give it away."""
RIDGE = 2.0
TREND_S = 2.0
"""Slower changes of mouth and sound (smiles, pauses, wind) are taken out: they agree at any shift."""
N_ELSEWHERE = 60
CLEAR = 3.0
"""Confidence from which a peak counts. 40 wrong pairs (another clip's sound, sound backwards or seconds off) reach 2.96
at most; five clips in sync reach 2.7 to 5.4 (docs/mouth-metrics.md)."""
RIVAL_S, RIVAL = 0.3, 0.9
"""In clips that are measured right the next peak reaches 0.10 to 0.87 of the highest."""


@dataclass(frozen=True)
class AvOffset:
    """`shifts` (n,) frames and `r` (n,): how well the lips are foretold when the sound is taken that much later.

    `elsewhere` (60,): r where sound and picture are shifted round the clip by seconds: what chance gives. `frames`: the
    peak's place, the middle of its upper half; positive: the sound comes late. `confidence`: the peak above the mean of
    `elsewhere` in its standard deviations. `r_in_sync`: best r within 2 frames of no shift.
    """

    shifts: npt.NDArray[np.int64]
    r: Floats
    elsewhere: Floats
    frames: float
    confidence: float
    frame_rate: Fraction

    @property
    def peak(self) -> float:
        return float(self.r.max())

    @property
    def is_clear(self) -> bool:
        """Far enough from chance, and nothing over 300 ms away stands nearly as high."""
        away = np.abs(self.shifts - self.frames) > RIVAL_S * float(self.frame_rate)
        return self.confidence >= CLEAR and bool((self.r[away] < RIVAL * self.peak).all())

    @property
    def ms(self) -> float:
        return 1000 * self.frames / float(self.frame_rate)

    @property
    def r_in_sync(self) -> float:
        return float(self.r[np.abs(self.shifts) <= 2].max())


def av_offset(cepstra: Floats, aperture: Floats, frame_rate: Fraction) -> AvOffset | None:
    """Measure the shift between sound and lips; None where under 9 s show a face, or lips or sound never change.

    `cepstra` (n_rows, n): 100 rows a second from the first frame's time on, row i around (i + 1/2) / 100 s; column 0
    the level. `aperture` (n_frames,): NaN without a face. What is foretold is the aperture and its slope: how fast lips
    open says more of when than how far they are open (measured on five clips: the true peak stands 2.7 to 5.1
    deviations out with it, 2.2 to 3.7 without; the mouth's width adds false peaks).
    """
    first, last = _busiest(cepstra, aperture, frame_rate)
    seen = np.isfinite(aperture[first:last])
    if seen.sum() < SHORTEST_S * frame_rate:
        return None
    mouth = _with_slope(aperture[first:last])
    n_rows = int((last - first) * ROWS_PER_S / frame_rate)
    sound = cepstra[int(first * ROWS_PER_S / frame_rate) :][:n_rows].astype(np.float64)
    if len(sound) < n_rows - ROWS_PER_S:
        return None
    mouth = _without_trend(mouth, round(TREND_S * frame_rate))
    sound = _without_trend(sound, round(TREND_S * ROWS_PER_S))
    if min(mouth.std(axis=0).min(), sound.std(axis=0).min()) < 1e-9:
        return None
    mouth, sound = mouth / mouth.std(axis=0), sound / sound.std(axis=0)
    rate = float(frame_rate)
    most = round(MOST_SHIFT_S * rate)
    shifts = np.arange(-most, most + 1)
    r = np.array([_foretold(mouth, sound, seen, rate, shift / rate) for shift in shifts])
    length_s = len(mouth) / rate
    far = np.linspace(MOST_SHIFT_S + 0.5, length_s - MOST_SHIFT_S - 0.5, N_ELSEWHERE)
    elsewhere = np.array([_foretold(mouth, sound, seen, rate, shift_s) for shift_s in far])
    return AvOffset(
        shifts=shifts,
        r=r.astype(np.float32),
        elsewhere=elsewhere.astype(np.float32),
        frames=_middle_of_peak(r) - most,
        confidence=float((r.max() - elsewhere.mean()) / max(elsewhere.std(), 1e-6)),
        frame_rate=frame_rate,
    )


def _busiest(cepstra: Floats, aperture: Floats, frame_rate: Fraction) -> tuple[int, int]:
    """First and last frame of what shows a face; of a longer one the two minutes with the most loud frames of it."""
    known = np.flatnonzero(np.isfinite(aperture))
    if not len(known):
        return 0, 0
    n, length = len(aperture), int(LONGEST_S * frame_rate)
    if known[-1] + 1 - known[0] <= length:
        return int(known[0]), int(known[-1]) + 1
    rows = np.minimum((np.arange(n) * ROWS_PER_S / float(frame_rate)).astype(int), len(cepstra) - 1)
    level = cepstra[rows, 0]
    busy = np.isfinite(aperture) & (level > np.quantile(level, 0.3))
    total = np.concatenate([[0], np.cumsum(busy)])
    starts = np.arange(0, n - length + 1, round(frame_rate))
    first = int(starts[np.argmax(total[starts + length] - total[starts])])
    known = known[(known >= first) & (known < first + length)]
    return int(known[0]), int(known[-1]) + 1


def _with_slope(aperture: Floats) -> Doubles:
    """(n, 2). Frames without a face take what lies between their neighbours: they are stood in for, never counted."""
    at, known = np.arange(len(aperture)), np.isfinite(aperture)
    filled = np.interp(at, at[known], aperture[known].astype(np.float64))
    return np.stack([filled, np.gradient(filled)], axis=1)


def _without_trend(values: Doubles, trend: int) -> Doubles:
    """Less the moving mean over `trend` rows."""
    window = np.ones(trend) / trend
    padded = np.pad(values, ((trend // 2, trend - 1 - trend // 2), (0, 0)), mode="edge")
    trends: Doubles = np.stack([np.convolve(column, window, mode="valid") for column in padded.T], axis=1)
    return values - trends


def _foretold(mouth: Doubles, sound: Doubles, seen: npt.NDArray[np.bool_], rate: float, shift_s: float) -> float:
    """Mean over the mouth's columns of r between what was seen and what was foretold, the sound `shift_s` later."""
    n = len(mouth)
    middles = (np.arange(n) + 0.5) / rate + shift_s
    around = np.arange(-REACH_S, REACH_S + STEP_S / 2, STEP_S)
    rows = np.round((middles[:, None] + around) * ROWS_PER_S - 0.5).astype(int) % len(sound)
    heard = sound[rows].reshape(n, -1)
    foretold = np.zeros_like(mouth)
    n_seen = np.cumsum(seen)
    edges = [0, *np.searchsorted(n_seen, n_seen[-1] * np.arange(1, N_FOLDS) / N_FOLDS).tolist(), n]
    guard = int(GUARD_S * rate)
    for first, last in pairwise(edges):
        learnt = seen.copy()
        learnt[max(0, first - guard) : last + guard] = False
        known, wanted = heard[learnt], mouth[learnt]
        middle, aim = known.mean(axis=0), wanted.mean(axis=0)
        known, wanted = known - middle, wanted - aim
        gram = known.T @ known
        gram[np.diag_indices_from(gram)] += RIDGE * len(known)
        weights = np.linalg.solve(gram, known.T @ wanted)
        foretold[first:last] = (heard[first:last] - middle) @ weights + aim
    return float(np.mean([_correlation(foretold[seen, k], mouth[seen, k]) for k in range(mouth.shape[1])]))


def _correlation(one: Doubles, other: Doubles) -> float:
    spread = one.std() * other.std()
    return float(((one - one.mean()) * (other - other.mean())).mean() / spread) if spread > 1e-12 else 0.0


def _middle_of_peak(r: Doubles) -> float:
    """Index of the highest peak: centre of weight of what stands above half its height around it."""
    top = int(np.argmax(r))
    half = r[top] / 2
    first = last = top
    while first > 0 and r[first - 1] > half:
        first -= 1
    while last < len(r) - 1 and r[last + 1] > half:
        last += 1
    weight = np.maximum(r[first : last + 1] - half, 1e-9)
    return float((weight * np.arange(first, last + 1)).sum() / weight.sum())
