"""What a talking portrait's face does beside talking: blinks and head movement, measured on a tracked face."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

SHUT_SHARE = 0.45
"""An eye whose opening is under this share of its median is shut: the tracker reads closed lids as a slit."""


def eye_openings(lids: Floats, iod_px: Floats) -> Floats:
    """(n_frames,) mean opening of both eyes in IOD. `lids` (n_frames, 4, 2): upper and lower lid of one eye, then of
    the other, in pixels; NaN without a face."""
    heights = np.linalg.norm(lids[:, 0::2] - lids[:, 1::2], axis=2).mean(axis=1)
    openings: Floats = (heights / iod_px).astype(np.float32)
    return openings


def count_blinks(openings: Floats) -> int:
    """Runs of frames in which the eyes are shut."""
    seen = openings[np.isfinite(openings)]
    if not len(seen):
        return 0
    is_shut = seen < SHUT_SHARE * np.median(seen)
    return int(np.count_nonzero(np.diff(is_shut.astype(np.int8), prepend=0) == 1))


def head_range_deg(angles: Floats) -> float | None:
    """Degrees between the 2nd and the 98th percentile; None without a face."""
    seen = angles[np.isfinite(angles)]
    if not len(seen):
        return None
    low, high = np.quantile(seen, [0.02, 0.98])
    return float(high - low)
