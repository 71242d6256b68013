"""Two voices that embeddings alone would call one: told apart by how they take turns and what they are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage

from dub.gaussians import fit_mixture
from dub.heard_voices import (
    LEAST_FRAMES,
    MIXTURE_SIZE,
    STEP_S,
    Floats,
    Heard,
    Labels,
    Steps,
    labels_on,
    means_of,
    nearest,
    resegmented,
)

LEAST_HALF_S, LEAST_HALF = 6.0, 0.02
"""What the less talkative half must say, in seconds and as a share of both: in an hour anybody has odd moments."""
LEAST_TURNS = 4
MOST_JUDGED = 3000
"""Frames of each half that are judged, evenly chosen: the limits below were measured on clips of up to a minute, and
the likelihood of two mixtures grows with what they are fitted to."""
MOST_CLUSTERED = 1000
"""Windows that are compared with each other; of a longer talk evenly spaced ones, the rest joins the nearest voice."""


TWO_BY_SOUND = -0.2
"""Nats per frame, by `evidence_of_two`; one person halved gave -0.44 at most, two women on a telephone +0.13."""
TWO_BY_VOICE = 7.5
"""By `apartness`; one person halved gave 5.4 at most, near voices of two people 4.2 to 8.1."""
_CHANCE_WINDOWS = 12


@dataclass(frozen=True)
class Halves:
    """`labels`: 0 or 1 per window. `evidence`, `apartness`: see the functions; -inf where a half has too little sound
    to say. `n_turns`; `least_s`, `all_s`: how long the less talkative half speaks, and both."""

    labels: Labels
    evidence: float
    apartness: float
    n_turns: int
    least_s: float
    all_s: float = 0.0

    @property
    def are_two_people(self) -> bool:
        """Both speak long enough, they take turns, and their cepstra or their embeddings are two kinds."""
        if self.n_turns < LEAST_TURNS or self.least_s < max(LEAST_HALF_S, LEAST_HALF * self.all_s):
            return False
        return self.evidence > TWO_BY_SOUND or self.apartness > TWO_BY_VOICE


def ways_to_halve(part: Heard) -> list[Halves]:
    """One voice's windows halved by all encoders together and by each alone, the most evident way first."""
    steps = Steps.of(part)
    ways = [_halved(part, steps, _two_clusters(each)) for each in (part.embeddings, *part.by_encoder)]
    return sorted(ways, key=lambda way: -way.evidence)


def _halved(part: Heard, steps: Steps, clusters: Labels) -> Halves:
    path = resegmented(part, steps, clusters)
    labels, is_pure = labels_on(part.windows, steps, path)
    if len(np.unique(labels[is_pure])) < 2:
        return Halves(clusters, -np.inf, -np.inf, 1, 0.0)
    frames = [_evenly(part.cepstra[path[steps.frame_step] == half], MOST_JUDGED) for half in (0, 1)]
    has_sound = min(map(len, frames)) >= LEAST_FRAMES
    return Halves(
        labels=labels,
        evidence=evidence_of_two(*frames) if has_sound else -np.inf,
        apartness=apartness(part.embeddings[is_pure], labels[is_pure]),
        n_turns=1 + int((np.diff(path) != 0).sum()),
        least_s=float(np.bincount(path, minlength=2).min() * STEP_S),
        all_s=len(path) * STEP_S,
    )


def _evenly(rows: Floats, n_most: int) -> Floats:
    return rows[:: -(-len(rows) // n_most)] if len(rows) > n_most else rows


def apartness(embeddings: Floats, labels: Labels) -> float:
    """How far two clusters lie apart along the line through their means, in standard deviations within them, times
    1 - 12 / n: any few points can be halved well."""
    means = means_of(embeddings, labels)
    along = (embeddings @ (means[1] - means[0])).astype(np.float64)
    parts = [along[labels == half] for half in (0, 1)]
    within = sum(float(((part - part.mean()) ** 2).sum()) for part in parts) / len(along)
    gap = float(parts[1].mean() - parts[0].mean())
    return float(gap / max(within, 1e-12) ** 0.5 * max(0.0, 1 - _CHANCE_WINDOWS / len(along)))


def evidence_of_two(one: Floats, other: Floats) -> float:
    """Mean log-likelihood ratio per frame, nats: a mixture for each part against one of their joint size for both."""
    both = np.concatenate([one, other])
    apart = sum(float(fit_mixture(part, MIXTURE_SIZE).log_likelihoods(part).sum()) for part in (one, other))
    together = float(fit_mixture(both, 2 * MIXTURE_SIZE).log_likelihoods(both).sum())
    return (apart - together) / len(both)


def _two_clusters(embeddings: Floats) -> Labels:
    """Two clusters by Ward's criterion on evenly spaced windows, then spherical 2-means over all. Of windows that are
    alike to the last bit, which rounding puts here or there, every other one: whoever asks for halves gets two."""
    chosen = np.unique(np.linspace(0, len(embeddings) - 1, MOST_CLUSTERED).round().astype(int))
    halves = fcluster(linkage(embeddings[chosen], "ward"), 2, "maxclust").astype(np.intp) - 1
    means = means_of(embeddings[chosen], halves)
    labels = nearest(embeddings, means)
    for _ in range(20):
        if len(np.unique(labels)) < 2:
            break
        means = means_of(embeddings, labels)
        moved = nearest(embeddings, means)
        if (moved == labels).all():
            break
        labels = moved
    return labels if len(np.unique(labels)) == 2 else np.arange(len(embeddings), dtype=np.intp) % 2
