"""The measures of lip-sync on aperture curves that are known to be right or wrong."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from dub.mouth_metrics import (
    aperture_jerk,
    chance_of_closure,
    closures,
    false_closures,
    laplacian_energy,
    lip_dynamics,
    rest,
    second_difference,
    silences,
    spoken_frames,
)
from dub.script import PhonemeSpan
from dub.timecode import Span

RATE = Fraction(25)
N_FRAMES = 100


def phoneme(ipa: str, start_s: float, end_s: float) -> PhonemeSpan:
    return PhonemeSpan(ipa=ipa, start_sample=round(start_s * 48_000), end_sample=round(end_s * 48_000))


SPOKEN = (phoneme("m", 0.5, 0.6), phoneme("a", 0.6, 0.9), phoneme("pʰ", 1.5, 1.58), phoneme("ɑ", 1.58, 1.8))
EVERYWHERE = np.ones(N_FRAMES, bool)


def speaking(closed_at_s: tuple[float, ...]) -> np.ndarray:
    """A mouth at 0.15 that shuts in the frame shown at each of these times."""
    aperture = np.full(N_FRAMES, 0.15, np.float32)
    aperture[[int(at * 25) for at in closed_at_s]] = 0.004
    return aperture


def test_every_bilabial_whose_lips_meet_is_closed() -> None:
    assert [c.is_closed for c in closures(speaking((0.5, 1.44)), RATE, SPOKEN, EVERYWHERE)] == [True, True]


def test_a_frozen_open_mouth_closes_nothing() -> None:
    found = closures(np.full(N_FRAMES, 0.12, np.float32), RATE, SPOKEN, EVERYWHERE)
    assert [c.is_closed for c in found] == [False, False]


def test_lips_that_meet_too_late_do_not_count() -> None:
    assert [c.is_closed for c in closures(speaking((0.6, 1.6)), RATE, SPOKEN, EVERYWHERE)] == [False, False]


def test_frames_without_a_face_or_left_alone_are_not_counted() -> None:
    aperture = speaking((0.5,))
    aperture[30:45] = np.nan
    assert len(closures(aperture, RATE, SPOKEN, EVERYWHERE)) == 1
    assert closures(speaking((0.5, 1.5)), RATE, SPOKEN, np.zeros(N_FRAMES, bool)) == ()


def test_phonemes_beyond_the_picture_are_not_counted() -> None:
    assert closures(speaking(()), RATE, (phoneme("b", 4.1, 4.2),), EVERYWHERE) == ()


def test_a_mouth_shut_inside_an_open_vowel_is_found() -> None:
    assert false_closures(speaking((0.5, 1.5)), RATE, SPOKEN, EVERYWHERE) == (0, 2)
    assert false_closures(speaking((0.74,)), RATE, SPOKEN, EVERYWHERE) == (1, 2)


def test_a_closure_that_belongs_to_the_next_consonant_is_not_the_vowels() -> None:
    spoken = (phoneme("a", 1.0, 1.2), phoneme("b", 1.2, 1.26))
    assert false_closures(speaking((1.14,)), RATE, spoken, EVERYWHERE) == (0, 1)
    assert false_closures(speaking((1.06,)), RATE, spoken, EVERYWHERE) == (1, 1)


def test_silences_shorter_than_300_ms_are_breaths() -> None:
    spoken = (Span.of_seconds(0.4, 1.0), Span.of_seconds(1.2, 2.0), Span.of_seconds(0.5, 0.8))
    assert silences(spoken, Fraction(3)) == (Span.of_seconds(0, 0.4), Span.of_seconds(2, 3))
    assert silences((), Fraction(1)) == (Span.of_seconds(0, 1),)


def test_rest_tells_a_still_mouth_from_one_that_speaks_in_silence() -> None:
    quiet = (Span.of_seconds(1, 3),)
    still = rest(np.full(N_FRAMES, 0.01, np.float32), RATE, quiet)
    babble = rest(np.abs(np.sin(np.arange(N_FRAMES))).astype(np.float32) * 0.2, RATE, quiet)
    assert still is not None
    assert babble is not None
    assert (still.movement, still.closed_share) == (0.0, 1.0)
    assert babble.movement > 0.03
    assert babble.closed_share < 0.2
    assert rest(np.full(N_FRAMES, np.nan, np.float32), RATE, quiet) is None


def test_spoken_frames_are_those_that_show_while_it_sounds() -> None:
    mask = spoken_frames((Span.of_seconds(1.0, 1.1),), RATE, N_FRAMES)
    assert list(np.flatnonzero(mask)) == [25, 26, 27]


def test_blur_lowers_sharpness_and_blinking_raises_flicker() -> None:
    generator = np.random.default_rng(0)
    sharp = generator.integers(0, 255, (40, 60), dtype=np.uint8)
    blurred = ((sharp[:-1].astype(int) + sharp[1:]) // 2).astype(np.uint8)
    assert laplacian_energy(blurred) < 0.6 * laplacian_energy(sharp)
    ramp = [np.full((8, 8), level, np.uint8) for level in (10, 20, 30)]
    blink = [np.full((8, 8), level, np.uint8) for level in (10, 30, 10)]
    assert second_difference(*ramp) == 0
    assert second_difference(*blink) == 40


def test_slack_widens_the_window_by_what_the_times_are_wrong() -> None:
    late = speaking((0.6, 1.6))
    assert [c.is_closed for c in closures(late, RATE, SPOKEN, EVERYWHERE, Fraction(6, 100))] == [True, True]


def test_closing_by_chance_tells_a_shut_mouth_from_one_that_knows_the_words() -> None:
    chance = chance_of_closure(speaking((0.5, 1.5)), RATE, SPOKEN, EVERYWHERE, Fraction(0))
    assert chance is not None
    assert chance < 0.3
    assert chance_of_closure(np.full(N_FRAMES, 0.01, np.float32), RATE, SPOKEN, EVERYWHERE, Fraction(0)) == 1
    assert chance_of_closure(speaking(()), RATE, (), EVERYWHERE, Fraction(0)) is None


def test_lip_dynamics_is_the_spread_of_distances() -> None:
    swing = np.sin(np.arange(50)).astype(np.float32)
    lips = np.zeros((50, 3, 2), np.float32)
    lips[:, 1, 0], lips[:, 2, 1] = 1, 2 + 0.1 * swing
    still = lip_dynamics(np.repeat(lips[:1], 50, axis=0))
    assert still == 0
    moving = lip_dynamics(lips)
    assert moving is not None
    assert 0.04 < moving < 0.05  # two of three distances change by 0.1 sin
    assert lip_dynamics(np.full((50, 3, 2), np.nan, np.float32)) is None


def test_jerk_is_of_jumps_not_of_steady_opening() -> None:
    steady = np.linspace(0, 0.3, N_FRAMES).astype(np.float32)
    jumping = steady + 0.05 * (np.arange(N_FRAMES) % 2).astype(np.float32)
    assert aperture_jerk(steady, EVERYWHERE) < 1e-6  # type: ignore[operator]
    assert abs(aperture_jerk(jumping, EVERYWHERE) - 0.1) < 1e-3  # type: ignore[operator]
    assert aperture_jerk(steady, np.zeros(N_FRAMES, bool)) is None
