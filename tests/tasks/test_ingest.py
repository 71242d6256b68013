"""Whatever the file does with its sound, the programme starts with the first frame and ends with the last."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dub.errors import UnreadableMedia
from dub.media import write_wav
from dub.source import Source
from dub.stage import Desk
from tasks.ingest import ingest
from tests.clips import clicks, ffmpeg, first_over, level_db, numbered, speechlike, with_sound
from tests.tasks.sound import heard, stored_file


@pytest.fixture(scope="module")
def ramp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """3 s at 25 fps."""
    return numbered(tmp_path_factory.mktemp("ramp") / "ramp.mp4", 75)


def ingested(desk: Desk, path: Path) -> Source:
    return ingest(desk, stored_file(desk, path), path.stem)


@pytest.mark.parametrize("n_channels", [1, 2, 6])
def test_channels_become_stereo_at_their_level(desk: Desk, tmp_path: Path, ramp: Path, n_channels: int) -> None:
    voice = speechlike(3)
    sound = np.zeros((n_channels, voice.shape[1]), np.float32)
    sound[2 if n_channels == 6 else slice(None)] = voice
    source = ingested(desk, with_sound(ramp, sound, tmp_path / "a.mov"))
    programme = heard(desk, source.programme)
    assert source.n_source_channels == n_channels
    assert programme.shape == (2, 144_000)
    expected_db = level_db(voice) - (3.01 if n_channels == 6 else 0)
    assert abs(level_db(programme) - expected_db) < 0.05, "the centre of 5.1 goes to both sides at -3 dB"
    assert abs(source.mean_level_db - level_db(programme)) < 1e-3


def test_quiet_sound_stays_quiet(desk: Desk, tmp_path: Path, ramp: Path) -> None:
    quiet = speechlike(3) * np.float32(10 ** (-16 / 20))
    source = ingested(desk, with_sound(ramp, quiet, tmp_path / "a.mov"))
    assert abs(source.mean_level_db - level_db(quiet)) < 0.1
    assert source.mean_level_db < -34


@pytest.mark.parametrize("offset_s", [-0.4, 0.3, 1.2])
def test_sound_that_starts_before_or_after_the_picture_keeps_its_place(
    desk: Desk, tmp_path: Path, ramp: Path, offset_s: float
) -> None:
    write_wav(tmp_path / "a.wav", clicks([1.0], 3.0), 48_000)
    shift = ["-itsoffset", str(offset_s), "-i", tmp_path / "a.wav"]
    ffmpeg("-i", ramp, *shift, "-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", "pcm_s16le", tmp_path / "a.mkv")
    source = ingested(desk, tmp_path / "a.mkv")
    programme = heard(desk, source.programme)
    assert programme.shape == (2, 144_000)
    assert abs(float(source.video.start_offset) + offset_s) <= 0.001, "Matroska's clock has milliseconds"
    assert abs(first_over(programme) - round((1.0 + offset_s) * 48_000)) <= 48
    assert source.video.n_frames == 75


def test_an_edit_list_cuts_sound_with_the_picture(desk: Desk, tmp_path: Path, ramp: Path) -> None:
    whole = with_sound(ramp, clicks([0.5, 2.0], 3.0), tmp_path / "whole.mp4", codec="aac")
    ffmpeg("-ss", "1.0", "-i", whole, "-c", "copy", tmp_path / "cut.mp4")
    source = ingested(desk, tmp_path / "cut.mp4")
    programme = heard(desk, source.programme)
    assert (source.video.n_frames, programme.shape) == (50, (2, 96_000))
    assert abs(first_over(programme) - 48_000) <= 60, "the click at 2 s is now at 1 s, the one at 0.5 s is gone"


def test_a_hole_in_the_sound_is_silence_and_what_follows_stays_in_place(desk: Desk, tmp_path: Path, ramp: Path) -> None:
    sound = clicks([0.2, 2.5], 3.0)
    whole = with_sound(ramp, sound, tmp_path / "whole.mkv")
    hole = ["-af", "aselect='not(between(t,0.5,2.0))'"]
    ffmpeg("-i", whole, "-c:v", "copy", "-c:a", "pcm_s16le", *hole, tmp_path / "hole.mkv")
    programme = heard(desk, ingested(desk, tmp_path / "hole.mkv").programme)
    assert abs(first_over(programme) - 9_600) <= 48
    late = first_over(programme[:, 48_000:]) + 48_000
    assert abs(late - 120_000) <= 96


def test_sound_shorter_or_longer_than_the_picture_is_padded_or_cut(desk: Desk, tmp_path: Path, ramp: Path) -> None:
    for seconds in (1.0, 4.5):
        source = ingested(desk, with_sound(ramp, speechlike(seconds), tmp_path / f"{seconds}.mov"))
        programme = heard(desk, source.programme)
        assert programme.shape == (2, 144_000)
        assert (programme[:, 48_000:].any()) == (seconds > 3)


def test_a_picture_without_sound_has_a_silent_programme(desk: Desk, ramp: Path) -> None:
    source = ingested(desk, ramp)
    programme = heard(desk, source.programme)
    assert (source.n_source_channels, source.mean_level_db) == (0, -120)
    assert programme.shape == (2, 144_000)
    assert not programme.any()


def test_refusals_name_the_title(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "My talk.mp4").write_bytes(b"no media")
    with pytest.raises(UnreadableMedia, match=r"^My talk: ffprobe cannot read it") as refusal:
        ingested(desk, tmp_path / "My talk.mp4")
    assert "mend: give a video file" in str(refusal.value)
    write_wav(tmp_path / "sound.wav", clicks([0.1], 0.5), 48_000)
    with pytest.raises(UnreadableMedia, match=r"^sound: the file has no video"):
        ingested(desk, tmp_path / "sound.wav")


@pytest.mark.media
def test_real_clips_keep_their_level(desk: Desk, shared_media: Path) -> None:
    for name, level in (("english_10s", -36.1), ("spanish_editlist_10s", -36.3)):
        source = ingested(desk, shared_media / "video" / f"{name}.mp4")
        assert abs(source.mean_level_db - level) < 0.1
        assert heard(desk, source.programme).shape[1] == source.video.n_frames * 1600
