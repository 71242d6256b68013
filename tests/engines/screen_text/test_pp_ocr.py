"""PP-OCR reads what was written, where it was written."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from engines.screen_text import pp_ocr
from engines.screen_text.contract import TextReader

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def reader() -> TextReader:
    return pp_ocr.load(n_threads=2)


def written(*lines: tuple[str, int, int], width: int = 800, height: int = 450) -> np.ndarray:
    picture = np.full((height, width, 3), 60, np.uint8)
    for text, x, y in lines:
        cv2.putText(picture, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (250, 250, 250), 2, cv2.LINE_AA)
    return picture


def test_reads_lines_from_the_top_down(reader: TextReader) -> None:
    low, high = reader.read(written(("It rained all week.", 200, 420), ("Chapter 12", 300, 60)))[::-1]
    assert (high.text, low.text) == ("Chapter 12", "It rained all week.")
    assert high.left == pytest.approx(300 / 800, abs=0.03)
    assert high.bottom == pytest.approx(60 / 450, abs=0.04)
    assert low.top == pytest.approx(395 / 450, abs=0.04)


@pytest.mark.parametrize(("width", "height"), [(64, 48), (1920, 1080), (450, 800), (33, 517)])
def test_an_empty_picture_of_any_size_has_none(reader: TextReader, width: int, height: int) -> None:
    assert reader.read(written(width=width, height=height)) == ()


def test_large_pictures_are_read_in_their_own_pixels(reader: TextReader) -> None:
    large = cv2.resize(written(("The keys are in the car.", 150, 420)), (3840, 2160))
    [line] = reader.read(large)
    assert line.text == "The keys are in the car."
