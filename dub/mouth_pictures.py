"""Pictures of mouths: where to cut them out, how much they flicker, and which moments a person should see."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from dub.mouth_metrics import Closure, Floats, Mask, second_difference

Picture = npt.NDArray[np.uint8]
T = TypeVar("T", bound=np.generic)

HALF_WIDTH_IOD, HALF_HEIGHT_IOD = 0.62, 0.5
"""Half the cut's size in eye distances: the mouth, the chin and some cheek."""
SHEET_SIDE_IOD = 1.15
"""Side of the square that a contact sheet shows."""
N_MOMENTS = 8


@dataclass(frozen=True)
class Moment:
    """One frame to look at; `caption` says why, `is_fault` that something went wrong there."""

    frame: int
    caption: str
    is_fault: bool = False


@dataclass(frozen=True)
class MouthBox:
    """A cut-out in displayed pixels, inside the picture."""

    left: int
    top: int
    width: int
    height: int

    def of(self, picture: npt.NDArray[T]) -> npt.NDArray[T]:
        return picture[self.top : self.top + self.height, self.left : self.left + self.width]


def mouth_boxes(centre: Floats, iod_px: Floats, width_px: int, height_px: int) -> list[MouthBox | None]:
    """A box per frame around the mouth's `centre` (n_frames, 2); None without a face, or where it leaves the picture.

    All boxes have the size that fits the median face, so that cuts of neighbouring frames can be compared.
    """
    seen = np.isfinite(iod_px) & np.isfinite(centre).all(axis=1)
    if not seen.any():
        return [None] * len(iod_px)
    iod = float(np.median(iod_px[seen]))
    width, height = (max(8, round(2 * half * iod)) for half in (HALF_WIDTH_IOD, HALF_HEIGHT_IOD))
    boxes: list[MouthBox | None] = []
    for (x, y), is_seen in zip(centre, seen, strict=True):
        if not is_seen:
            boxes.append(None)
            continue
        left, top = round(float(x) - width / 2), round(float(y) - height / 2)
        inside = left >= 0 and top >= 0 and left + width <= width_px and top + height <= height_px
        boxes.append(MouthBox(left, top, width, height) if inside else None)
    return boxes


def flicker(lumas: Iterable[Picture], boxes: Sequence[MouthBox | None]) -> Floats:
    """Mean |second difference in time| of the mouth box per frame, grey levels: float32 (n_frames,).

    `lumas`: full luma planes (h, w) in order. NaN for the first and last frame and where there is no box.
    """
    levels = np.full(len(boxes), np.nan, np.float32)
    held: deque[Picture] = deque(maxlen=3)
    for frame, luma in enumerate(lumas):
        held.append(luma)
        box = boxes[frame - 1] if len(held) == 3 else None
        if box is not None:
            levels[frame - 1] = second_difference(*(box.of(picture) for picture in held))
    return levels


def flicker_ratio(source: Floats, dub: Floats, is_rendered: Mask) -> float | None:
    """Dub over source, on the frames whose neighbours were moved too. None under ten such frames, or where the source
    does not change at all."""
    moved = np.zeros_like(is_rendered)
    moved[1:-1] = is_rendered[:-2] & is_rendered[1:-1] & is_rendered[2:]
    both = moved & np.isfinite(source) & np.isfinite(dub)
    still = float(source[both].sum())
    return float(dub[both].sum()) / still if both.sum() >= 10 and still > 0 else None


def worst_moments(closures: Sequence[Closure], is_rendered: Mask) -> tuple[Moment, ...]:
    """The p, b and m whose lips are farthest open, worst first; then moved frames spread over the title."""
    worst = sorted(closures, key=lambda closure: -closure.aperture)[:N_MOMENTS]
    moments: dict[int, Moment] = {}
    for closure in worst:
        opening = f"{closure.aperture:.3f}" if closure.is_closed else f"open {closure.aperture:.2f}"
        moments.setdefault(closure.frame, Moment(closure.frame, f"{closure.ipa} {opening}", not closure.is_closed))
    rendered = np.flatnonzero(is_rendered)
    if len(rendered):
        spread = rendered[np.linspace(0, len(rendered) - 1, N_MOMENTS).astype(int)]
        for frame in spread:
            if len(moments) >= N_MOMENTS:
                break
            moments.setdefault(int(frame), Moment(int(frame), f"frame {frame}"))
    return tuple(moments.values())
