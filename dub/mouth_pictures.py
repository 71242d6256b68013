"""Pictures of mouths: where to cut them out, how much they flicker, and which moments a person should see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dub.mouth_metrics import Closure, Floats, Mask, second_difference

Picture = npt.NDArray[np.uint8]

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

    def of(self, picture: Picture) -> Picture:
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


class Flicker:
    """Adds up the second difference in time of source and dub over the frames whose neighbours were moved too."""

    def __init__(self, boxes: Sequence[MouthBox | None], is_rendered: Mask) -> None:
        self._boxes, self._is_rendered = boxes, is_rendered
        self._held: list[tuple[Picture, Picture]] = []
        self._source = self._dub = 0.0
        self.n_frames = 0

    def add(self, frame: int, source_luma: Picture, dub_luma: Picture) -> None:
        """Call for every frame in order, with the full luma planes (h, w)."""
        self._held = [*self._held[-2:], (source_luma, dub_luma)]
        middle = frame - 1
        if len(self._held) < 3 or not self._is_rendered[middle - 1 : middle + 2].all():
            return
        box = self._boxes[middle]
        if box is None:
            return
        source, dub = ([box.of(pair[side]) for pair in self._held] for side in (0, 1))
        self._source += second_difference(*source)
        self._dub += second_difference(*dub)
        self.n_frames += 1

    @property
    def ratio(self) -> float | None:
        """Dub over source; None under ten frames, or where the source does not change at all."""
        return self._dub / self._source if self.n_frames >= 10 and self._source > 0 else None


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
