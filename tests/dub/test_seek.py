"""Frames reached by seeking are the frames that decoding from the start gives, bit by bit."""

from __future__ import annotations

import hashlib
import time
from fractions import Fraction
from pathlib import Path

import pytest

from dub.errors import ToolFailed
from dub.media import read_frames
from dub.seek import seek_to
from dub.source import VideoFacts
from dub.video_facts import video_facts
from tests.clips import ffmpeg, turned

NOISY = "testsrc2=size=160x120:rate={rate}:duration={seconds},noise=alls=20:allf=t+u:all_seed=7"
"""Every frame differs from every other."""
OPEN_GOP = "keyint=40:min-keyint=40:scenecut=0:open-gop=1:bframes=4:b-pyramid=normal"


def _clip(path: Path, *options: str, rate: str = "25", seconds: int = 9) -> Path:
    ffmpeg("-f", "lavfi", "-i", NOISY.format(rate=rate, seconds=seconds), *options, path)
    return path


def _digests(path: Path, known: VideoFacts, first: int = 0, n: int | None = None) -> list[str]:
    return [hashlib.sha256(frame).hexdigest() for frame in read_frames(path, known, first=first, n=n)]


def _assert_every_cut_is_exact(path: Path, *, is_sought: bool = True) -> None:
    known = video_facts(path)
    whole = _digests(path, known)
    assert len(set(whole)) == len(whole) == known.n_frames, "each frame can be told from the others"
    late = known.n_frames - 1
    assert (seek_to(path, known, late) is not None) is is_sought
    for first in (51, 79, 80, 121, late):
        assert _digests(path, known, first, min(4, known.n_frames - first)) == whole[first : first + 4], first
    assert _digests(path, known, 90) == whole[90:]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("b_frames.mp4", ["-c:v", "libx264", "-bf", "3", "-g", "60"]),
        ("open_gop.mp4", ["-c:v", "libx264", "-x264-params", OPEN_GOP]),
        ("one_gop.mp4", ["-c:v", "libx264", "-g", "9999", "-sc_threshold", "0"]),
        ("refresh.mp4", ["-c:v", "libx264", "-x264-params", "keyint=50:intra-refresh=1:bframes=0"]),
        ("open_gop.mkv", ["-c:v", "libx264", "-x264-params", OPEN_GOP]),
        ("vp9.webm", ["-c:v", "libvpx-vp9", "-g", "50", "-deadline", "realtime", "-cpu-used", "8"]),
        ("hevc.mp4", ["-c:v", "libx265", "-x265-params", "keyint=40:open-gop=1:bframes=4:log-level=none"]),
    ],
)
def test_sought_frames_are_the_decoded_ones(name: str, options: list[str], tmp_path: Path) -> None:
    _assert_every_cut_is_exact(_clip(tmp_path / name, *options))


@pytest.mark.parametrize("rate", ["30000/1001", "60"])
@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_at_rates_that_containers_round(rate: str, ending: str, tmp_path: Path) -> None:
    seconds = 9 if rate != "60" else 5
    path = _clip(tmp_path / f"a.{ending}", "-c:v", "libx264", "-g", "48", rate=rate, seconds=seconds)
    assert video_facts(path).frame_rate == Fraction(rate)
    _assert_every_cut_is_exact(path)


def test_with_an_edit_list_that_hides_the_beginning(tmp_path: Path) -> None:
    whole = _clip(tmp_path / "a.mp4", "-c:v", "libx264", "-bf", "3", "-g", "60", seconds=11)
    ffmpeg("-ss", "1.52", "-i", whole, "-c", "copy", tmp_path / "cut.mp4")
    _assert_every_cut_is_exact(tmp_path / "cut.mp4")


@pytest.mark.parametrize("offset_s", ["3.217", "-1.04"])
def test_with_an_odd_start(offset_s: str, tmp_path: Path) -> None:
    """The picture's clock starts elsewhere than at zero, and elsewhere than the sound's."""
    whole = _clip(tmp_path / "a.mp4", "-c:v", "libx264", "-bf", "3", "-g", "60")
    sound = ["-f", "lavfi", "-i", "sine=duration=12"]
    ffmpeg("-itsoffset", offset_s, "-i", whole, *sound, "-c:v", "copy", "-c:a", "aac", tmp_path / "late.mp4")
    _assert_every_cut_is_exact(tmp_path / "late.mp4")
    ffmpeg("-itsoffset", offset_s, "-i", whole, *sound, "-c:v", "copy", "-c:a", "aac", "-copyts", tmp_path / "late.mkv")
    _assert_every_cut_is_exact(tmp_path / "late.mkv")


def test_a_turned_picture(tmp_path: Path) -> None:
    whole = _clip(tmp_path / "a.mp4", "-c:v", "libx264", "-g", "60", "-vf", "scale=64:48")
    path = turned(whole, tmp_path / "turned.mp4")
    assert video_facts(path).rotation_degrees == 90
    _assert_every_cut_is_exact(path)


@pytest.mark.parametrize("name", ["a.ts", "a.mpg", "a.avi"])
def test_what_has_no_index_of_key_frames_is_decoded_from_its_start(name: str, tmp_path: Path) -> None:
    codec = {"a.ts": "libx264", "a.mpg": "mpeg2video", "a.avi": "mpeg4"}[name]
    _assert_every_cut_is_exact(_clip(tmp_path / name, "-c:v", codec, "-g", "50"), is_sought=False)


def test_a_varying_rate_is_decoded_from_its_start(tmp_path: Path) -> None:
    gaps = ["-vf", "select='not(between(n,100,109))'", "-fps_mode", "vfr"]
    path = _clip(tmp_path / "vfr.mp4", *gaps, "-c:v", "libx264")
    known = video_facts(path)
    assert known.is_variable_rate
    assert seek_to(path, known, 200) is None
    whole = _digests(path, known)
    for first in (95, 105, 112, 200):
        assert _digests(path, known, first, 3) == whole[first : first + 3]


def test_a_file_cut_short_is_an_error_not_other_frames(tmp_path: Path) -> None:
    path = _clip(tmp_path / "a.mkv", "-c:v", "libx264", "-g", "50")
    known = video_facts(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    with pytest.raises(ToolFailed, match="ended after"):
        list(read_frames(path, known, first=140, n=80))


def test_the_end_of_a_long_file_is_near(tmp_path: Path) -> None:
    """From the start that costs seconds, and over many chunks minutes."""
    path = tmp_path / "long.mp4"
    still = "testsrc2=size=320x240:rate=25:duration=400"
    ffmpeg("-f", "lavfi", "-i", still, "-c:v", "libx264", "-preset", "ultrafast", "-crf", "40", "-g", "50", path)
    known = VideoFacts(width_px=320, height_px=240, frame_rate=Fraction(25), n_frames=10_000)
    seek_to(path, known, 9_000)
    started = time.monotonic()
    assert len(list(read_frames(path, known, first=9_500, n=20))) == 20
    sought_s = time.monotonic() - started
    known = known.model_copy(update={"is_variable_rate": True})
    started = time.monotonic()
    assert len(list(read_frames(path, known, first=9_500, n=20))) == 20
    assert sought_s < 0.5 * (time.monotonic() - started)


@pytest.mark.media
@pytest.mark.parametrize(
    "name", ["spanish_editlist_10s", "english_10s", "english_portrait_20s", "russian_portrait_10s"]
)
def test_on_people(name: str, shared_media: Path) -> None:
    path = shared_media / "video" / f"{name}.mp4"
    known = video_facts(path)
    whole = _digests(path, known)
    for first in (61, 88, 123, 150, 151, 200, known.n_frames - 5):
        assert seek_to(path, known, first) is not None
        assert _digests(path, known, first, 4) == whole[first : first + 4]
