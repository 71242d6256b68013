"""The cheapest path: what fits, and what follows."""

from types import SimpleNamespace

import numpy as np

from engines.lipsync.mouth_search import MouthSearch


def _search(measures: np.ndarray, thumbs: np.ndarray, forward: np.ndarray | None = None) -> MouthSearch:
    n = len(measures)
    bank = SimpleNamespace(
        n=n,
        frame=10 * np.arange(n),
        measures=measures,
        forward=np.full(n, 0.4) if forward is None else forward,
        pose=np.zeros((n, 2)),
        brightness=np.full(n, 100.0),
        shot=np.zeros(n, np.int64),
        thumb=thumbs.astype(np.float32),
    )
    return MouthSearch(bank)  # type: ignore[arg-type]


def _path(search: MouthSearch, aperture: np.ndarray, forward: float = 0.4) -> np.ndarray:
    t = len(aperture)
    targets = np.stack([aperture, np.full(t, 0.56), np.full(t, 0.11)], axis=1)
    return search.path(targets, np.full(t, forward), np.zeros((t, 2)), np.full(t, 100.0), np.zeros(t, np.int64))


def test_of_two_frames_that_fit_alike_the_one_that_looks_like_the_last_is_taken() -> None:
    apertures = np.repeat(np.linspace(0.0, 0.3, 16), 2)  # every aperture twice: of look 0 and of look 1
    measures = np.stack([apertures, np.full(32, 0.56), np.full(32, 0.11)], axis=1)
    looks = np.tile([0, 1], 16)
    thumbs = np.where(looks[:, None], 10.0, -10.0) * np.ones((32, 8)) + apertures[:, None]
    chosen = _path(_search(measures, thumbs), 0.15 + 0.12 * np.sin(np.arange(40) / 4))
    assert len(set(looks[chosen])) == 1
    assert np.abs(apertures[chosen] - (0.15 + 0.12 * np.sin(np.arange(40) / 4))).max() < 0.03


def test_a_mouth_to_be_shut_borrows_from_a_shut_mouth() -> None:
    """Even where an open one has the right width."""
    measures = np.array([[0.03, 0.56, 0.11]] * 20 + [[0.3, 0.44, 0.11]] * 20 + [[0.004, 0.47, 0.12]])
    chosen = _path(_search(measures, np.zeros((41, 4))), np.zeros(5))
    assert list(chosen) == [40] * 5


def test_teeth_are_not_stretched_when_an_open_mouth_is_there() -> None:
    measures = np.array([[0.03, 0.56, 0.11]] * 20 + [[0.16, 0.50, 0.11]])
    search = _search(measures, np.zeros((21, 4)))
    assert list(_path(search, np.full(5, 0.18))) == [20] * 5


def test_a_rounded_sound_borrows_lips_that_are_pushed_forward() -> None:
    measures = np.tile([0.05, 0.50, 0.11], (20, 1))
    search = _search(measures, np.zeros((20, 4)), np.linspace(0, 1, 20))
    assert search._bank.forward[_path(search, np.full(5, 0.05), forward=1.0)].min() > 0.9


def test_nothing_to_plan_is_no_path() -> None:
    assert len(_path(_search(np.array([[0.1, 0.5, 0.1]] * 4), np.zeros((4, 4))), np.zeros(0))) == 0
