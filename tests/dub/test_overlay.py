"""An overlay in the frames that an encoder takes, and nowhere else."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from dub.media import FrameWriter, read_frames
from dub.overlay import Overlay
from dub.source import VideoFacts

FACTS = VideoFacts(width_px=160, height_px=120, frame_rate=Fraction(25), n_frames=60)
BOX = np.s_[10:30, 20:140]


def overlay(n_frames: int) -> Overlay:
    coverage = np.zeros((20, 120), np.uint8)
    coverage[6:14, 20:100] = 255
    return Overlay.of(coverage, 10, 20, n_frames)


@pytest.mark.parametrize("luma", [16, 128, 235])
def test_white_letters_on_a_dark_box_over_any_picture(luma: int) -> None:
    frame = np.full((180, 160), luma, np.uint8)
    frame[120:] = 200  # coloured
    before, painted = frame.copy(), overlay(1).painted(frame)
    assert (frame == before).all(), "an encoder's frame may be somebody else's"
    assert (painted[16:24, 40:120] == 235).all()
    around = painted[11, 21]
    assert around <= 75
    outside = np.ones((120, 160), bool)
    outside[BOX] = False
    assert (painted[:120][outside] == luma).all()
    chroma = painted[120:].reshape(2, 60, 80)
    assert (chroma[:, 8:12, 20:60] == 128).all(), "white letters"
    assert (chroma[:, 30:] == 200).all()


def test_it_comes_back_from_its_file(tmp_path: Path) -> None:
    made = overlay(7)
    made.save(tmp_path / "overlay.npz")
    again = Overlay.load(tmp_path / "overlay.npz")
    assert (again.top, again.left, again.n_frames, again.size) == (10, 20, 7, (20, 120))
    assert (again.keep == made.keep).all()
    assert (again.add == made.add).all()


def test_what_follows_it_is_encoded_as_without_it(tmp_path: Path) -> None:
    """A group of pictures is two seconds, 50 frames: after the key frame hardly anything is carried over."""
    pattern = np.random.default_rng(1).integers(60, 180, (18, 16), np.uint8).repeat(10, 0).repeat(10, 1)
    frames = [np.roll(pattern, shift, axis=1) for shift in range(60)]
    decoded = []
    for name, drawn in (("with", overlay(50)), ("without", None)):
        with FrameWriter(tmp_path / f"{name}.mp4", FACTS, overlay=drawn) as writer:
            for frame in frames:
                writer.write(frame)
        decoded.append(list(read_frames(tmp_path / f"{name}.mp4", FACTS)))
    off = np.abs(np.stack(decoded[0]).astype(int) - np.stack(decoded[1]))
    assert (off[:50][:, *BOX].mean(axis=(1, 2)) > 30).all()
    assert off[50:].mean() < 0.2
