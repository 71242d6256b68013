"""A photo from a file: upright, of an even size that a video can have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from dub.errors import BadInput

Bytes = npt.NDArray[np.uint8]

SMALLEST_SIDE_PX = 128


def read_photo(path: Path, name: str, long_side_px: int) -> Bytes:
    """BGR uint8 (height, width, 3), turned as its EXIF says, shrunk to `long_side_px` where it is larger, both sides
    even. Raises BadInput, which calls the file `name`, for what is no picture or a tiny one."""
    import cv2

    try:
        picture = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        picture = None  # an empty file, or more pixels than OpenCV takes
    if picture is None:
        raise BadInput(f"{name} is no photo that can be read", mend="give a JPEG, PNG or WebP file")
    height, width = picture.shape[:2]
    if min(height, width) < SMALLEST_SIDE_PX:
        raise BadInput(
            f"{name} has only {width}x{height} pixels", mend=f"give a photo of at least {SMALLEST_SIDE_PX} px a side"
        )
    return resized(picture, min(1.0, long_side_px / max(height, width)))


def resized(picture: Bytes, scale: float) -> Bytes:
    """Shrunk by `scale` <= 1, then cut to even sides."""
    import cv2

    if scale < 1:
        picture = np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    return np.ascontiguousarray(picture[: picture.shape[0] & ~1, : picture.shape[1] & ~1])


def as_planes(picture: Bytes) -> Bytes:
    """BGR (even sides) -> planar yuv420p (height * 3 // 2, width), BT.601, 16..235."""
    import cv2

    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420), np.uint8)
