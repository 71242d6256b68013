"""Curves of head and lids: bounded, repeatable, and on the beat."""

from fractions import Fraction

import numpy as np
import pytest

from engines.portrait import head_motion as motion

RATE = Fraction(25)


def beats(n_frames: int, every_s: float = 1.0) -> np.ndarray:
    """Loudness with a bump of a third of a second once per `every_s`."""
    times = (np.arange(n_frames) + 0.5) / 25
    return np.exp(-0.5 * (((times + every_s / 2) % every_s - every_s / 2) / 0.12) ** 2)


@pytest.mark.parametrize("amplitude", [0.5, 1.0, 2.0])
def test_the_head_keeps_within_what_one_photo_can_show(amplitude: float) -> None:
    for seed in range(5):
        moved = motion.head_motion(beats(2500), RATE, amplitude, seed)
        assert np.degrees(np.abs(moved.yaw)).max() <= amplitude * motion.MOST_YAW_DEG
        assert np.degrees(np.abs(moved.pitch)).max() <= amplitude * motion.MOST_PITCH_DEG
        assert np.degrees(np.abs(moved.roll)).max() <= amplitude * motion.MOST_ROLL_DEG
        assert max(np.abs(moved.dx).max(), np.abs(moved.dy).max()) <= amplitude * motion.MOST_SHIFT
        assert np.degrees(np.ptp(moved.yaw)) > amplitude * 1.5, "it hardly moves"
        assert np.degrees(np.abs(np.diff(moved.yaw))).max() < 0.4 * amplitude, "it jerks"


def test_without_amplitude_only_the_lids_move() -> None:
    moved = motion.head_motion(beats(500), RATE, 0.0, 1)
    for curve in (moved.yaw, moved.pitch, moved.roll, moved.dx, moved.dy, moved.brows):
        assert not np.abs(curve).max() > 1e-6
    assert moved.lids.max() == 1.0


def test_the_same_seed_moves_the_same_way_and_another_does_not() -> None:
    one, again, other = (motion.head_motion(beats(300), RATE, 1.0, seed) for seed in (3, 3, 4))
    assert np.array_equal(one.yaw, again.yaw)
    assert np.array_equal(one.lids, again.lids)
    assert not np.allclose(one.yaw, other.yaw)


def test_it_nods_on_the_beat() -> None:
    moved = motion.head_motion(beats(1000), RATE, 1.0, 0)
    assert len(moved.stresses) == pytest.approx(40, abs=2)
    still = motion.head_motion(np.zeros(1000), RATE, 1.0, 0)
    assert still.stresses == ()
    times = (np.arange(1000) + 0.5) / 25
    on_beat = np.abs((times + 0.5) % 1.0 - 0.5 - 0.04) < 0.08
    assert moved.pitch[on_beat].mean() > moved.pitch[~on_beat].mean() + np.radians(0.5)


def test_blinks_are_shut_short_and_apart_and_off_the_beat() -> None:
    rng = np.random.default_rng(5)
    times = (np.arange(5000) + 0.5) / 25
    stresses = tuple(np.arange(0.5, 200, 1.0))
    lids = motion.blinks(times, stresses, rng)
    edges = np.flatnonzero(np.diff((lids > 0.02).astype(int)))
    starts, ends = edges[::2] + 1, edges[1::2] + 1
    assert len(starts) == pytest.approx(50, abs=15)
    for start, end in zip(starts, ends, strict=True):
        assert lids[start:end].max() == 1.0, "no frame of this blink is shut"
        assert 0.08 <= (end - start) / 25 <= 0.40
        middle = times[start + int(np.argmax(lids[start:end]))]
        assert min(abs(middle - stress) for stress in stresses) > motion.FROM_STRESS_S - 0.08
    gaps = np.diff(starts) / 25
    assert gaps.min() > 1.8
    assert gaps.max() < 6.6


def test_loudness_is_of_each_frame() -> None:
    sound = np.zeros(48_000, np.float32)
    sound[19_200:28_800] = 0.3
    loud = motion.frame_loudness(sound, RATE, 25)
    assert loud.tolist() == [0.0] * 10 + [1.0] * 5 + [0.0] * 10
    assert not motion.frame_loudness(np.zeros(48_000, np.float32), RATE, 25).any()
