"""Which frames of a video have another mouth than the video it was made from: told by the pixels of one face."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from dub.mouth_metrics import Mask
from dub.mouth_pictures import MouthBox, Picture

MOVED_RATIO, MOVED_LEVELS, STEADY_FRAMES = 1.3, 0.2, 7
"""A mouth was moved where its box differs by so many times what the same face's eyes do, and so many grey levels more,
in the median of so many frames: encoding changes both alike (docs/score-a-dub.md has the measurements)."""


def moved_frames(
    pairs: Iterable[tuple[Picture, Picture]], mouths: Sequence[MouthBox | None], eyes: Sequence[MouthBox | None]
) -> Mask:
    """(n_pairs,): the mouth was painted anew. `pairs`: lumas of the source and of the video; boxes by pair, None where
    the face is not seen. A mouth that was painted as the source's own looks is not found."""
    over = np.array(
        [_over(was, now, *boxes) for (was, now), *boxes in zip(pairs, mouths, eyes, strict=True)], np.float32
    )
    if not len(over):
        return np.zeros(0, bool)
    padded = np.pad(over, STEADY_FRAMES // 2, "edge")
    steady: Mask = np.median(np.lib.stride_tricks.sliding_window_view(padded, STEADY_FRAMES), axis=1) > 0
    return steady & np.isfinite(over)


def _over(was: Picture, now: Picture, mouth: MouthBox | None, eyes: MouthBox | None) -> float:
    """Grey levels by which the mouth has changed more than encoding would."""
    if mouth is None or eyes is None:
        return -np.inf
    at_mouth, at_eyes = (_change(box, was, now) for box in (mouth, eyes))
    return at_mouth - MOVED_RATIO * at_eyes - MOVED_LEVELS


def _change(box: MouthBox, was: Picture, now: Picture) -> float:
    return float(np.abs(box.of(was).astype(np.int16) - box.of(now).astype(np.int16)).mean())
