"""A video against its source: what was touched is found, encoding alone is not, the rest of the picture is watched."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from dub.compare_pictures import Comparison, compare
from dub.media import FrameWriter
from dub.mouth_pictures import MouthBox
from tests.clips import facts

N, WIDTH, HEIGHT = 40, 192, 160
BOX, FACE = MouthBox(70, 80, 48, 40), MouthBox(48, 56, 92, 88)
FACTS = facts(N, width=WIDTH, height=HEIGHT)


def texture(seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 1, (HEIGHT, WIDTH)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 1.5)
    return soft / soft.std()


def moving(at: int) -> np.ndarray:
    """A textured picture that drifts; float32 (h, w)."""
    return 120 + 30 * np.roll(texture(0), at, axis=1) + 6 * texture(100 + at % 3)


def write(path: Path, pictures: list[np.ndarray], crf: int = 18) -> Path:
    with FrameWriter(path, facts(len(pictures), width=WIDTH, height=HEIGHT), crf=crf) as writer:
        for picture in pictures:
            luma = np.clip(picture, 16, 235).astype(np.uint8)
            writer.write(np.concatenate([luma, np.full((HEIGHT // 2, WIDTH), 128, np.uint8)]))
    return path


def changed(picture: np.ndarray, at: int, kind: str) -> np.ndarray:
    picture = picture.copy()
    part = picture[BOX.top : BOX.top + BOX.height, BOX.left : BOX.left + BOX.width]
    if kind == "blurred":
        part[:] = cv2.GaussianBlur(part, (0, 0), 3)
    elif kind == "repainted":
        part[:] = moving(at + 7)[BOX.top : BOX.top + BOX.height, BOX.left : BOX.left + BOX.width]
    elif kind == "jumping":
        part[:] = np.roll(part, int(np.random.default_rng(at).integers(-9, 10)), axis=0)
    elif kind == "elsewhere":
        picture[:24, :24] += 40
    return picture


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("compare") / "source.mp4", [moving(at) for at in range(N)], crf=10)


def held(source: Path, tmp_path: Path, kind: str) -> Comparison:
    video = write(tmp_path / "video.mp4", [changed(moving(at), at, kind) for at in range(N)])
    found = compare(source, FACTS, video, FACTS, [BOX] * N, [FACE] * N)
    assert isinstance(found, Comparison)
    return found


def test_a_copy_is_untouched_and_an_encode_too(source: Path, tmp_path: Path) -> None:
    same = compare(source, FACTS, source, FACTS, [BOX] * N, [FACE] * N)
    assert isinstance(same, Comparison)
    assert (same.psnr == 100).all()
    encoded = held(source, tmp_path, "")
    assert not encoded.is_touched.any()
    assert encoded.sharpness_ratio() == pytest.approx(1, abs=0.3)  # noise does not survive encoding whole
    assert encoded.flicker_ratio() is None
    assert encoded.psnr.min() > 30


def test_a_repainted_mouth_is_touched_and_as_sharp(source: Path, tmp_path: Path) -> None:
    found = held(source, tmp_path, "repainted")
    assert found.is_touched.mean() > 0.9
    assert found.sharpness_ratio() == pytest.approx(1, abs=0.25)  # the box's edges count too
    assert found.flicker_ratio() == pytest.approx(1, abs=0.2)
    assert np.nanmax(found.worst_block) < 10


def test_a_blurred_mouth_loses_sharpness(source: Path, tmp_path: Path) -> None:
    ratio = held(source, tmp_path, "blurred").sharpness_ratio()
    assert ratio is not None
    assert ratio < 0.3


def test_a_jumping_mouth_flickers(source: Path, tmp_path: Path) -> None:
    ratio = held(source, tmp_path, "jumping").flicker_ratio()
    assert ratio is not None
    assert ratio > 1.3


def test_a_change_outside_the_lower_face_is_seen(source: Path, tmp_path: Path) -> None:
    found = held(source, tmp_path, "elsewhere")
    assert found.worst_block.min() > 30
    assert not found.is_touched.any()


def test_a_late_start_is_made_up_for(source: Path, tmp_path: Path) -> None:
    video = write(tmp_path / "late.mp4", [moving(at) for at in range(5, N)])
    found = compare(source, FACTS, video, facts(N - 5, width=WIDTH, height=HEIGHT), [BOX] * N, [FACE] * N)
    assert isinstance(found, Comparison)
    assert found.lag == 5
    assert found.is_compared.all()
    assert not found.is_touched.any()


def test_another_raster_or_rate_is_said(source: Path) -> None:
    small = compare(source, FACTS, source, facts(N), [BOX] * N, [FACE] * N)
    assert small == "the source is 192x160, the video 64x48"
    slow = FACTS.model_copy(update={"frame_rate": 30})
    assert "frames a second" in str(compare(source, FACTS, source, slow, [BOX] * N, [FACE] * N))


def test_frames_without_a_face_are_left_out(source: Path) -> None:
    found = compare(source, FACTS, source, FACTS, [None, *[BOX] * (N - 1)], [None, *[FACE] * (N - 1)])
    assert isinstance(found, Comparison)
    assert np.flatnonzero(~found.is_compared).tolist() == [0]
