"""Diarization error rate: how much of what was said is missed, invented, or given to the wrong person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

FRAME_S = 0.01
Said = tuple[str, float, float]
"""Who, from when, until when, in seconds."""


@dataclass(frozen=True)
class DiarizationError:
    """Shares of the scored speech of the reference: `missed`, `false_alarm`, `confused`; `rate` is their sum."""

    missed: float
    false_alarm: float
    confused: float

    @property
    def rate(self) -> float:
        return self.missed + self.false_alarm + self.confused


def diarization_error(reference: Sequence[Said], found: Sequence[Said], collar_s: float = 0.0) -> DiarizationError:
    """NIST's diarization error rate (RT-09 evaluation plan, section 6.1) on a grid of 10 ms.

    At every instant with r people speaking and f found, max(0, r - f) are missed, max(0, f - r) false and
    min(r, f) less the rightly named ones confused; names are matched one to one so that most is right. Overlap
    counts. `collar_s`: seconds on each side of every reference boundary that are not scored. Raises ValueError where
    the reference has no speech to score.
    """
    end_s = max((end for _, _, end in (*reference, *found)), default=0.0)
    n_frames = round(end_s / FRAME_S) + 1
    truth, guess = _activity(reference, n_frames), _activity(found, n_frames)
    scored = np.ones(n_frames, bool)
    if collar_s:
        for _, start, end in reference:
            for edge in (start, end):
                scored[max(0, round((edge - collar_s) / FRAME_S)) : round((edge + collar_s) / FRAME_S)] = False
    truth, guess = truth[:, scored], guess[:, scored]
    n_said = int(truth.sum())
    if not n_said:
        raise ValueError("the reference has no speech to score")
    together = truth.astype(np.float64) @ guess.T.astype(np.float64)
    rows, columns = linear_sum_assignment(together, maximize=True)
    n_right = float(together[rows, columns].sum())
    n_truth, n_guess = truth.sum(axis=0), guess.sum(axis=0)
    return DiarizationError(
        missed=float(np.maximum(0, n_truth - n_guess).sum()) / n_said,
        false_alarm=float(np.maximum(0, n_guess - n_truth).sum()) / n_said,
        confused=(float(np.minimum(n_truth, n_guess).sum()) - n_right) / n_said,
    )


def read_rttm(text: str) -> list[Said]:
    """The SPEAKER lines of an RTTM file (NIST RT-09): fields 4 and 5 are start and duration in s, field 8 who."""
    rows = [line.split() for line in text.splitlines() if line.startswith("SPEAKER")]
    return [(row[7], float(row[3]), float(row[3]) + float(row[4])) for row in rows]


def _activity(said: Sequence[Said], n_frames: int) -> npt.NDArray[np.bool_]:
    """(n_people, n_frames): who speaks in which hundredth of a second; one empty row for nobody."""
    people = list(dict.fromkeys(who for who, _, _ in said))
    activity = np.zeros((max(1, len(people)), n_frames), bool)
    for who, start, end in said:
        activity[people.index(who), round(start / FRAME_S) : round(end / FRAME_S)] = True
    return activity
