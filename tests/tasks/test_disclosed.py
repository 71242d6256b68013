"""Where the line stands: inside the safe area, away from faces, at any shape of picture."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from dub.disclosure import Wording
from dub.errors import BadInput
from dub.source import VideoFacts
from engines.face.contract import LEFT_EYE, RIGHT_EYE, TrackedFace, TrackedFaces
from lang.bcp47 import Locale
from tasks.disclosed import Placed, face_boxes, place

EN = Locale("en")
TEXT = "AI dub: voice and lips are synthetic"
WORDING = Wording(locale=EN, language=EN, when="start", moved=TEXT, unmoved=TEXT)


def film(width: int, height: int) -> VideoFacts:
    return VideoFacts(width_px=width, height_px=height, frame_rate=Fraction(25), n_frames=200)


def a_face(top: float, bottom: float, *, frames: slice = slice(0, 200), width: int = 1280) -> TrackedFace:
    """Four points of an upright face in the middle: eyes 100 px apart, forehead and chin."""
    ids = np.array([10, LEFT_EYE, RIGHT_EYE, 152], np.int16)
    face = TrackedFace.empty(200, ids, np.zeros(1, np.int32))
    eyes, middle = (2 * top + bottom) / 3, width / 2
    face.points[frames] = [(middle, top), (middle - 50, eyes), (middle + 50, eyes), (middle, bottom)]
    return face


def placed(facts: VideoFacts, *faces: TrackedFace) -> Placed:
    return place(TEXT, WORDING, facts, face_boxes(TrackedFaces(200, np.zeros(1, np.int32), faces), 150))


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1080, 1920), (512, 512), (320, 240), (3840, 2160)])
def test_it_is_legible_inside_the_safe_area_of_any_picture(width: int, height: int) -> None:
    overlay = placed(film(width, height)).overlay
    box_height, box_width = overlay.size
    assert overlay.n_frames == 150
    assert all(number % 2 == 0 for number in (overlay.top, overlay.left, box_height, box_width))
    assert overlay.top >= 0.05 * height - 1
    assert overlay.left >= 0.05 * width
    assert overlay.left + box_width <= 0.95 * width
    assert abs(overlay.left + box_width / 2 - width / 2) <= 2
    assert box_height >= min(width, height) / 25
    letters = overlay.add > 200
    assert not letters[0].any()
    assert not letters[:, 0].any()


def test_it_goes_where_no_face_is() -> None:
    facts = film(1280, 720)
    at_top = placed(facts).overlay.top
    assert at_top == 36
    assert placed(facts, a_face(200, 600)).overlay.top == at_top
    close_up = placed(facts, a_face(20, 560))
    height, _ = close_up.overlay.size
    assert close_up.overlay.top + height == pytest.approx(720 - 36, abs=2)
    assert close_up.n_over_face == 0
    later = placed(facts, a_face(20, 560, frames=slice(150, 200)))
    assert later.overlay.top == at_top, "who comes after the line is gone is not in its way"


def test_where_faces_are_everywhere_fewer_are_covered_and_it_is_told() -> None:
    facts = film(1280, 720)
    found = placed(facts, a_face(20, 400, frames=slice(0, 100)), a_face(300, 700, frames=slice(60, 100)))
    assert found.n_over_face == 40
    assert found.overlay.top > 360


def test_a_picture_too_small_for_it_is_named() -> None:
    with pytest.raises(BadInput, match=r"cannot be read in a picture of 96x64 px"):
        placed(film(96, 64))
