"""The plan of one part of a title as a file: what the painter needs beside the source's frames and the bank.

The same plan is the same bytes: shapes are rounded far below a pixel, so that how long the rest of
the title is, or the last bit of a matrix product, changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engines.lipsync.mouth_plan import MouthFrame

DECIMALS = 5
"""Of an eye distance: with eyes 200 px apart, 0.002 px."""


def save(path: Path, planned: Mapping[int, Sequence[MouthFrame]]) -> None:
    """Write an .npz of the frames to be painted, by face number."""
    arrays: dict[str, npt.NDArray[Any]] = {}
    for k, frames in planned.items():
        if not frames:
            continue
        arrays |= {
            f"{k}/index": np.array([frame.index for frame in frames], np.int32),
            f"{k}/terms": np.stack([frame.terms for frame in frames]),
            f"{k}/target": np.round(np.stack([frame.target for frame in frames]), DECIMALS).astype(np.float32),
            f"{k}/own_chin_y": np.round([frame.own_chin_y for frame in frames], DECIMALS).astype(np.float32),
            f"{k}/bank_index": np.array([frame.bank_index for frame in frames], np.int32),
            f"{k}/fading_index": np.array(
                [-1 if frame.fading_index is None else frame.fading_index for frame in frames], np.int32
            ),
            f"{k}/share": np.array([frame.share for frame in frames], np.float32),
            f"{k}/oval_px": np.stack([frame.oval_px for frame in frames]),
        }
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def load(path: Path) -> dict[int, list[MouthFrame]]:
    """By face number, in order of the frames; {} where nothing is to be painted."""
    with np.load(path, allow_pickle=False) as arrays:
        faces = sorted({int(key.split("/")[0]) for key in arrays.files})
        return {
            k: _frames({key.split("/")[1]: arrays[key] for key in arrays.files if key.startswith(f"{k}/")})
            for k in faces
        }


def _frames(columns: Mapping[str, npt.NDArray[Any]]) -> list[MouthFrame]:
    return [
        MouthFrame(
            index=int(columns["index"][i]),
            terms=columns["terms"][i],
            target=columns["target"][i].astype(np.float64),
            own_chin_y=float(columns["own_chin_y"][i]),
            bank_index=int(columns["bank_index"][i]),
            fading_index=None if columns["fading_index"][i] < 0 else int(columns["fading_index"][i]),
            share=float(columns["share"][i]),
            oval_px=columns["oval_px"][i],
        )
        for i in range(len(columns["index"]))
    ]
