"""A cut is found at its frame; motion and noise are not cuts."""

import numpy as np

from engines.face.shots import ShotDetector


def _starts(frames: list[np.ndarray]) -> list[int]:
    detector = ShotDetector()
    return [i for i, frame in enumerate(frames) if detector.starts_shot(frame)]


def test_a_cut_between_two_scenes_starts_a_shot() -> None:
    noise = np.random.default_rng(1)
    one, other = (noise.integers(0, 255, (9, 16)).repeat(20, 0).repeat(20, 1).astype(np.uint8) for _ in range(2))
    assert _starts([one] * 5 + [other] * 4 + [one] * 3) == [0, 5, 9]


def test_a_moving_picture_is_one_shot() -> None:
    scene = np.random.default_rng(2).integers(0, 255, (6, 20)).repeat(30, 0).repeat(30, 1).astype(np.uint8)
    assert _starts([scene[:, 4 * i : 4 * i + 320] for i in range(20)]) == [0]
