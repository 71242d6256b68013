"""Who speaks when, from numbers: speaker embeddings of windows and cepstra of frames become labelled steps of time.

Three questions, in this order. Which windows are far apart: agglomerative clustering of the embeddings. Which voices
are near and yet two: a cluster is halved, and stays halved where its halves take turns and two small Gaussian mixtures
explain its cepstra better than one mixture of their joint size (Ajmera, McCowan and Bourlard, "Robust speaker change
detection", IEEE Signal Processing Letters 11(8), 2004: no penalty term to tune). Where does each turn end: a Viterbi
path over both kinds of evidence. Every choice is deterministic. The limits were measured: docs/diarization.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import fcluster, linkage

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

MOST_SPEAKERS = 10
MOST_CLUSTERED = 1000
"""Windows that are compared with each other; of a longer talk evenly spaced ones, the rest joins the nearest voice."""
LEAST_VOICE_S = 2.0
"""Less sound than this is no voice of its own unless the number of speakers says so."""

LEAST_HALF_S = 5.0
LEAST_TURNS = 4
NEAR_EVIDENCE = -0.2

_MIXTURE_SIZE = 4
_LEAST_FRAMES = 100
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
class Stretch:
    """[start_s, end_s) said by voice `speaker`, counted from 0 in order of appearance. `certainty`: 1.0 where its
    sound is this voice's own mean, 0.5 where it is as near to the next voice, 0.0 where it is the next voice's mean."""

    speaker: int
    start_s: float
    end_s: float
    certainty: float = 1.0


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


def find_stretches(heard: Heard, far: float, n_speakers: int | None = None) -> tuple[Stretch, ...]:
    """Every island, cut where the speaker changes, in order.

    `far`: cosine below which two means of embeddings are two people. `n_speakers`: exactly so many are found; raises
    ValueError where there are fewer windows than that. () where there are no islands.
    """
    if not len(heard.islands):
        return ()
    steps = _Steps.of(heard)
    if n_speakers is not None and n_speakers > max(1, len(heard.windows)):
        raise ValueError(f"{n_speakers} speakers cannot be told apart in {len(heard.windows)} windows of speech")
    if n_speakers == 1 or len(heard.windows) < 2:
        return _stretches(heard, steps, np.zeros(len(steps.middle_s), np.intp))
    labels = _cleaned(heard, steps, far_voices(heard.embeddings, heard.windows, far), far)
    labels = _near_voices(heard, labels) if n_speakers is None else _so_many(heard, labels, n_speakers)
    return _stretches(heard, steps, _resegmented(heard, steps, labels))


def far_voices(embeddings: Floats, windows: Doubles, far: float) -> Labels:
    """One label per window: average linkage to a few clusters, then the two nearest means are merged while their
    cosine is at least `far`. Clusters of less than 2 s join the nearest."""
    chosen = np.unique(np.linspace(0, len(embeddings) - 1, MOST_CLUSTERED).round().astype(int))
    tree = linkage(embeddings[chosen], "average", metric="cosine")
    some = fcluster(tree, MOST_SPEAKERS, "maxclust").astype(np.intp) - 1
    labels = _numbered(_nearest(embeddings, _means(embeddings[chosen], some)))
    while labels.max() > 0:
        one, other, cosine = _nearest_pair(embeddings, labels)
        if cosine < far:
            seconds = [covered_s(windows[labels == voice]) for voice in range(int(labels.max()) + 1)]
            one = int(np.argmin(seconds))
            if seconds[one] >= LEAST_VOICE_S:
                break
            other = _nearest_voice(embeddings, labels, one)
        labels = _numbered(np.where(labels == one, other, labels))
    return labels


def covered_s(windows: Doubles) -> float:
    """Seconds that windows in order of their start cover together."""
    if not len(windows):
        return 0.0
    until = np.concatenate([[-np.inf], np.maximum.accumulate(windows[:-1, 1])])
    return float(np.maximum(0, windows[:, 1] - np.maximum(windows[:, 0], until)).sum())


@dataclass(frozen=True)
class _Steps:
    """Time as the Viterbi path sees it: steps of 50 ms of speech, pauses left out. `island`: which one each is in.
    `frame_step`: the step of every frame."""

    middle_s: Doubles
    island: Labels
    frame_step: Labels

    @classmethod
    def of(cls, heard: Heard) -> _Steps:
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


def _cleaned(heard: Heard, steps: _Steps, labels: Labels, far: float) -> Labels:
    """Window labels without the voices that only windows across a change of speakers gave rise to: what is left of
    each on the path must be 2 s or more, and the means of the windows that lie within one voice must still be far."""
    while labels.max() > 0:
        path = _resegmented(heard, steps, labels)
        seconds = np.bincount(path, minlength=int(labels.max()) + 1) * STEP_S
        one = int(seconds.argmin())
        if seconds[one] < LEAST_VOICE_S:
            labels = _numbered(np.where(labels == one, _nearest_voice(heard.embeddings, labels, one), labels))
            continue
        labels, is_pure = _labels_on(heard.windows, steps, path)
        if len(np.unique(labels[is_pure])) <= labels.max():
            return labels
        one, other, cosine = _nearest_pair(heard.embeddings[is_pure], labels[is_pure])
        if cosine < far:
            return labels
        labels = _numbered(np.where(labels == one, other, labels))
    return labels


def _labels_on(windows: Doubles, steps: _Steps, path: Labels) -> tuple[Labels, npt.NDArray[np.bool_]]:
    """Each window's voice on a path, the one in its middle; and whether the window lies within that voice."""
    first, middle, last = (
        np.clip(np.searchsorted(steps.middle_s, at), 0, len(path) - 1)
        for at in (windows[:, 0], windows.mean(axis=1), windows[:, 1] - STEP_S)
    )
    n_changes = np.concatenate([[0], np.cumsum(np.diff(path) != 0)])
    return path[middle], n_changes[first] == n_changes[last]


def _so_many(heard: Heard, labels: Labels, n_speakers: int) -> Labels:
    """Window labels with exactly `n_speakers` voices: the nearest merged, or the loosest halved."""
    while (n_voices := int(labels.max()) + 1) > n_speakers:
        one, other, _ = _nearest_pair(heard.embeddings, labels)
        labels = _numbered(np.where(labels == one, other, labels))
    while (n_voices := int(labels.max()) + 1) < n_speakers:
        means = _means(heard.embeddings, labels)
        counts = np.bincount(labels, minlength=n_voices)
        spread = np.bincount(labels, 1 - (heard.embeddings * means[labels]).sum(axis=1), n_voices)
        members = np.flatnonzero(labels == int(np.where(counts > 1, spread, -1).argmax()))
        labels[members[_best_halves(_part(heard, members)) == 1]] = n_voices
    return labels


def _near_voices(heard: Heard, labels: Labels) -> Labels:
    """Window labels with every cluster halved whose halves are two people by `are_two`; halves are tried again."""
    waiting, done = list(range(int(labels.max()) + 1)), int(labels.max()) + 1
    while waiting and done < MOST_SPEAKERS:
        voice = waiting.pop(0)
        members = np.flatnonzero(labels == voice)
        if covered_s(heard.windows[members]) < 2 * LEAST_HALF_S:
            continue
        halves = _best_halves(_part(heard, members), must_be_two=True)
        if halves.max() > 0:
            labels[members[halves == 1]] = done
            waiting += [voice, done]
            done += 1
    return labels


def _best_halves(part: Heard, must_be_two: bool = False) -> Labels:
    """Window labels 0 and 1: of the halves by all encoders together and by each alone those with the most evidence.
    All 0 where `must_be_two` and none of them take turns, speak 5 s each and are told apart by `evidence_of_two`."""
    steps, best, most = _Steps.of(part), np.zeros(len(part.windows), np.intp), NEAR_EVIDENCE if must_be_two else -np.inf
    for embeddings in (part.embeddings, *part.by_encoder):
        halves = _halves(embeddings)
        path = _resegmented(part, steps, halves)
        evidence = _turn_evidence(part, steps, path) if must_be_two else _evidence(part, steps, path)
        if evidence > most or not (must_be_two or best.any()):
            labels = _labels_on(part.windows, steps, path)[0]
            best, most = (labels if len(np.unique(labels)) == 2 else halves), evidence
    return best


def _turn_evidence(part: Heard, steps: _Steps, path: Labels) -> float:
    """`_evidence`; -inf where the voices do not take turns or one of them speaks for less than 5 s."""
    n_turns = 1 + int((np.diff(path) != 0).sum())
    seconds = np.bincount(path, minlength=2) * STEP_S
    return _evidence(part, steps, path) if n_turns >= LEAST_TURNS and seconds.min() >= LEAST_HALF_S else -np.inf


def _evidence(part: Heard, steps: _Steps, path: Labels) -> float:
    voices = path[steps.frame_step]
    one, other = (part.cepstra[voices == voice] for voice in (0, 1))
    return evidence_of_two(one, other) if min(len(one), len(other)) >= _LEAST_FRAMES else -np.inf


def evidence_of_two(one: Floats, other: Floats) -> float:
    """Mean log-likelihood ratio per frame, nats: a mixture for each part against one of their joint size for both."""
    both = np.concatenate([one, other])
    apart = sum(float(fit_mixture(part, _MIXTURE_SIZE).log_likelihoods(part).sum()) for part in (one, other))
    together = float(fit_mixture(both, 2 * _MIXTURE_SIZE).log_likelihoods(both).sum())
    return (apart - together) / len(both)


def _part(heard: Heard, members: Labels) -> Heard:
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


def _joined(windows: Doubles) -> list[tuple[float, float]]:
    joined: list[tuple[float, float]] = []
    for start, end in windows:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], float(end)))
        else:
            joined.append((float(start), float(end)))
    return joined


def _halves(embeddings: Floats) -> Labels:
    """Two clusters by Ward's criterion on evenly spaced windows, then spherical 2-means over all."""
    chosen = np.unique(np.linspace(0, len(embeddings) - 1, MOST_CLUSTERED).round().astype(int))
    halves = fcluster(linkage(embeddings[chosen], "ward"), 2, "maxclust").astype(np.intp) - 1
    means = _means(embeddings[chosen], halves)
    labels = _nearest(embeddings, means)
    for _ in range(20):
        if len(np.unique(labels)) < 2:
            return np.arange(len(embeddings), dtype=np.intp) % 2
        means = _means(embeddings, labels)
        moved = _nearest(embeddings, means)
        if (moved == labels).all():
            break
        labels = moved
    return labels


def _resegmented(heard: Heard, steps: _Steps, labels: Labels) -> Labels:
    """A voice for every step: the best path over embeddings and cepstra, the voices learnt again from it twice."""
    n_voices = int(labels.max()) + 1
    near = _window_scores(heard, steps, _means(heard.embeddings, labels))
    path = _best_path(near * _EMBEDDING_WEIGHT, steps)
    for _ in range(_N_PASSES):
        path_of_frames = path[steps.frame_step]
        parts = [heard.cepstra[path_of_frames == voice] for voice in range(n_voices)]
        if min(map(len, parts)) < _LEAST_FRAMES:
            break
        scores = near * _EMBEDDING_WEIGHT + _frame_scores(heard, steps, parts) * _FRAME_WEIGHT
        moved = _best_path(scores, steps)
        if (moved == path).all():
            break
        path = moved
    return path


def _window_scores(heard: Heard, steps: _Steps, means: Floats) -> Doubles:
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


def _frame_scores(heard: Heard, steps: _Steps, parts: Sequence[Floats]) -> Doubles:
    """(n_steps, n_voices): log-likelihood of a step's frames under each voice's mixture, less the mean over voices,
    each frame's held within +-5 nats: a click is no proof."""
    likelihoods = np.stack([fit_mixture(part, _MIXTURE_SIZE).log_likelihoods(heard.cepstra) for part in parts], axis=1)
    likelihoods -= likelihoods.mean(axis=1, keepdims=True)
    scores = np.zeros((len(steps.middle_s), len(parts)))
    np.add.at(scores, steps.frame_step, np.clip(likelihoods, -_FRAME_LIMIT, _FRAME_LIMIT))
    return scores


def _best_path(scores: Doubles, steps: _Steps) -> Labels:
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


def _stretches(heard: Heard, steps: _Steps, path: Labels) -> tuple[Stretch, ...]:
    """The islands cut where the path changes, voices numbered in order of appearance."""
    path = _numbered(path)
    certainty = _certainty(heard, steps, path)
    stretches = []
    for number, (start, end) in enumerate(heard.islands):
        mine = np.flatnonzero(steps.island == number)
        cuts = mine[1:][np.diff(path[mine]) != 0]
        edges = [float(start), *(float(steps.middle_s[cut] + steps.middle_s[cut - 1]) / 2 for cut in cuts), float(end)]
        bounds = [int(mine[0]), *map(int, cuts), int(mine[-1]) + 1]
        for piece, (first, last) in enumerate(pairwise(bounds)):
            mean = float(certainty[first:last].mean())
            stretches.append(Stretch(int(path[first]), edges[piece], edges[piece + 1], mean))
    return tuple(stretches)


def _certainty(heard: Heard, steps: _Steps, path: Labels) -> Doubles:
    """(n_steps,) 0..1: where the sound around a step lies between its voice's mean (1) and the next one's (0)."""
    n_voices = int(path.max()) + 1
    if n_voices == 1 or not len(heard.windows):
        return np.ones(len(path))
    labels, is_pure = _labels_on(heard.windows, steps, path)
    if len(np.unique(labels[is_pure])) == n_voices:
        means = _means(heard.embeddings[is_pure], labels[is_pure])
    else:
        means = _means(heard.embeddings, labels, n_voices)
    near = _window_scores(heard, steps, means)
    rows = np.arange(len(path))
    others = near.copy()
    others[rows, path] = -np.inf
    next_voice = others.argmax(axis=1)
    apart = np.maximum(1 - (means[path] * means[next_voice]).sum(axis=1), 1e-3)
    return np.asarray(np.clip(0.5 + (near[rows, path] - near[rows, next_voice]) / apart / 2, 0, 1))


def _means(embeddings: Floats, labels: Labels, n_labels: int | None = None) -> Floats:
    """Unit-length mean per label, float32 (n_labels, d); zeros for a label without members."""
    sums = np.zeros((n_labels or int(labels.max()) + 1, embeddings.shape[1]), np.float64)
    np.add.at(sums, labels, embeddings)
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.asarray(sums / np.maximum(lengths, 1e-12), dtype=np.float32)


def _nearest(embeddings: Floats, means: Floats) -> Labels:
    return np.asarray((embeddings @ means.T).argmax(axis=1), dtype=np.intp)


def _nearest_pair(embeddings: Floats, labels: Labels) -> tuple[int, int, float]:
    """The two labels whose means have the highest cosine, and that cosine."""
    means = _means(embeddings, labels)
    cosines = means @ means.T - 3 * np.eye(len(means))
    one, other = divmod(int(cosines.argmax()), len(means))
    return one, other, float(cosines[one, other])


def _nearest_voice(embeddings: Floats, labels: Labels, one: int) -> int:
    """The label whose mean is nearest to that of `one`."""
    means = _means(embeddings, labels)
    cosines = means @ means[one]
    cosines[one] = -3
    return int(cosines.argmax())


def _numbered(labels: Labels) -> Labels:
    """The same labels counted from 0 in order of appearance, none left out."""
    _, firsts, which = np.unique(labels, return_index=True, return_inverse=True)
    order = np.argsort(np.argsort(firsts))
    return np.asarray(order[which], dtype=np.intp)
