"""Kokoro's voices: the 54 that come with it, and the space of voices between and beyond them.

A voice is a pack, float32 (510, 256): one style row per length in phonemes; [:, :128] carries timbre, [:,
128:] prosody. Packs are described by `z`, their 40 principal components over the stock voices in units of
standard deviation: pack(z) = mean + (z * scale) @ components.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dub.errors import WeightsCorrupt
from engines.tts.kokoro_graph import STYLE_DIM, STYLE_ROWS

N_COMPONENTS = 40

Pack = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class StockVoices:
    """`packs` float32 (n, 510, 256), in the order of `names` (prefix: language and f or m, `ef_dora`)."""

    names: tuple[str, ...]
    packs: npt.NDArray[np.float32]

    def pack(self, name: str) -> Pack:
        """Raises KeyError for a voice that Kokoro does not have."""
        try:
            index = self.names.index(name)
        except ValueError:
            raise KeyError(name) from None
        return np.asarray(self.packs[index])

    @cached_property
    def space(self) -> VoiceSpace:
        return VoiceSpace.of(self.packs)


def read_stock_voices(folder: Path) -> StockVoices:
    """From `voices.bin` (packs end to end) and `voices.txt` (their names). Raises WeightsCorrupt when they
    disagree."""
    names = tuple((folder / "voices.txt").read_text(encoding="utf-8").split())
    values = np.fromfile(folder / "voices.bin", dtype="<f4")
    if values.size != len(names) * STYLE_ROWS * STYLE_DIM:
        n_needed = len(names) * STYLE_ROWS * STYLE_DIM
        raise WeightsCorrupt(
            f"voices.bin has {values.size} numbers, {len(names)} voices need {n_needed}",
            mend="polydub models pull kokoro",
        )
    return StockVoices(names, values.reshape(len(names), STYLE_ROWS, STYLE_DIM))


@dataclass(frozen=True)
class VoiceSpace:
    """Principal components of the stock packs. `mean` (130560,), `components` (40, 130560), `scale` (40,)."""

    mean: Floats
    components: Floats
    scale: Floats

    @classmethod
    def of(cls, packs: npt.NDArray[np.float32]) -> VoiceSpace:
        """Through the small Gram matrix; every component's largest entry is positive, so signs are
        reproducible."""
        flat = packs.reshape(len(packs), -1).astype(np.float64)
        mean = flat.mean(axis=0)
        centred = flat - mean
        eigenvalues, vectors = np.linalg.eigh(centred @ centred.T)
        order = np.argsort(eigenvalues)[::-1][:N_COMPONENTS]
        singular = np.sqrt(eigenvalues[order])
        components = (vectors[:, order] / singular).T @ centred
        largest = components[np.arange(len(components)), np.abs(components).argmax(axis=1)]
        components *= np.sign(largest)[:, None]
        return cls(mean, components, singular / np.sqrt(len(packs)))

    def z_of(self, pack: Pack) -> Floats:
        """Coordinates (40,) of a pack."""
        return np.asarray(((pack.reshape(-1) - self.mean) @ self.components.T) / self.scale)

    def pack_of(self, z: Floats) -> Pack:
        """The pack at `z` (40,), or at fewer coordinates with the rest 0."""
        k = len(z)
        flat = self.mean + (z * self.scale[:k]) @ self.components[:k]
        return flat.reshape(STYLE_ROWS, STYLE_DIM).astype(np.float32)


@dataclass(frozen=True)
class VoiceBank:
    """Voices that were rendered once and heard by the fit encoder: what the map from z to embedding is learnt
    from.

    `z` (n, 40); `embeddings` (n, 2, 256): unit length, one per sentence; the first `len(names)` rows are the
    stock voices in order. `f0_hz` (n,): median pitch.
    """

    names: tuple[str, ...]
    z: Floats
    embeddings: Floats
    f0_hz: Floats

    @classmethod
    def read(cls, path: Path) -> VoiceBank:
        with np.load(path, allow_pickle=False) as stored:
            return cls(
                tuple(str(name) for name in stored["names"]),
                stored["z"].astype(np.float64),
                stored["embeddings"].astype(np.float64),
                stored["f0_hz"].astype(np.float64),
            )

    @cached_property
    def mean_embeddings(self) -> Floats:
        """(n, 256), unit length: the mean over the sentences."""
        mean = self.embeddings.mean(axis=1)
        return np.asarray(mean / np.linalg.norm(mean, axis=1, keepdims=True))


BANK_FILE = Path(__file__).parent / "data" / "voice_bank.npz"


def blend_for_locale(fitted: Pack, native: Pack, share_of_native: float) -> Pack:
    """The fitted timbre with a native voice's prosody; `share_of_native` 0..1 of the native timbre mixed
    in."""
    blended = native.copy()
    blended[:, :128] = (1 - share_of_native) * fitted[:, :128] + share_of_native * native[:, :128]
    return blended
