"""Shot boundaries from tiny luma thumbnails."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

THUMB_PX = (32, 18)
CUT_LEVELS = 18.0
"""Mean change of a thumbnail, in grey levels, under which no cut is called: a head's nod changes 2 to 6."""
CUT_OVER_USUAL = 4.0
"""A cut changes the picture this many times more than the frames just before it did."""


class ShotDetector:
    """Fed with one luma plane after the other, says which one starts a shot. Hard cuts only: a dissolve is motion."""

    def __init__(self) -> None:
        self._previous: npt.NDArray[np.float32] | None = None
        self._usual_levels = 2.0

    def starts_shot(self, luma: npt.NDArray[np.uint8]) -> bool:
        """True for the first frame and for the first frame after every cut. `luma`: uint8 (height, width)."""
        import cv2

        thumb = cv2.resize(luma[::2, ::2], THUMB_PX, interpolation=cv2.INTER_AREA).astype(np.float32)
        previous, self._previous = self._previous, thumb
        if previous is None:
            return True
        change = float(np.abs(thumb - previous).mean())
        if change > max(CUT_LEVELS, CUT_OVER_USUAL * self._usual_levels):
            return True
        self._usual_levels += 0.2 * (change - self._usual_levels)
        return False
