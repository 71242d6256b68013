"""A dub and its picture end together, as the user said they should."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from dub.errors import BadInput, UnreadableMedia
from dub.media import read_frames
from dub.source import Source
from dub.stage import Desk
from dub.wav import open_wav, write_wav
from tasks.ingest import ingest
from tasks.match_length import match_length
from tests.clips import ffmpeg, first_over, number_of, numbered, speechlike, with_sound


@pytest.fixture
def source(desk: Desk, tmp_path: Path) -> Source:
    """50 frames at 25 fps with 2 s of sound."""
    clip = with_sound(numbered(tmp_path / "numbers.mp4", 50), speechlike(2.0), tmp_path / "talk.mov")
    return ingest(desk, desk.open_store().put_copy(clip, "video/*"), "talk")


def sound(desk: Desk, tmp_path: Path, seconds: float) -> object:
    write_wav(tmp_path / "dub.wav", speechlike(seconds, 24_000), 24_000)
    return desk.open_store().put_copy(tmp_path / "dub.wav", "audio/*")


def test_a_sound_of_the_pictures_length_changes_nothing_but_the_sound(
    desk: Desk, source: Source, tmp_path: Path
) -> None:
    found = match_length(desk, source, sound(desk, tmp_path, 1.9), "dub.wav", "same")
    assert found.source == source
    assert found.dubbed.original == source.original
    dub, rate_hz = open_wav(desk.open_store().path(found.dubbed.programme))
    assert (rate_hz, dub.shape) == (48_000, (2, 96_000))
    assert np.abs(dub[:, :48_000]).max() > 0.1
    assert np.abs(dub[:, round(1.92 * 48_000) :]).max() < 1e-3
    assert found.seconds == pytest.approx(1.9, abs=0.01)


@pytest.mark.parametrize(("seconds", "what"), [(1.2, "0.80 s shorter"), (2.3, "0.30 s longer")])
def test_another_length_is_refused_with_both_ways_out(
    desk: Desk, source: Source, tmp_path: Path, seconds: float, what: str
) -> None:
    with pytest.raises(BadInput, match=what) as caught:
        match_length(desk, source, sound(desk, tmp_path, seconds), "dub.wav", "same")
    assert "--length cut" in caught.value.mend
    assert "--length hold" in caught.value.mend


@pytest.mark.parametrize(
    ("seconds", "length", "n_frames"), [(1.2, "cut", 30), (2.8, "cut", 50), (1.2, "hold", 50), (2.8, "hold", 70)]
)
def test_cut_ends_with_the_shorter_and_hold_with_the_longer(
    desk: Desk, source: Source, tmp_path: Path, seconds: float, length: str, n_frames: int
) -> None:
    found = match_length(desk, source, sound(desk, tmp_path, seconds), "dub.wav", length)
    store, video = desk.open_store(), found.source.video
    assert video.n_frames == n_frames
    shown = [number_of(frame) for frame in read_frames(store.path(found.source.original), video)]
    assert shown == [min(number, 49) for number in range(n_frames)]
    for programme in (found.source.programme, found.dubbed.programme):
        assert open_wav(store.path(programme))[0].shape[1] == Fraction(n_frames, 25) * 48_000


def test_sound_begins_with_the_first_frame(desk: Desk, source: Source, tmp_path: Path) -> None:
    late = np.pad(speechlike(1.0), ((0, 0), (48_000, 0)))
    write_wav(tmp_path / "late.wav", late, 48_000)
    given = desk.open_store().put_copy(tmp_path / "late.wav", "audio/*")
    found = match_length(desk, source, given, "late.wav", "same")
    dub, _ = open_wav(desk.open_store().path(found.dubbed.programme))
    assert first_over(dub, 0.02) == pytest.approx(first_over(late, 0.02), abs=2)


def test_a_file_without_sound_is_named(desk: Desk, source: Source, tmp_path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "color=c=gray:s=64x48:d=0.2", tmp_path / "mute.mp4")
    given = desk.open_store().put_copy(tmp_path / "mute.mp4", "audio/*")
    with pytest.raises(UnreadableMedia, match=r"mute\.mp4 has no sound"):
        match_length(desk, source, given, "mute.mp4", "same")
