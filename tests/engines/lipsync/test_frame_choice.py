"""Every frame gets one decision with its reason."""

from dataclasses import replace
from fractions import Fraction

import numpy as np

from dub.on_screen import ShownRun
from dub.script import PhonemeSpan
from engines.lipsync import frame_choice as choice
from engines.lipsync.contract import SpokenSpan
from tests.engines.lipsync import cartoon

RATE = Fraction(25)
N = 100


def _face(aperture: np.ndarray | None = None):
    opening = np.zeros(N) if aperture is None else aperture
    return cartoon.track_of(opening, np.full((N, 2), 100.0))


def _decide(face, *, dub: slice = slice(0, 0), source: slice = slice(0, 0), off: slice = slice(0, 0), covered=None):
    masks = []
    for span in (dub, source, off, slice(0, 0)):
        mask = np.zeros(N, bool)
        mask[span] = True
        masks.append(mask)
    inside = np.ones(N, bool)
    return choice.decide(face, *masks, has_bank=True, is_inside=inside, frame_rate=RATE, is_covered=covered)


def test_each_reason_where_it_belongs() -> None:
    face = _face()
    yaw, points = face.yaw_deg.copy(), face.points.copy()
    yaw[50:55] = 40
    points[60:65] = np.nan
    decision = _decide(replace(face, yaw_deg=yaw, points=points), dub=slice(40, 80), source=slice(70, 95))
    assert (decision[:40] == choice.NOBODY).all()
    assert (decision[50:55] == choice.TURNED).all()
    assert (decision[60:65] == choice.NO_FACE).all()
    assert (decision[65:80] == choice.SPEAKS).all()
    assert (decision[80:95] == choice.HELD_SHUT).all()  # the source speaks on, the dub is done
    assert (decision[95:] == choice.NOBODY).all()


def test_between_the_dubs_end_and_the_sources_next_word_the_mouth_is_not_let_go() -> None:
    decision = _decide(_face(), dub=slice(10, 40), source=slice(45, 60))
    assert (decision[40:60] == choice.HELD_SHUT).all()


def test_off_screen_voices_leave_a_silent_face_and_still_shut_one_that_spoke() -> None:
    decision = _decide(_face(), dub=slice(0, 0), source=slice(0, 30), off=slice(0, 60))
    assert (decision[:30] == choice.HELD_SHUT).all()
    assert (decision[30:60] == choice.VOICE_OFF_SCREEN).all()


def test_short_pauses_are_bridged_and_lips_get_time_before_and_after() -> None:
    spoken = SpokenSpan(
        "u0001",
        48_000,
        144_000,
        (ShownRun(25, 75, 0),),
        (
            PhonemeSpan(ipa="a", start_sample=48_000, end_sample=57_600),  # 1.0 to 1.2 s
            PhonemeSpan(ipa="a", start_sample=81_600, end_sample=86_400),  # 1.7 to 1.8 s
            PhonemeSpan(ipa="a", start_sample=139_200, end_sample=144_000),  # 2.9 to 3.0 s
        ),
    )
    is_on = choice.speech_of(0, (spoken,), np.zeros(N, int), RATE)
    assert choice.runs(is_on) == [(22, 49), (69, 79)]
    assert not choice.speech_of(1, (spoken,), np.zeros(N, int), RATE).any()


def test_a_line_over_a_cut_moves_each_face_in_its_own_shot_alone() -> None:
    runs = (ShownRun(25, 50, 0), ShownRun(50, 75, 1))
    spoken = SpokenSpan("u0001", 48_000, 144_000, runs)  # 1 to 3 s, the cut at 2 s
    shot = np.repeat([0, 1], 50)
    assert choice.runs(choice.speech_of(0, (spoken,), shot, RATE)) == [(22, 50)]
    assert choice.runs(choice.speech_of(1, (spoken,), shot, RATE)) == [(50, 79)]


def test_ramps_rise_and_fall_but_not_at_cuts() -> None:
    rendered = np.zeros(40, bool)
    rendered[10:30] = True
    share = choice.ramps(rendered, np.array([0] * 30 + [1] * 10))
    assert list(share[9:14]) == [0, 0.25, 0.5, 0.75, 1]
    assert list(share[28:31]) == [1, 1, 0]  # the shot ends there


def test_a_head_at_the_edge_of_the_range_is_let_go_once() -> None:
    """Noise about the limit, then well inside again; and a glance of two frames between two turns."""
    yaw = np.zeros(N, np.float32)
    yaw[30:50] = choice.LARGEST_YAW_DEG + np.tile([1, -1], 10)
    yaw[70:80] = yaw[82:90] = -40
    decision = _decide(replace(_face(), yaw_deg=yaw), dub=slice(10, 95))
    assert choice.runs(decision == choice.TURNED) == [(30, 50), (70, 90)]
    yaw[30:50] -= 2  # never beyond the limit
    decision = _decide(replace(_face(), yaw_deg=yaw), dub=slice(10, 95))
    assert choice.runs(decision == choice.TURNED) == [(70, 90)]


def test_a_covered_mouth_is_kept_where_it_would_have_been_moved() -> None:
    covered = np.zeros(N, bool)
    covered[20:60] = True
    decision = _decide(_face(), dub=slice(40, 80), covered=covered)
    assert choice.runs(decision == choice.COVERED) == [(40, 60)]
    assert choice.REASONS[choice.COVERED] == "kept: mouth covered"
    assert (decision[60:80] == choice.SPEAKS).all()
