"""Flicker of a mouth box: steady motion does not count, blinking does; boxes stay inside the picture."""

from __future__ import annotations

import numpy as np
import pytest

from dub.mouth_pictures import MouthBox, flicker, flicker_ratio, mouth_boxes

N = 24
BOX = MouthBox(4, 4, 8, 8)


def lumas(blink: int) -> list[np.ndarray]:
    """A picture that brightens steadily; every other frame `blink` grey levels more."""
    return [np.full((16, 16), 40 + 3 * i + blink * (i % 2), np.uint8) for i in range(N)]


def test_steady_motion_is_no_flicker_and_blinking_is() -> None:
    assert np.nanmax(flicker(lumas(0), [BOX] * N)) == 0
    levels = flicker(lumas(5), [BOX] * N)
    assert np.isnan(levels[[0, -1]]).all()
    assert levels[1:-1] == pytest.approx(10)


def test_the_ratio_counts_frames_whose_neighbours_were_moved_too() -> None:
    source, dub = flicker(lumas(2), [BOX] * N), flicker(lumas(6), [BOX] * N)
    moved = np.ones(N, bool)
    assert flicker_ratio(source, dub, moved) == pytest.approx(3)
    moved[::3] = False
    assert flicker_ratio(source, dub, moved) is None, "no frame has two moved neighbours"


def test_a_box_that_leaves_the_picture_is_none() -> None:
    centre = np.array([[50, 50], [2, 50], [np.nan, np.nan]], np.float32)
    boxes = mouth_boxes(centre, np.array([20, 20, 20], np.float32), 100, 100)
    assert boxes[0] is not None
    assert boxes[1:] == [None, None]
