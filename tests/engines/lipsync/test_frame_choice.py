"""Every frame gets one decision with its reason."""

from dataclasses import replace
from fractions import Fraction

import numpy as np

from dub.script import PhonemeSpan
from engines.lipsync import frame_choice as choice
from engines.lipsync.contract import SpokenSpan
from tests.engines.lipsync import cartoon

RATE = Fraction(25)
N = 100


def _face(aperture: np.ndarray | None = None):
    opening = np.zeros(N) if aperture is None else aperture
    return cartoon.track_of(opening, np.full((N, 2), 100.0))


def _decide(face, *, dub: slice = slice(0, 0), source: slice = slice(0, 0), off: slice = slice(0, 0)):
    masks = []
    for span in (dub, source, off):
        mask = np.zeros(N, bool)
        mask[span] = True
        masks.append(mask)
    return choice.decide(face, *masks, np.ones(N, bool), np.ones(N, bool), RATE)


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


def test_a_still_mouth_under_source_speech_is_an_off_screen_voice() -> None:
    noise = np.random.default_rng(0).normal(0, 0.002, N)
    still, moving = _face(np.abs(noise)), _face(0.1 + 0.1 * np.sin(np.arange(N)))
    speech = np.ones(N, bool)
    assert choice.voice_off_screen(still, speech, RATE).all()
    assert not choice.voice_off_screen(moving, speech, RATE).any()
    assert not choice.voice_off_screen(still, ~speech, RATE).any()  # a silent source says nothing about who speaks
    decision = _decide(still, dub=slice(0, N), off=slice(0, N))
    assert (decision == choice.OFF_SCREEN).all()


def test_off_screen_is_asked_shot_by_shot() -> None:
    opening = np.zeros(N)
    opening[50:] = 0.1 + 0.1 * np.sin(np.arange(50))
    face = replace(_face(opening), shots=np.array([0, 50], np.int32))
    off = choice.voice_off_screen(face, np.ones(N, bool), RATE)
    assert off[:50].all()
    assert not off[50:].any()


def test_short_pauses_are_bridged_and_lips_get_time_before_and_after() -> None:
    spoken = SpokenSpan(
        "u0001",
        48_000,
        144_000,
        (
            PhonemeSpan(ipa="a", start_sample=48_000, end_sample=57_600),  # 1.0 to 1.2 s
            PhonemeSpan(ipa="a", start_sample=81_600, end_sample=86_400),  # 1.7 to 1.8 s
            PhonemeSpan(ipa="a", start_sample=139_200, end_sample=144_000),  # 2.9 to 3.0 s
        ),
    )
    is_on = choice.dub_speech((spoken,), RATE, N)
    assert choice.runs(is_on) == [(22, 49), (69, 79)]


def test_ramps_rise_and_fall_but_not_at_cuts() -> None:
    rendered = np.zeros(40, bool)
    rendered[10:30] = True
    share = choice.ramps(rendered, np.array([0] * 30 + [1] * 10))
    assert list(share[9:14]) == [0, 0.25, 0.5, 0.75, 1]
    assert list(share[28:31]) == [1, 1, 0]  # the shot ends there
