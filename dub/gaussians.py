"""Mixtures of Gaussians with diagonal covariances, as speaker models are made of; deterministic, in NumPy alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_N_ROUNDS = 8
_PRIOR_FRAMES = 20.0
"""The variance of all frames counts as much as this many frames: a component of few frames cannot collapse."""
_LEAST_VARIANCE_SHARE = 0.05


@dataclass(frozen=True)
class Mixture:
    """`weights` (k,), sum 1; `means`, `variances` (k, d)."""

    weights: npt.NDArray[np.float64]
    means: npt.NDArray[np.float64]
    variances: npt.NDArray[np.float64]

    def log_likelihoods(self, frames: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """(n,) nats, natural log of the density at each frame, without the constant of the Gaussian."""
        joint = self.joint(frames)
        top = joint.max(axis=1)
        return np.asarray(top + np.log(np.exp(joint - top[:, None]).sum(axis=1)))

    def joint(self, frames: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """(n, k): log of weight times density."""
        precision = 1 / self.variances
        distance = (
            (frames.astype(np.float64) ** 2) @ precision.T
            - 2 * frames @ (self.means * precision).T
            + (self.means**2 * precision).sum(axis=1)
        )
        return np.asarray(np.log(self.weights) - 0.5 * (distance + np.log(self.variances).sum(axis=1)))


def fit_mixture(frames: npt.NDArray[np.float32], n_components: int) -> Mixture:
    """Expectation-maximisation from components spread along the frames' widest directions.

    `frames`: float32 (n, d), n >= 1.
    """
    spread = frames.var(axis=0).astype(np.float64) + 1e-9
    means = _spread_out(frames, n_components)
    mixture = Mixture(np.full(n_components, 1 / n_components), means, np.tile(spread, (n_components, 1)))
    for _ in range(_N_ROUNDS):
        joint = mixture.joint(frames)
        share = np.exp(joint - joint.max(axis=1, keepdims=True))
        share /= share.sum(axis=1, keepdims=True)
        n_each = share.sum(axis=0) + 1e-3
        means = (share.T @ frames) / n_each[:, None]
        variances = (share.T @ frames.astype(np.float64) ** 2) / n_each[:, None] - means**2
        variances = (variances * n_each[:, None] + spread * _PRIOR_FRAMES) / (n_each[:, None] + _PRIOR_FRAMES)
        mixture = Mixture(n_each / n_each.sum(), means, np.maximum(variances, _LEAST_VARIANCE_SHARE * spread))
    return mixture


def _spread_out(frames: npt.NDArray[np.float32], n_components: int) -> npt.NDArray[np.float64]:
    """(k, d): frames in order along their widest direction, cut into k equal parts, and the mean of each."""
    centred = frames.astype(np.float64) - frames.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    ranks = np.argsort(centred @ axes[:, -1], kind="stable")
    parts = np.array_split(ranks, min(n_components, len(frames)))
    means = [frames[part].mean(axis=0) for part in parts]
    return np.array([means[number % len(means)] for number in range(n_components)], np.float64)
