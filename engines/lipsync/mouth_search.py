"""Which of the speaker's own frames each new frame borrows its mouth from: the cheapest path (Viterbi) through a few
candidates per frame, by shape, pose, light, and how well one follows the other."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engines.lipsync.mouth_bank import MouthBank
from engines.lipsync.mouth_curve import UNROUNDED

Floats = npt.NDArray[np.float64]

N_CANDIDATES = 15
SHUT = 0.02
"""Aperture in IOD under which lips read as in contact."""

APERTURE_WEIGHT, WIDTH_WEIGHT, LIP_WEIGHT = 2.0, 1.0, 0.6
FORWARD_WEIGHT, FORWARD_SD = 1.5, 0.3
"""Where rounded lips are asked for, those that are drawn back cost."""
POSE_WEIGHT, POSE_SD_DEG = 1.0, 4.0
LIGHT_WEIGHT, LIGHT_SD = 0.4, 8.0
FOREIGN_SHOT = 3.0
OPENING_WEIGHT = 12.0
"""For stretching an opening beyond 0.77 .. 1.3 of what it was (log ratio, squared): teeth do not stretch."""
STICKING_WEIGHT = 1.2
"""For letting one look follow another, against the shape costs."""
PLAYING_ON, STANDING_STILL = 0.2, 0.02
"""A frame's true successor follows almost freely; a held frame loses the picture's own life and costs a little. Both in
units of the median difference between two frames of the bank."""
SEEN_CHANGE = 0.10
"""A change of look beyond this is spread over two frames."""


class MouthSearch:
    """Search over one bank; holds its tables. `path` may be called for any number of spans."""

    def __init__(self, bank: MouthBank) -> None:
        self._bank = bank
        self._spread = np.maximum(bank.measures.std(axis=0), [0.03, 0.02, 0.006])
        thumbs = bank.thumb.astype(np.float32)
        square = np.square(thumbs).sum(axis=1)
        distance = np.maximum(0, square[:, None] + square[None] - 2 * thumbs @ thumbs.T)
        self._unlike = distance / max(float(np.median(distance)), 1e-6)
        self._following = self._unlike.copy()
        follows = (bank.frame[None] - bank.frame[:, None] == 1) & (bank.shot[None] == bank.shot[:, None])
        self._following[follows] *= PLAYING_ON
        np.fill_diagonal(self._following, STANDING_STILL)

    def path(
        self, measures: Floats, forward: Floats, pose: Floats, brightness: Floats, shot: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int64]:
        """For targets `measures` (t, 3) and `forward` (t,), the frames' own `pose` (t, 2), `brightness`, `shot` (t,):
        bank index (t,)."""
        t = len(measures)
        n_kept = min(N_CANDIDATES, self._bank.n)
        back = np.zeros((t, n_kept), np.int16)
        kept = np.zeros((t, n_kept), np.int64)
        total = np.zeros(n_kept)
        for i in range(t):
            cost = self.unit_cost(measures[i], float(forward[i]), pose[i], float(brightness[i]), int(shot[i]))
            kept[i] = np.argpartition(cost, n_kept - 1)[:n_kept]
            if i == 0:
                total = cost[kept[i]]
                continue
            ways = total[:, None] + STICKING_WEIGHT * self._following[np.ix_(kept[i - 1], kept[i])]
            back[i] = ways.argmin(axis=0)
            total = ways[back[i], np.arange(n_kept)] + cost[kept[i]]
        chosen = np.zeros(t, np.int64)
        k = int(total.argmin()) if t else 0
        for i in range(t - 1, -1, -1):
            chosen[i] = kept[i, k]
            k = int(back[i, k])
        return chosen

    def fading(self, chosen: npt.NDArray[np.int64]) -> list[int | None]:
        """For a path: the bank frame that each frame still shows half of, because the change from it would be seen."""
        before = [None, *(int(k) for k in chosen[:-1])]
        return [
            last if last is not None and self._unlike[last, k] > SEEN_CHANGE else None
            for last, k in zip(before, chosen, strict=True)
        ]

    def unit_cost(self, measures: Floats, forward: float, pose: Floats, brightness: float, shot: int) -> Floats:
        """(n,): how badly each bank frame fits one target."""
        bank = self._bank
        off = (bank.measures - measures) / self._spread
        cost = np.square(off) @ np.array([APERTURE_WEIGHT, WIDTH_WEIGHT, LIP_WEIGHT])
        rounded = max(0.0, forward - UNROUNDED) / (1 - UNROUNDED)
        cost += FORWARD_WEIGHT * rounded * np.square(np.maximum(0, forward - bank.forward) / FORWARD_SD)
        cost += POSE_WEIGHT * np.square((bank.pose - pose) / POSE_SD_DEG).sum(axis=1)
        cost += LIGHT_WEIGHT * np.square((bank.brightness - brightness) / LIGHT_SD)
        cost += FOREIGN_SHOT * (bank.shot != shot)
        aperture, wanted = bank.measures[:, 0], float(measures[0])
        if wanted < SHUT:
            cost += 40.0 * np.square(np.maximum(0, aperture - 0.012) / SHUT)
        else:
            stretch = np.abs(np.log(wanted / np.maximum(aperture, 0.004)))
            cost += OPENING_WEIGHT * np.square(np.maximum(0, stretch - np.log(1.3)))
        return np.asarray(cost, np.float64)
