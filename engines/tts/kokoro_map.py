"""From a voice's place in Kokoro's voice space to the embedding that a speaker encoder gives its speech, and back.

A ridge regression from the first 24 coordinates of a voice to a unit-length embedding, learnt on the voice bank.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engines.tts.kokoro_voices import Floats, VoiceBank

N_FITTED_COORDINATES = 24
RIDGE = 3.0
N_STARTS, N_STEPS, N_SOLUTIONS = 6, 400, 4
STEP, BOX, BOX_PULL, START_PULL = 3.0, 1.2, 0.008, 0.004
HEARD_WEIGHT = 6.0
"""How much more a voice counts that was tried for this speaker than one of the bank."""

Map = tuple[Floats, Floats]
"""slope (24, d) and offset (d,)."""


def voice_map(z: Floats, embeddings: Floats, weights: Floats | None = None) -> Map:
    """Learn the map from voices (n, 40) and the unit-length embeddings (n, d) of their speech."""
    k = N_FITTED_COORDINATES
    inputs = np.column_stack([z[:, :k], np.ones(len(z))])
    weighted = inputs if weights is None else inputs * weights[:, None]
    solution = np.linalg.solve(inputs.T @ weighted + RIDGE * np.eye(k + 1), weighted.T @ embeddings)
    return np.asarray(solution[:k]), np.asarray(solution[k])


def climb(start: Floats, target: npt.NDArray[np.floating], voice_to_embedding: Map) -> tuple[Floats, float]:
    """The voice z (40,) whose predicted embedding is nearest to `target`, and the predicted cosine.

    Gradient ascent, kept near the start and inside the space that the bank covers (|z| up to about 1.2).
    """
    slope, offset = voice_to_embedding
    k = N_FITTED_COORDINATES
    at = start[:k].copy()
    for _ in range(N_STEPS):
        predicted = at @ slope + offset
        length = np.linalg.norm(predicted)
        cosine = predicted @ target / length
        at = at + STEP * (slope @ ((target - cosine * predicted / length) / length))
        at = at - BOX_PULL * np.maximum(0, np.abs(at) - BOX) * np.sign(at) - START_PULL * (at - start[:k])
    predicted = at @ slope + offset
    return np.concatenate([at, start[k:]]), float(predicted @ target / np.linalg.norm(predicted))


def solve(bank: VoiceBank, target: npt.NDArray[np.floating]) -> list[Floats]:
    """Up to 4 voices z (40,), the best predictions first; climbed from the 6 voices of the bank nearest to `target`."""
    voice_to_embedding = voice_map(bank.z, bank.mean_embeddings)
    nearest = np.argsort(-(bank.mean_embeddings @ target))[:N_STARTS]
    found = [climb(bank.z[start], target, voice_to_embedding) for start in nearest]
    found.sort(key=lambda pair: -pair[1])
    return [z for z, _ in found[:N_SOLUTIONS]]


def refine(bank: VoiceBank, z: Floats, embeddings: Floats, target: npt.NDArray[np.floating]) -> list[Floats]:
    """Two more voices, climbed from the best of the voices `z` (n, 40; best first) that were tried for this speaker and
    gave `embeddings`: once with the map moved by the error it made on the best three, once learnt again with them."""
    slope, offset = voice_map(bank.z, bank.mean_embeddings)
    error = (embeddings - (z[:, :N_FITTED_COORDINATES] @ slope + offset))[:3].mean(axis=0)
    weights = np.concatenate([np.ones(len(bank.z)), np.full(len(z), HEARD_WEIGHT)])
    again = voice_map(np.concatenate([bank.z, z]), np.concatenate([bank.mean_embeddings, embeddings]), weights)
    return [climb(z[0], target, voice_to_embedding)[0] for voice_to_embedding in ((slope, offset + error), again)]
