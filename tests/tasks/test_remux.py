"""The file a user gets: its tracks, tags, length, and that sound and picture keep step."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from dub.cast import Cast, VoiceProfile
from dub.errors import ToolFailed
from dub.lips import LipSync
from dub.media import FrameWriter, probe, read_audio, read_frames
from dub.mix import Dub, Mix
from dub.source import Source
from dub.stage import Desk
from dub.subtitles import Subtitles
from dub.video_facts import video_facts
from lang.bcp47 import Locale
from tasks.ingest import ingest
from tasks.remux import iso639_2, remux
from tests.clips import clicks, facts, ffmpeg, first_over, flat_frame, numbered, speechlike, with_sound
from tests.tasks.sound import script_of, stored, stored_file

SRT = b"1\n00:00:00,500 --> 00:00:01,500\nOl\xc3\xa1, tudo bem?\n"


@pytest.fixture(scope="module")
def ramp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """3 s at 25 fps."""
    return numbered(tmp_path_factory.mktemp("ramp") / "ramp.mp4", 75)


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory, ramp: Path) -> Path:
    """The ramp with AAC sound that clicks at 2 s."""
    return with_sound(ramp, clicks([2.0], 3.0), tmp_path_factory.mktemp("talk") / "talk.mp4", codec="aac")


def lips_of(desk: Desk, picture: Path, n_rendered: int = 10) -> LipSync:
    n_frames = video_facts(picture).n_frames
    video = stored_file(desk, picture)
    counts = {"rendered": n_rendered, "kept: silence": n_frames - n_rendered}
    return LipSync(locale=Locale("pt-BR"), engine="test", n_frames=n_frames, video=video, log=video, counts=counts)


def remuxed(desk: Desk, original: Path, picture: Path | None = None, *, n_cues: int = 1) -> tuple[Dub, Path, Source]:
    """A dub that clicks at 1 s."""
    source = ingest(desk, stored_file(desk, original), "My talk")
    seconds = float(source.video.duration)
    mix = Mix(
        locale=Locale("pt-BR"),
        audio=stored(desk, np.repeat(clicks([1.0], seconds), 2, axis=0)),
        target_lufs=-16, lufs=-16, true_peak_db=-2, gain_db=0, limited_db=0,
        speaker_gain_db={}, bed_lufs=-70, speech_to_bed_db=None,
    )  # fmt: skip
    text = desk.open_store().put_bytes(SRT if n_cues else b"", "application/x-subrip")
    subtitles = Subtitles(locale=Locale("pt-BR"), srt=text, vtt=text, n_cues=n_cues, fastest_cps=10)
    script = script_of([("s1", 0.5, 1.0)], seconds)
    dub = remux(desk, source, lips_of(desk, picture or original), mix, subtitles, Locale("pt-BR"), script)
    return dub, desk.open_store().path(dub.video), source


def test_tracks_tags_and_length(desk: Desk, talk: Path, ramp: Path) -> None:
    dub, file, _ = remuxed(desk, talk, ramp)
    found = probe(file)
    _, sound, original, text = found["streams"]
    kinds = [(stream["codec_type"], stream["codec_name"]) for stream in found["streams"]]
    assert kinds == [("video", "h264"), ("audio", "aac"), ("audio", "aac"), ("subtitle", "mov_text")]
    assert (sound["tags"]["language"], original["tags"]["language"], text["tags"]["language"]) == ("por", "eng", "por")
    shown = [stream["disposition"]["default"] for stream in found["streams"]]
    assert shown == [1, 1, 0, 0], "picture and dub; the original and the subtitles when asked for"
    assert (sound["sample_rate"], sound["channels"]) == ("48000", 2)
    assert found["format"]["tags"]["title"] == "My talk"
    assert "the voice and the lip movements are synthetic" in found["format"]["tags"]["comment"]
    assert abs(Fraction(found["format"]["duration"]) - 3) <= Fraction(1, 25)
    assert (dub.n_frames, dub.duration) == (75, 3)
    assert abs(dub.sound_duration - 3) <= Fraction(1, 25)
    content = file.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat"), "it plays before it is loaded"
    known = video_facts(file)
    assert (known.n_frames, known.frame_rate, known.start_offset) == (75, 25, 0)


def test_the_picture_is_copied_bit_for_bit(desk: Desk, talk: Path, ramp: Path) -> None:
    _, file, _ = remuxed(desk, talk, ramp)
    for before, after in zip(read_frames(ramp, video_facts(ramp)), read_frames(file, video_facts(file)), strict=True):
        assert np.array_equal(before, after)


def test_both_sounds_keep_step_with_the_picture(desk: Desk, tmp_path: Path, talk: Path, ramp: Path) -> None:
    dub, file, _ = remuxed(desk, talk, ramp)
    assert dub.is_original_sound_copied
    assert abs(first_over(read_audio(file, 48_000, 1), 0.15) - 48_000) <= 48
    ffmpeg("-i", file, "-map", "0:a:1", "-c", "copy", tmp_path / "original.mp4")
    assert abs(first_over(read_audio(tmp_path / "original.mp4", 48_000, 1), 0.15) - 96_000) <= 48


def test_sound_that_an_edit_list_hides_is_not_copied(desk: Desk, tmp_path: Path, talk: Path) -> None:
    ffmpeg("-ss", "1.0", "-i", talk, "-c", "copy", tmp_path / "cut.mp4")
    picture = numbered(tmp_path / "picture.mp4", 50)
    dub, file, _ = remuxed(desk, tmp_path / "cut.mp4", picture)
    assert dub.is_original_sound_copied is False
    ffmpeg("-i", file, "-map", "0:a:1", "-c", "copy", tmp_path / "original.mp4")
    assert abs(first_over(read_audio(tmp_path / "original.mp4", 48_000, 1), 0.15) - 48_000) <= 60


def test_sound_that_mp4_players_do_not_take_is_encoded(desk: Desk, tmp_path: Path, ramp: Path) -> None:
    dub, file, _ = remuxed(desk, with_sound(ramp, speechlike(3.0), tmp_path / "pcm.mov"), ramp)
    assert dub.is_original_sound_copied is False
    assert [stream["codec_name"] for stream in probe(file)["streams"][:3]] == ["h264", "aac", "aac"]


def test_a_silent_source_has_one_sound_track_and_no_cues_no_subtitles(desk: Desk, ramp: Path) -> None:
    dub, file, _ = remuxed(desk, ramp, n_cues=0)
    assert [stream["codec_type"] for stream in probe(file)["streams"]] == ["video", "audio"]
    assert dub.is_original_sound_copied is None


def test_untouched_lips_are_not_called_synthetic(desk: Desk, ramp: Path) -> None:
    _, file, source = remuxed(desk, ramp)
    untouched = lips_of(desk, ramp, n_rendered=0)
    assert untouched.n_rendered == 0
    from tasks.remux import _comment

    assert _comment(untouched) == "Dubbed into pt-BR by polydub: the voice is synthetic."
    assert source.title == probe(file)["format"]["tags"]["title"]


def test_who_agreed_is_told_in_the_file(desk: Desk) -> None:
    from tasks.remux import _comment

    wav = desk.open_store().put_bytes(b"", "audio/wav")
    voice = VoiceProfile(speaker="s1", engine="tone", reference=wav, style=wav, is_cloned=False)
    cast = Cast(locale=Locale("pt-BR"), voices=(voice,))
    lips = LipSync(locale=Locale("pt-BR"), engine="test", n_frames=1, video=wav, log=wav, counts={})
    assert _comment(lips, cast).endswith("the voice is synthetic. Consent: s1: no record was given.")


def test_pixel_aspect_and_an_uneven_rate_are_kept(desk: Desk, tmp_path: Path) -> None:
    wide = facts(48, Fraction(24000, 1001)).model_copy(update={"pixel_aspect": Fraction(4, 3)})
    with FrameWriter(tmp_path / "wide.mp4", wide) as writer:
        for number in range(48):
            writer.write(flat_frame(16 + number))
    _, file, _ = remuxed(desk, tmp_path / "wide.mp4")
    known = video_facts(file)
    assert (known.pixel_aspect, known.frame_rate, known.n_frames) == (Fraction(4, 3), Fraction(24000, 1001), 48)


def test_the_same_inputs_give_the_same_bytes(talk: Path, ramp: Path, tmp_path: Path) -> None:
    files = [remuxed(Desk(store=str(tmp_path / name)), talk, ramp)[1] for name in ("one", "two")]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_picture_of_another_length_is_refused(desk: Desk, talk: Path, tmp_path: Path) -> None:
    with pytest.raises(ToolFailed, match="74 frames, the source 75"):
        remuxed(desk, talk, numbered(tmp_path / "short.mp4", 74))


def test_three_letter_codes() -> None:
    pairs = {"es-419": "spa", "pt-BR": "por", "zh-Hant-TW": "zho", "yue": "yue", "ca-valencia": "cat", "sr-Latn": "srp"}
    assert {tag: iso639_2(Locale(tag)) for tag in pairs} == pairs
