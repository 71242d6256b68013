"""Shots of one face share a number; another face gets its own."""

from dataclasses import replace

import numpy as np

from engines.lipsync.same_face import face_numbers, face_of_frames
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
    assert list(face_of_frames(nobody_first)[[0, 24, 25, 49]]) == [-1, -1, 0, 0]
