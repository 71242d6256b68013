"""Whose mouth was moved: each check with nothing wrong, and with one planted fault that it must find."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from dub.check_on_screen import (
    Bystander,
    check_placement,
    check_wrong_mouths,
    idle_frames,
    moved_frames,
    said_by,
)
from dub.finding import Level
from dub.gates import Gates
from dub.on_screen import OFF_SCREEN, UNCERTAIN, ShownRun

RATE, N = Fraction(25), 200
GATES = Gates()


def _mouth(seed: int) -> np.ndarray:
    return np.abs(0.1 + 0.05 * np.random.default_rng(seed).normal(size=N)).astype(np.float32)


def _tracked_again(aperture: np.ndarray) -> np.ndarray:
    return (aperture + np.random.default_rng(9).normal(0, 0.006, N)).astype(np.float32)


def test_a_face_is_idle_where_it_is_seen_and_says_nothing() -> None:
    is_seen = np.arange(N) < 150
    idle = idle_frames(1, is_seen, [ShownRun(40, 60, 1), ShownRun(80, 90, 0), ShownRun(100, 110, OFF_SCREEN)], RATE)
    assert list(np.flatnonzero(~idle[:150])) == list(range(32, 68))
    assert not idle[150:].any()


def test_an_untouched_bystander_is_ok_and_a_moved_one_is_found_with_its_time() -> None:
    source, iod = _mouth(1), np.full(N, 80, np.float32)
    everywhere = np.ones(N, bool)
    untouched = Bystander(everywhere, moved_frames(source, _tracked_again(source), iod))
    (ok,) = check_wrong_mouths([untouched], RATE, GATES)
    assert (ok.level, ok.value) == (Level.OK, 0)
    planted = source.copy()
    planted[100:150] = _mouth(2)[100:150]
    (found,) = check_wrong_mouths([untouched, Bystander(everywhere, moved_frames(source, planted, iod))], RATE, GATES)
    assert found.level is Level.DEGRADED
    assert 1.5 < (found.value or 0) < 2.5
    assert "person 2: 00:00:0" in found.message
    longer = Bystander(everywhere, moved_frames(source, _mouth(2), iod))
    assert check_wrong_mouths([longer], RATE, GATES)[0].level is Level.FAILED


def test_a_small_face_is_allowed_the_trembling_of_its_tracking() -> None:
    source = _mouth(1)
    trembling = (source + np.random.default_rng(3).normal(0, 0.05, N)).astype(np.float32)
    assert not moved_frames(source, trembling, np.full(N, 12, np.float32)).any()
    assert moved_frames(source, trembling, np.full(N, 80, np.float32)).any()


def test_nobody_idle_is_nothing_to_measure() -> None:
    (finding,) = check_wrong_mouths([Bystander(np.zeros(N, bool), np.ones(N, bool))], RATE, GATES)
    assert (finding.level, finding.value) == (Level.OK, None)


def test_lines_that_nobody_could_be_told_to_say_are_named_with_their_times() -> None:
    shown = {
        "u0001": (ShownRun(0, 100, 0),),
        "u0002": (ShownRun(100, 150, UNCERTAIN), ShownRun(150, 160, 0)),
        "u0003": (ShownRun(170, 190, OFF_SCREEN),),
    }
    whole, line = check_placement(shown, np.ones(N, bool), RATE, GATES)
    assert (whole.level, round(whole.value or 0, 3)) == (Level.DEGRADED, round(50 / 180, 3))
    assert (line.level, line.utterance_id) == (Level.DEGRADED, "u0002")
    assert "00:00:04.000-00:00:06.000" in line.message
    sure = {"u0001": (ShownRun(0, 100, 0),), "u0003": shown["u0003"]}
    assert [finding.level for finding in check_placement(sure, np.ones(N, bool), RATE, GATES)] == [Level.OK]


def test_doubt_over_a_picture_without_faces_does_not_count() -> None:
    assert check_placement({"u0001": (ShownRun(0, 50, UNCERTAIN),)}, np.zeros(N, bool), RATE, GATES) == ()


def test_every_line_says_whose_mouth_says_it() -> None:
    rendered = np.zeros((2, N), bool)
    rendered[1, 10:30] = True
    told = said_by(
        {"u0001": (ShownRun(5, 35, 1), ShownRun(35, 45, OFF_SCREEN)), "u0002": (ShownRun(50, 60, UNCERTAIN),)}, rendered
    )
    assert told == {
        "u0001": "person 2: moved in 20 of 30 frames; off screen: 10 frames left untouched",
        "u0002": "speaker unclear: 10 frames left untouched",
    }
