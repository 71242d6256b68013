"""Shots of one face share a number; another face gets its own."""

from dataclasses import replace

import numpy as np

from engines.face.same_face import by_person, face_numbers
from tests.engines.lipsync import cartoon

ANNA, BELA = cartoon.Look(), cartoon.Look(lower=0.08)


def _track(*looks: cartoon.Look):
    n = 25 * len(looks)
    return cartoon.track_of(0.1 + 0.1 * np.sin(np.arange(n)), np.full((n, 2), 100.0), looks)


def test_a_face_is_known_again_after_another_ones_shot() -> None:
    assert list(face_numbers(_track(ANNA, BELA, ANNA))) == [0, 1, 0]


def test_a_shot_without_a_face_has_no_number() -> None:
    track = _track(ANNA, BELA)
    points = track.points.copy()
    points[:25] = np.nan
    nobody_first = replace(track, points=points)
    assert list(face_numbers(nobody_first)) == [-1, 0]
    (only,) = by_person(nobody_first).faces
    assert list(only.is_found[[0, 24, 25, 49]]) == [False, False, True, True]


def test_every_person_gets_one_track_whoever_is_seen_most_first() -> None:
    track = _track(ANNA, BELA, BELA)
    bela, anna = by_person(track).faces
    assert (int(bela.is_found.sum()), int(anna.is_found.sum())) == (50, 25)
    assert np.array_equal(anna.points[:25], track.points[:25])
    assert np.isnan(anna.aperture[25:]).all()
