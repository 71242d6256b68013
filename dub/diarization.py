"""Who speaks when, from numbers: speaker embeddings of windows and cepstra of frames become labelled steps of time.

Three questions, in this order. Which windows are far apart: agglomerative clustering of the embeddings. Which voices
are near and yet two: a cluster is halved, and stays halved where its halves take turns and two small Gaussian mixtures
explain its cepstra better than one mixture of their joint size (Ajmera, McCowan and Bourlard, "Robust speaker change
detection", IEEE Signal Processing Letters 11(8), 2004: no penalty term to tune). Where does each turn end: a Viterbi
path over both kinds of evidence. Every choice is deterministic. The limits were measured: docs/diarization.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage

from dub.heard_voices import (
    STEP_S,
    Doubles,
    Floats,
    Heard,
    Labels,
    Steps,
    covered_s,
    labels_on,
    means_of,
    nearest,
    numbered,
    part_of,
    resegmented,
    window_scores,
)
from dub.near_voices import LEAST_HALF_S, MOST_CLUSTERED, ways_to_halve

MOST_SPEAKERS = 10
LEAST_VOICE_S = 2.0
"""Less sound than this is no voice of its own unless the number of speakers says so."""


@dataclass(frozen=True)
class Stretch:
    """[start_s, end_s) said by voice `speaker`, counted from 0 in order of appearance. `certainty`: 1.0 where its
    sound is this voice's own mean, 0.5 where it is as near to the next voice, 0.0 where it is the next voice's mean."""

    speaker: int
    start_s: float
    end_s: float
    certainty: float = 1.0


def find_stretches(heard: Heard, far: float, n_speakers: int | None = None) -> tuple[Stretch, ...]:
    """Every island, cut where the speaker changes, in order.

    `far`: cosine below which two means of embeddings are two people. `n_speakers`: exactly so many are found; raises
    ValueError where there are fewer windows than that. () where there are no islands.
    """
    if not len(heard.islands):
        return ()
    steps = Steps.of(heard)
    if n_speakers is not None and n_speakers > max(1, len(heard.windows)):
        raise ValueError(f"{n_speakers} speakers cannot be told apart in {len(heard.windows)} windows of speech")
    if n_speakers == 1 or len(heard.windows) < 2:
        return _stretches(heard, steps, np.zeros(len(steps.middle_s), np.intp))
    labels = _cleaned(heard, steps, far_voices(heard.embeddings, heard.windows, far), far)
    labels = _near_voices(heard, labels) if n_speakers is None else _so_many(heard, labels, n_speakers)
    path = resegmented(heard, steps, labels)
    if n_speakers is not None and len(np.unique(path)) < n_speakers:  # a voice too faint for the path, but asked for
        path = labels[_nearest_window(heard, steps)]
    return _stretches(heard, steps, path)


def _nearest_window(heard: Heard, steps: Steps) -> Labels:
    """(n_steps,): the window whose middle is nearest to each step."""
    middles = heard.windows.mean(axis=1)
    after = np.clip(np.searchsorted(middles, steps.middle_s), 1, len(middles) - 1)
    is_before = steps.middle_s - middles[after - 1] < middles[after] - steps.middle_s
    return np.asarray(np.where(is_before, after - 1, after), dtype=np.intp)


def far_voices(embeddings: Floats, windows: Doubles, far: float) -> Labels:
    """One label per window: average linkage to a few clusters, then the two nearest means are merged while their
    cosine is at least `far`. Clusters of less than 2 s join the nearest."""
    chosen = np.unique(np.linspace(0, len(embeddings) - 1, MOST_CLUSTERED).round().astype(int))
    tree = linkage(embeddings[chosen], "average", metric="cosine")
    some = fcluster(tree, MOST_SPEAKERS, "maxclust").astype(np.intp) - 1
    labels = numbered(nearest(embeddings, means_of(embeddings[chosen], some)))
    while labels.max() > 0:
        one, other, cosine = _nearest_pair(embeddings, labels)
        if cosine < far:
            seconds = [covered_s(windows[labels == voice]) for voice in range(int(labels.max()) + 1)]
            one = int(np.argmin(seconds))
            if seconds[one] >= LEAST_VOICE_S:
                break
            other = _nearest_voice(embeddings, labels, one)
        labels = numbered(np.where(labels == one, other, labels))
    return labels


def _cleaned(heard: Heard, steps: Steps, labels: Labels, far: float) -> Labels:
    """Window labels without the voices that only windows across a change of speakers gave rise to: what is left of
    each on the path must be 2 s or more, and the means of the windows that lie within one voice must still be far."""
    while labels.max() > 0:
        path = resegmented(heard, steps, labels)
        seconds = np.bincount(path, minlength=int(labels.max()) + 1) * STEP_S
        one = int(seconds.argmin())
        if seconds[one] < LEAST_VOICE_S:
            labels = numbered(np.where(labels == one, _nearest_voice(heard.embeddings, labels, one), labels))
            continue
        labels, is_pure = labels_on(heard.windows, steps, path)
        if len(np.unique(labels[is_pure])) <= labels.max():
            return labels
        one, other, cosine = _nearest_pair(heard.embeddings[is_pure], labels[is_pure])
        if cosine < far:
            return labels
        labels = numbered(np.where(labels == one, other, labels))
    return labels


def _so_many(heard: Heard, labels: Labels, n_speakers: int) -> Labels:
    """Window labels with exactly `n_speakers` voices: the nearest merged, or the loosest halved."""
    while (n_voices := int(labels.max()) + 1) > n_speakers:
        one, other, _ = _nearest_pair(heard.embeddings, labels)
        labels = numbered(np.where(labels == one, other, labels))
    while (n_voices := int(labels.max()) + 1) < n_speakers:
        means = means_of(heard.embeddings, labels)
        counts = np.bincount(labels, minlength=n_voices)
        spread = np.bincount(labels, 1 - (heard.embeddings * means[labels]).sum(axis=1), n_voices)
        members = np.flatnonzero(labels == int(np.where(counts > 1, spread, -1).argmax()))
        halves = ways_to_halve(part_of(heard, members))[0]
        labels[members[halves.labels == 1]] = n_voices
    return labels


def _near_voices(heard: Heard, labels: Labels) -> Labels:
    """Window labels, every cluster halved whose halves are two people by `Halves.are_two_people`; then the halves."""
    waiting, done = list(range(int(labels.max()) + 1)), int(labels.max()) + 1
    while waiting and done < MOST_SPEAKERS:
        voice = waiting.pop(0)
        members = np.flatnonzero(labels == voice)
        if covered_s(heard.windows[members]) < 2 * LEAST_HALF_S:
            continue
        ways = [way for way in ways_to_halve(part_of(heard, members)) if way.are_two_people]
        if ways:
            labels[members[ways[0].labels == 1]] = done
            waiting += [voice, done]
            done += 1
    return labels


def _stretches(heard: Heard, steps: Steps, path: Labels) -> tuple[Stretch, ...]:
    """The islands cut where the path changes, voices numbered in order of appearance."""
    path = numbered(path)
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


def _certainty(heard: Heard, steps: Steps, path: Labels) -> Doubles:
    """(n_steps,) 0..1: where the sound around a step lies between its voice's mean (1) and the next one's (0)."""
    n_voices = int(path.max()) + 1
    if n_voices == 1 or not len(heard.windows):
        return np.ones(len(path))
    labels, is_pure = labels_on(heard.windows, steps, path)
    if len(np.unique(labels[is_pure])) == n_voices:
        means = means_of(heard.embeddings[is_pure], labels[is_pure])
    else:
        means = means_of(heard.embeddings, labels, n_voices)
    near = window_scores(heard, steps, means)
    rows = np.arange(len(path))
    others = near.copy()
    others[rows, path] = -np.inf
    next_voice = others.argmax(axis=1)
    apart = np.maximum(1 - (means[path] * means[next_voice]).sum(axis=1), 1e-3)
    return np.asarray(np.clip(0.5 + (near[rows, path] - near[rows, next_voice]) / apart / 2, 0, 1))


def _nearest_pair(embeddings: Floats, labels: Labels) -> tuple[int, int, float]:
    """The two labels whose means have the highest cosine, and that cosine."""
    means = means_of(embeddings, labels)
    cosines = means @ means.T - 3 * np.eye(len(means))
    one, other = divmod(int(cosines.argmax()), len(means))
    return one, other, float(cosines[one, other])


def _nearest_voice(embeddings: Floats, labels: Labels, one: int) -> int:
    """The label whose mean is nearest to that of `one`."""
    means = means_of(embeddings, labels)
    cosines = means @ means[one]
    cosines[one] = -3
    return int(cosines.argmax())
