"""What tells a title's speakers apart, window by window and frame by frame, and the path of voices through it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from dub.gaussians import fit_mixture

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Labels = npt.NDArray[np.intp]

WINDOW_S, WINDOW_HOP_S = 1.6, 0.4
"""Resemblyzer's own window; shorter ones tell voices apart much worse, longer ones straddle short turns."""
SHORTEST_WINDOW_S = 0.42
"""Encoders take no less than 0.4 s."""
REGION_GAP_S = 0.5
"""A window may reach over a pause this short: whoever stops longer may be followed by somebody else."""
STEP_S = 0.05

LEAST_FRAMES = 100
"""Frames that a voice's mixture is learnt from, at least: a second of sound."""
MIXTURE_SIZE = 4
_EMBEDDING_WEIGHT = 20.0
_FRAME_WEIGHT = 0.2
_FRAME_LIMIT = 5.0
_CHANGE_COST, _CHANGE_COST_AT_PAUSE = 12.0, 6.0
_N_PASSES = 3


@dataclass(frozen=True)
class Heard:
    """What was measured of one stem.

    `islands`: (n, 2) s, where speech sounds, in order. `windows`: (m, 2) s; `by_encoder`: per encoder float32
    (m, d), unit length, one row per window. `cepstra`: float32 (n_frames, c), of the louder
    frames of speech; `frame_s`: (n_frames,) s, their middles, ascending.
    """

    islands: Doubles
    windows: Doubles
    by_encoder: tuple[Floats, ...]
    cepstra: Floats
    frame_s: Doubles

    @cached_property
    def embeddings(self) -> Floats:
        """float32 (m, n_encoders * d), unit length: cosines of these are the mean of the encoders' cosines."""
        return np.asarray(np.hstack(self.by_encoder) / np.sqrt(len(self.by_encoder)), dtype=np.float32)


@dataclass(frozen=True)
class Steps:
    """Time as the Viterbi path sees it: steps of 50 ms of speech, pauses left out. `island`: which one each is in.
    `frame_step`: the step of every frame."""

    middle_s: Doubles
    island: Labels
    frame_step: Labels

    @classmethod
    def of(cls, heard: Heard) -> Steps:
        middles, islands = [], []
        for number, (start, end) in enumerate(heard.islands):
            n_steps = max(1, round((end - start) / STEP_S))
            middles.append(start + (np.arange(n_steps) + 0.5) * (end - start) / n_steps)
            islands.append(np.full(n_steps, number, np.intp))
        middle_s = np.concatenate(middles)
        after = np.clip(np.searchsorted(middle_s, heard.frame_s), 1, max(1, len(middle_s) - 1))
        after = np.minimum(after, len(middle_s) - 1)
        before = np.maximum(after - 1, 0)
        is_before = heard.frame_s - middle_s[before] < middle_s[after] - heard.frame_s
        return cls(middle_s, np.concatenate(islands), np.where(is_before, before, after))


def windows_over(islands: Doubles) -> Doubles:
    """(m, 2) s: windows of 1.6 s about every 0.4 s over the islands; a shorter stretch is one window of its length,
    one under 0.42 s is none."""
    regions: list[list[float]] = []
    for start, end in islands:
        if regions and start - regions[-1][1] < REGION_GAP_S:
            regions[-1][1] = float(end)
        else:
            regions.append([float(start), float(end)])
    windows: list[tuple[float, float]] = []
    for start, end in regions:
        if end - start <= WINDOW_S:
            windows += [(start, end)] if end - start >= SHORTEST_WINDOW_S else []
            continue
        n_windows = int(np.ceil((end - start - WINDOW_S) / WINDOW_HOP_S - 1e-9)) + 1
        windows += [(first, first + WINDOW_S) for first in np.linspace(start, end - WINDOW_S, n_windows)]
    return np.array(windows, np.float64).reshape(-1, 2)


def part_of(heard: Heard, members: Labels) -> Heard:
    """What was heard within some of the windows: their sound without the rest."""
    inside = [
        (max(start, first), min(end, last))
        for first, last in _joined(heard.windows[members])
        for start, end in heard.islands
        if min(end, last) - max(start, first) >= STEP_S
    ]
    islands = np.array(inside, np.float64).reshape(-1, 2)
    at = np.searchsorted(islands[:, 0], heard.frame_s, "right") - 1
    kept = (at >= 0) & (heard.frame_s < islands[np.maximum(at, 0), 1])
    by_encoder = tuple(embeddings[members] for embeddings in heard.by_encoder)
    return Heard(islands, heard.windows[members], by_encoder, heard.cepstra[kept], heard.frame_s[kept])


def resegmented(heard: Heard, steps: Steps, labels: Labels) -> Labels:
    """A voice for every step: the best path over embeddings and cepstra, the voices learnt again from it twice."""
    n_voices = int(labels.max()) + 1
    near = window_scores(heard, steps, means_of(heard.embeddings, labels))
    path = _best_path(near * _EMBEDDING_WEIGHT, steps)
    for _ in range(_N_PASSES):
        path_of_frames = path[steps.frame_step]
        parts = [heard.cepstra[path_of_frames == voice] for voice in range(n_voices)]
        if min(map(len, parts)) < LEAST_FRAMES:
            break
        scores = near * _EMBEDDING_WEIGHT + _frame_scores(heard, steps, parts) * _FRAME_WEIGHT
        moved = _best_path(scores, steps)
        if (moved == path).all():
            break
        path = moved
    return path


def labels_on(windows: Doubles, steps: Steps, path: Labels) -> tuple[Labels, npt.NDArray[np.bool_]]:
    """Each window's voice on a path, the one in its middle; and whether the window lies within that voice."""
    first, middle, last = (
        np.clip(np.searchsorted(steps.middle_s, at), 0, len(path) - 1)
        for at in (windows[:, 0], windows.mean(axis=1), windows[:, 1] - STEP_S)
    )
    n_changes = np.concatenate([[0], np.cumsum(np.diff(path) != 0)])
    return path[middle], n_changes[first] == n_changes[last]


def window_scores(heard: Heard, steps: Steps, means: Floats) -> Doubles:
    """(n_steps, n_voices): cosine of the windows around a step to each voice's mean, less the mean over voices;
    windows count by how near their middle is. 0 where no window is."""
    cosines = (heard.embeddings @ means.T).astype(np.float64)
    cosines -= cosines.mean(axis=1, keepdims=True)
    total, weight = np.zeros((len(steps.middle_s), len(means))), np.zeros(len(steps.middle_s))
    for (start, end), row in zip(heard.windows, cosines, strict=True):
        first, last = np.searchsorted(steps.middle_s, (start, end))
        away = np.abs(steps.middle_s[first:last] - (start + end) / 2) / max(end - start, STEP_S) * 2
        near = np.maximum(0.05, 1 - away)
        total[first:last] += near[:, None] * row
        weight[first:last] += near
    return np.asarray(total / np.maximum(weight, 1e-9)[:, None])


def _frame_scores(heard: Heard, steps: Steps, parts: Sequence[Floats]) -> Doubles:
    """(n_steps, n_voices): log-likelihood of a step's frames under each voice's mixture, less the mean over voices,
    each frame's held within +-5 nats: a click is no proof."""
    likelihoods = np.stack([fit_mixture(part, MIXTURE_SIZE).log_likelihoods(heard.cepstra) for part in parts], axis=1)
    likelihoods -= likelihoods.mean(axis=1, keepdims=True)
    scores = np.zeros((len(steps.middle_s), len(parts)))
    np.add.at(scores, steps.frame_step, np.clip(likelihoods, -_FRAME_LIMIT, _FRAME_LIMIT))
    return scores


def _best_path(scores: Doubles, steps: Steps) -> Labels:
    """Viterbi: the voices that score best when every change costs, half as much after a pause."""
    n_steps, n_voices = scores.shape
    pauses = np.concatenate([[False], np.diff(steps.island) > 0])
    costs = np.where(pauses, _CHANGE_COST_AT_PAUSE, _CHANGE_COST)
    came_from = np.empty((n_steps, n_voices), np.intp)
    best, stay = scores[0].copy(), np.arange(n_voices)
    came_from[0] = stay
    for step in range(1, n_steps):
        leader = int(best.argmax())
        changed = best[leader] - costs[step]
        came_from[step] = np.where(best >= changed, stay, leader)
        best = np.maximum(best, changed) + scores[step]
    path = np.empty(n_steps, np.intp)
    path[-1] = int(best.argmax())
    for step in range(n_steps - 1, 0, -1):
        path[step - 1] = came_from[step, path[step]]
    return path


def covered_s(windows: Doubles) -> float:
    """Seconds that windows in order of their start cover together."""
    if not len(windows):
        return 0.0
    until = np.concatenate([[-np.inf], np.maximum.accumulate(windows[:-1, 1])])
    return float(np.maximum(0, windows[:, 1] - np.maximum(windows[:, 0], until)).sum())


def _joined(windows: Doubles) -> list[tuple[float, float]]:
    joined: list[tuple[float, float]] = []
    for start, end in windows:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], float(end)))
        else:
            joined.append((float(start), float(end)))
    return joined


def means_of(embeddings: Floats, labels: Labels, n_labels: int | None = None) -> Floats:
    """Unit-length mean per label, float32 (n_labels, d); zeros for a label without members."""
    sums = np.zeros((n_labels or int(labels.max()) + 1, embeddings.shape[1]), np.float64)
    np.add.at(sums, labels, embeddings)
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.asarray(sums / np.maximum(lengths, 1e-12), dtype=np.float32)


def nearest(embeddings: Floats, means: Floats) -> Labels:
    return np.asarray((embeddings @ means.T).argmax(axis=1), dtype=np.intp)


def numbered(labels: Labels) -> Labels:
    """The same labels counted from 0 in order of appearance, none left out."""
    _, firsts, which = np.unique(labels, return_index=True, return_inverse=True)
    order = np.argsort(np.argsort(firsts))
    return np.asarray(order[which], dtype=np.intp)
