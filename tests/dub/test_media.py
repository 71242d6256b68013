"""Frames and facts of real files: what a player would show, never what the container says."""

from __future__ import annotations

import os
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from dub import media
from dub.artifact import sha256_of
from dub.errors import EngineUnavailable, ToolFailed, UnreadableMedia
from dub.media import FrameWriter, ffmpeg_exe, probe, read_audio, read_frames, write_wav
from dub.video_facts import video_facts
from tests.clips import clicks, facts, ffmpeg, first_over, flat_frame, number_of, numbered, turned


@pytest.fixture(scope="module")
def ramp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """75 numbered frames at 25 fps."""
    return numbered(tmp_path_factory.mktemp("ramp") / "ramp.mp4", 75)


def test_frames_come_back_as_they_were_written(ramp: Path) -> None:
    known = video_facts(ramp)
    assert (known.width_px, known.height_px, known.n_frames) == (64, 48, 75)
    assert (known.frame_rate, known.is_variable_rate, known.start_offset) == (25, False, 0)
    frames = list(read_frames(ramp, known))
    assert [number_of(frame) for frame in frames] == list(range(75))
    assert frames[0].shape == (72, 64)
    assert [number_of(frame) for frame in read_frames(ramp, known, first=20, n=3)] == [20, 21, 22]
    assert list(read_frames(ramp, known, first=75)) == []
    [rgb] = read_frames(ramp, known, "rgb24", first=40, n=1, scale=(32, 24))
    assert rgb.shape == (24, 32, 3)
    assert abs(rgb.mean() - (2 * 40) * 255 / 219) < 3, "video levels 16-235 become 0-255"


def test_a_frame_rate_that_is_no_whole_number_is_kept_exactly(tmp_path: Path) -> None:
    known = video_facts(numbered(tmp_path / "film.mp4", 48, Fraction(24000, 1001)))
    assert (known.frame_rate, known.n_frames) == (Fraction(24000, 1001), 48)
    ffmpeg("-i", tmp_path / "film.mp4", "-c", "copy", tmp_path / "film.mkv")
    known = video_facts(tmp_path / "film.mkv")
    assert (known.frame_rate, known.is_variable_rate) == (Fraction(24000, 1001), False), "Matroska rounds to ms"


def test_an_edit_list_hides_frames(ramp: Path, tmp_path: Path) -> None:
    ffmpeg("-ss", "1.0", "-i", ramp, "-c", "copy", tmp_path / "cut.mp4")
    assert int(probe(tmp_path / "cut.mp4")["streams"][0]["nb_frames"]) > 50, "the packets before the cut are there"
    known = video_facts(tmp_path / "cut.mp4")
    assert known.n_frames == 50
    assert [number_of(frame) for frame in read_frames(tmp_path / "cut.mp4", known)] == list(range(25, 75))


def test_a_varying_rate_is_brought_to_the_nominal_one_in_time(ramp: Path, tmp_path: Path) -> None:
    gaps = "between(n,0,19)+between(n,30,49)+between(n,55,74)"
    ffmpeg("-i", ramp, "-vf", f"select='{gaps}'", "-fps_mode", "vfr", "-crf", "1", tmp_path / "vfr.mp4")
    known = video_facts(tmp_path / "vfr.mp4")
    assert (known.is_variable_rate, known.frame_rate, known.n_frames) == (True, 25, 75)
    seen = [number_of(frame) for frame in read_frames(tmp_path / "vfr.mp4", known)]
    assert seen == [*range(20), *[19] * 10, *range(30, 50), *[49] * 5, *range(55, 75)], "frames stay until the next"


def test_rotation_and_pixel_aspect_are_as_displayed(tmp_path: Path) -> None:
    wide = facts(5).model_copy(update={"pixel_aspect": Fraction(4, 3)})
    bright_top = flat_frame(40)
    bright_top[:24] = 200
    with FrameWriter(tmp_path / "a.mp4", wide) as writer:
        for _ in range(5):
            writer.write(bright_top)
    assert video_facts(tmp_path / "a.mp4").pixel_aspect == Fraction(4, 3)
    known = video_facts(turned(tmp_path / "a.mp4", tmp_path / "b.mp4"))
    assert (known.width_px, known.height_px) == (48, 64)
    assert (known.pixel_aspect, known.rotation_degrees) == (Fraction(3, 4), 90)
    frame = next(read_frames(tmp_path / "b.mp4", known, "gray"))
    assert frame.shape == (64, 48)
    assert frame[:, 30:].mean() > 200 > 60 > frame[:, :18].mean(), "turned clockwise the top is on the right"


def test_odd_sizes_lose_their_last_line(tmp_path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "testsrc=size=65x49:rate=25:duration=0.2", "-c:v", "ffv1", tmp_path / "odd.mkv")
    known = video_facts(tmp_path / "odd.mkv")
    assert (known.width_px, known.height_px) == (64, 48)
    frames = list(read_frames(tmp_path / "odd.mkv", known))
    assert [frame.shape for frame in frames] == [(72, 64)] * 5


def test_ten_bits_become_eight_and_colour_tags_stay(tmp_path: Path) -> None:
    tags = ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"]
    picture = ["-f", "lavfi", "-i", "color=red:size=64x48:rate=25:duration=0.2,format=yuv420p10le"]
    ffmpeg(*picture, "-c:v", "libx264", *tags, tmp_path / "ten.mp4")
    known = video_facts(tmp_path / "ten.mp4")
    assert (known.pixel_format, known.color_space) == ("yuv420p10le", "bt709")
    with FrameWriter(tmp_path / "eight.mp4", known, crf=1) as writer:
        for frame in read_frames(tmp_path / "ten.mp4", known):
            writer.write(frame)
    out = video_facts(tmp_path / "eight.mp4")
    assert (out.pixel_format, out.color_space, out.color_primaries) == ("yuv420p", "bt709", "bt709")
    ten, eight = read_frames(tmp_path / "ten.mp4", known, "rgb24"), read_frames(tmp_path / "eight.mp4", out, "rgb24")
    for before, after in zip(ten, eight, strict=True):
        assert np.abs(before.astype(int) - after).max() <= 4


def test_full_range_becomes_video_range(tmp_path: Path) -> None:
    white = ["-f", "lavfi", "-i", "color=white:size=64x48:rate=25:duration=0.2"]
    full = ["-vf", "scale=in_range=tv:out_range=pc,format=yuv420p", "-color_range", "pc"]
    ffmpeg(*white, *full, "-c:v", "libx264", tmp_path / "full.mp4")
    assert probe(tmp_path / "full.mp4")["streams"][0]["color_range"] == "pc"
    known = video_facts(tmp_path / "full.mp4")
    assert next(read_frames(tmp_path / "full.mp4", known))[:48].mean() == 235
    assert next(read_frames(tmp_path / "full.mp4", known, "rgb24")).mean() == 255


def test_the_same_frames_give_the_same_file(tmp_path: Path) -> None:
    one, two = (numbered(tmp_path / name, 20).read_bytes() for name in ("one.mp4", "two.mp4"))
    assert one == two


def test_cover_art_is_no_video(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", clicks([0.1], 1.0), 48_000)
    ffmpeg("-f", "lavfi", "-i", "color=red:size=64x64", "-frames:v", "1", tmp_path / "art.png")
    cover = ["-map", "0", "-map", "1", "-c:v", "mjpeg", "-disposition:v:0", "attached_pic"]
    ffmpeg("-i", tmp_path / "a.wav", "-i", tmp_path / "art.png", *cover, tmp_path / "song.m4a")
    assert {stream["codec_type"] for stream in probe(tmp_path / "song.m4a")["streams"]} == {"audio", "video"}
    with pytest.raises(UnreadableMedia, match="no video"):
        video_facts(tmp_path / "song.m4a")


def test_what_is_no_video_file_is_refused(tmp_path: Path, ramp: Path) -> None:
    cases = {"empty.mp4": b"", "text.mp4": b"hello " * 100, "head.mp4": ramp.read_bytes()[:1000]}
    cases["playlist.mp4"] = f"#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\nfile://{ramp}\n#EXT-X-ENDLIST\n".encode()
    cases["concat.mp4"] = f"ffconcat version 1.0\nfile '{ramp}'\n".encode()
    for name, content in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UnreadableMedia) as refusal:
            video_facts(tmp_path / name)
        assert str(tmp_path) not in str(refusal.value)
        assert refusal.value.mend


def test_a_file_with_fewer_frames_than_promised_is_an_error(ramp: Path) -> None:
    promised = video_facts(ramp).model_copy(update={"n_frames": 80})
    with pytest.raises(ToolFailed, match="after 75 of 80"):
        list(read_frames(ramp, promised))
    with pytest.raises(ValueError, match="of a video of 75"):
        next(read_frames(ramp, video_facts(ramp), first=70, n=6))


def test_closing_the_generator_ends_ffmpeg(tmp_path: Path) -> None:
    picture = "testsrc=size=640x480:rate=25:duration=4"
    ffmpeg("-f", "lavfi", "-i", picture, "-preset", "ultrafast", tmp_path / "long.mp4")
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    frames = read_frames(tmp_path / "long.mp4", video_facts(tmp_path / "long.mp4"))
    before = set(children.read_text().split())  # servers of other tests
    next(frames)
    assert set(children.read_text().split()) - before, "ffmpeg waits for its frames to be read"
    frames.close()
    assert set(children.read_text().split()) <= before


def test_a_frame_of_another_shape_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not uint8"), FrameWriter(tmp_path / "x.mp4", facts(1)) as writer:
        writer.write(np.zeros((48, 64, 3), np.uint8))
    with pytest.raises(ValueError, match="even"):
        FrameWriter(tmp_path / "x.mp4", facts(1, width=63))


def test_sound_is_read_at_its_level_and_place(tmp_path: Path, ramp: Path) -> None:
    stereo = np.concatenate([clicks([0.5], 1.0), 0.5 * clicks([0.5], 1.0)])
    write_wav(tmp_path / "s.wav", stereo, 48_000)
    assert np.allclose(read_audio(tmp_path / "s.wav", 48_000, 2), stereo)
    mono = read_audio(tmp_path / "s.wav", 48_000, 1)
    assert np.allclose(mono, stereo.mean(axis=0), atol=1e-6)
    write_wav(tmp_path / "m.wav", clicks([0.5], 1.0), 48_000)
    both = read_audio(tmp_path / "m.wav", 48_000, 2)
    assert both.shape == (2, 48_000)
    assert np.allclose(both, clicks([0.5], 1.0))
    slow = read_audio(tmp_path / "m.wav", 16_000, 1)
    assert slow.shape == (1, 16_000)
    assert abs(first_over(slow) - 8000) <= 2
    with pytest.raises(UnreadableMedia, match="no sound"):
        read_audio(ramp, 16_000, 1)


def test_the_default_sound_track_is_the_one(tmp_path: Path, ramp: Path) -> None:
    for name, time_s in (("a", 0.5), ("b", 1.5)):
        write_wav(tmp_path / f"{name}.wav", clicks([time_s], 3.0), 48_000)
    tracks = ["-i", tmp_path / "a.wav", "-i", tmp_path / "b.wav", "-map", "0:v", "-map", "1", "-map", "2"]
    default = ["-c:v", "copy", "-c:a", "pcm_s16le", "-disposition:a:0", "0", "-disposition:a:1", "default"]
    ffmpeg("-i", ramp, *tracks, *default, tmp_path / "two.mkv")
    assert first_over(read_audio(tmp_path / "two.mkv", 48_000, 1)) == 72_000


def test_the_programs_come_from_the_environment_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "my-ffmpeg"
    own.write_text(f'#!/bin/sh\nexec {ffmpeg_exe()} "$@"\n')
    own.chmod(0o755)
    monkeypatch.setenv("POLYDUB_FFMPEG", str(own))
    assert ffmpeg_exe() == str(own)
    assert subprocess.run([ffmpeg_exe(), "-version"], capture_output=True, check=True).stdout.startswith(b"ffmpeg")
    monkeypatch.setenv("POLYDUB_FFMPEG", str(tmp_path / "none"))
    with pytest.raises(EngineUnavailable, match="POLYDUB_FFMPEG"):
        ffmpeg_exe()


def test_without_any_ffmpeg_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POLYDUB_FFPROBE", raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(media, "_PACKAGE", "no_such_package")
    media._find.cache_clear()
    with pytest.raises(EngineUnavailable, match="apt-get install ffmpeg"):
        media.ffprobe_exe()
    media._find.cache_clear()


@pytest.mark.media
@pytest.mark.parametrize(
    ("name", "n_frames", "rate", "size"),
    [
        ("english_10s", 299, 30, (1080, 720)),
        ("english_portrait_20s", 600, 30, (1080, 1920)),
        ("russian_portrait_10s", 250, 25, (1080, 1920)),
        ("spanish_editlist_10s", 300, 30, (960, 720)),
    ],
)
def test_real_clips(shared_media: Path, name: str, n_frames: int, rate: int, size: tuple[int, int]) -> None:
    path = shared_media / "video" / f"{name}.mp4"
    known = video_facts(path)
    assert (known.n_frames, known.frame_rate, (known.width_px, known.height_px)) == (n_frames, rate, size)
    assert not known.is_variable_rate
    assert known.start_offset == 0
    assert sum(1 for _ in read_frames(path, known, "gray", scale=(64, 64))) == n_frames


def test_encoding_is_repeatable(tmp_path: Path) -> None:
    """x264's threaded look-ahead gave other bytes in one of ten encodes of such a picture (small, busy, 2 cores)."""
    clip = tmp_path / "busy.mp4"
    busy = ["-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25:duration=4"]
    subprocess.run([ffmpeg_exe(), "-v", "error", *busy, "-preset", "ultrafast", str(clip)], check=True)
    as_shown = video_facts(clip)
    frames = list(read_frames(clip, as_shown))
    digests = set()
    for _ in range(40):
        with FrameWriter(tmp_path / "out.mp4", as_shown) as writer:
            for frame in frames:
                writer.write(frame)
        digests.add(sha256_of(tmp_path / "out.mp4"))
    assert len(digests) == 1
