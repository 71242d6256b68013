"""A portrait for tests: a frame of the sample video, and what the engine makes of it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from dub.media import read_frames
from dub.video_facts import video_facts


@pytest.fixture(scope="session")
def picture(sample_video: Path) -> np.ndarray:
    """BGR, 512 x 512: a woman who faces the camera, her lips shut."""
    frame = next(read_frames(sample_video, video_facts(sample_video), "rgb24", n=1))
    return np.ascontiguousarray(frame[..., ::-1])


@pytest.fixture(scope="session")
def photo(picture: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photo") / "photo.png"
    cv2.imwrite(str(path), picture)
    return path
