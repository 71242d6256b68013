"""The sheet shows the right square of the right frame: source above, dub below."""

import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from dub import media
from dub.contact_sheet import CELL_PX, GAP_PX, STRIP_CELL_PX, STRIP_COLUMNS, mouth_contact_sheet, slow_motion_strip
from dub.source import VideoFacts

FACTS = VideoFacts(width_px=96, height_px=64, frame_rate=Fraction(25), n_frames=6)


def _video(path: Path, first_level: int) -> Path:
    """Frame i has luma first_level + 10 i in a square around (60, 30), 16 elsewhere."""
    with media.FrameWriter(path, FACTS, crf=1) as writer:
        for i in range(FACTS.n_frames):
            frame = np.full((96, 96), 128, np.uint8)
            frame[:64] = 16
            frame[20:40, 50:70] = first_level + 10 * i
            writer.write(frame)
    return path


def _grey(png: bytes, tmp_path: Path, width: int, height: int) -> np.ndarray:
    (tmp_path / "sheet.png").write_bytes(png)
    command = [media.ffmpeg_exe(), "-v", "error", "-i", str(tmp_path / "sheet.png")]
    raw = subprocess.run([*command, "-f", "rawvideo", "-pix_fmt", "gray", "-"], check=True, capture_output=True).stdout
    return np.frombuffer(raw, np.uint8).reshape(height, width)


def test_source_above_dub_and_each_frame_its_own(tmp_path: Path) -> None:
    source, dub = _video(tmp_path / "source.mp4", 60), _video(tmp_path / "dub.mp4", 150)
    centre, side = np.full((6, 2), (60.0, 30.0)), np.full(6, 16.0)
    centre[3] = np.nan
    png = mouth_contact_sheet(source, dub, FACTS, centre, side, [5, 3, 0], n_columns=2)
    sheet = _grey(png, tmp_path, 2 * (CELL_PX + GAP_PX), 2 * CELL_PX + 3 * GAP_PX)
    middle = CELL_PX // 2
    first, second = sheet[:, middle], sheet[:, CELL_PX + GAP_PX + middle]

    def shown(level: int) -> float:
        return (level - 16) * 255 / 219  # video range to full range

    assert first[middle] == pytest.approx(shown(110), abs=4)  # frame 5, then 0: in the order asked for; 3 has no mouth
    assert first[CELL_PX + middle] == pytest.approx(shown(200), abs=4)
    assert second[middle] == pytest.approx(shown(60), abs=4)
    assert second[CELL_PX + middle] == pytest.approx(shown(150), abs=4)


def test_a_strip_shows_every_frame_from_the_first_on(tmp_path: Path) -> None:
    source, dub = _video(tmp_path / "source.mp4", 60), _video(tmp_path / "dub.mp4", 150)
    png = slow_motion_strip(source, dub, FACTS, np.full((6, 2), (60.0, 30.0)), np.full(6, 16.0), 2, 9)
    n = 4  # the title ends before the strip does
    assert n < STRIP_COLUMNS
    step = STRIP_CELL_PX + GAP_PX
    strip = _grey(png, tmp_path, n * step, 2 * STRIP_CELL_PX + 3 * GAP_PX)
    middles = [STRIP_CELL_PX // 2 + k * step for k in range(n)]
    above = strip[STRIP_CELL_PX // 2, middles].astype(float)
    assert np.diff(above) == pytest.approx(10 * 255 / 219, abs=3)
    assert above[0] == pytest.approx((60 + 2 * 10 - 16) * 255 / 219, abs=4)


def test_a_sheet_of_no_mouths_is_refused(tmp_path: Path) -> None:
    nowhere = np.full((6, 2), np.nan)
    with pytest.raises(ValueError, match="none of the frames"):
        mouth_contact_sheet(tmp_path / "a", tmp_path / "b", FACTS, nowhere, np.ones(6), [0, 1])
