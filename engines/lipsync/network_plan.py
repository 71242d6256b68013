"""The plan of one part of a title for a lip-sync network: which faces it is shown, and what it hears with each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class NetworkFrame(NamedTuple):
    """One face in one frame. `terms` (4,), `box` (4,), `hull` (n, 2): its rows of network_crop.FaceCrops. `share` 0..1:
    how much of the new mouth shows. `sound` float32 (1, 80, 16): what the network hears."""

    index: int
    face: int
    terms: npt.NDArray[np.float64]
    box: npt.NDArray[np.float64]
    hull: npt.NDArray[np.float32]
    share: float
    sound: npt.NDArray[np.float32]


SOUND_DECIMALS = 4
"""Of -4..4. What is said elsewhere changes the last bits of a resampled sound, and must change no part's plan."""


def save(path: Path, frames: Sequence[NetworkFrame]) -> None:
    """Write an .npz; of no frames, an empty one."""
    columns = {}
    if frames:
        columns = {name: np.stack([np.asarray(getattr(frame, name)) for frame in frames]) for name in frames[0]._fields}
        columns["sound"] = np.round(columns["sound"], SOUND_DECIMALS)
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **columns)


def load(path: Path) -> list[NetworkFrame]:
    """In order of the frames."""
    with np.load(path, allow_pickle=False) as arrays:
        if not arrays.files:
            return []
        columns = [arrays[name] for name in NetworkFrame._fields]
    return [
        NetworkFrame(int(index), int(face), terms, box, hull, float(share), sound)
        for index, face, terms, box, hull, share, sound in zip(*columns, strict=True)
    ]
