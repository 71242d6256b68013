"""Frames that are asked for by number come out, however many and however scattered."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from dub.frame_expression import Steps, steps_of
from dub.media import read_frames
from tests.clips import facts, number_of, numbered

N = 110


@pytest.mark.parametrize(
    "wanted",
    [
        [0],
        [3, 4],
        list(range(N)),
        list(range(0, N, 5)),
        [*range(0, 40, 2), 41, *range(50, 110, 3)],
        sorted(random.Random(3).sample(range(N), 70)),
    ],
    ids=["one", "two", "all", "every fifth", "runs", "scattered"],
)
def test_just_these_frames_come_out(tmp_path: Path, wanted: list[int]) -> None:
    film = numbered(tmp_path / "film.mp4", N)
    assert [number_of(frame) for frame in read_frames(film, facts(N), only=wanted)] == wanted


def test_more_than_ffmpeg_takes_in_one_sum(tmp_path: Path) -> None:
    """A sum of 101 terms is refused by ffmpeg."""
    film = numbered(tmp_path / "film.mp4", N)
    longer = facts(6 * N)
    wanted = [0, *(frame for frame in range(1, 6 * N) if frame % 7 in (1, 2, 4))]
    assert len(steps_of(wanted)) > 100
    frames = read_frames(_six_times(film, tmp_path), longer, only=wanted)
    assert [number_of(frame) for frame in frames] == [frame % N for frame in wanted]


def _six_times(film: Path, folder: Path) -> Path:
    from tests.clips import ffmpeg

    ffmpeg("-stream_loop", "5", "-i", film, "-c", "copy", folder / "six.mp4")
    return folder / "six.mp4"


def test_even_steps_are_one() -> None:
    assert steps_of([0, 80, *range(225, 601, 5)]) == [Steps(0, 80, 80), Steps(225, 600, 5)]
    assert steps_of([7]) == [Steps(7, 7, 1)]
