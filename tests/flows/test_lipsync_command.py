"""`polydub lipsync`: the shipped talk with lips that say something else, and every refusal with its mend."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dub.errors import BadInput
from dub.finding import Finding, Level, Review
from dub.media import probe, read_audio
from dub.mouth_metrics import closures
from dub.script import PhonemeSpan
from dub.stage import Desk, stage
from dub.video_facts import video_facts
from dub.wav import write_wav
from engines import registry
from engines.tts.espeak import Espeak
from flows.cli import EXIT_BAD_INPUT, EXIT_DUB_FAILED, EXIT_OK, main
from flows.lipsync_title import LipSyncJob, lipsync_title
from lang.bcp47 import Locale
from tests.clips import ffmpeg

PROFILE = str(Path(__file__).with_name("lipsync.toml"))
TEXT = "Mamá compra una manzana para Pablo. Papá busca un mapa pequeño."
"""Its p, b and m are stops for espeak-ng and for ears: none between vowels that Spanish would soften."""


@pytest.fixture(scope="module")
def talk(sample_video: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first seven seconds of the shipped talk."""
    path = tmp_path_factory.mktemp("talk") / "talk.mp4"
    ffmpeg("-i", sample_video, "-t", "7", "-c", "copy", path)
    return path


@pytest.fixture(scope="module")
def dub(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[PhonemeSpan]]:
    """6.8 s in which espeak-ng says TEXT after half a second, and when it says each phoneme."""
    espeak: Espeak = registry.load("tts", "espeak")
    speech = espeak.say(TEXT, Locale("es"), 0.9, "m3")
    rate, lead = speech.rate_hz, round(0.5 * speech.rate_hz)
    sound = np.zeros(round(6.8 * rate), np.float32)
    sound[lead : lead + speech.samples.size] = speech.samples[: sound.size - lead]
    path = tmp_path_factory.mktemp("dub") / "dub.wav"
    write_wav(path, sound[None], rate)
    spans = [
        PhonemeSpan(
            ipa=p.ipa,
            start_sample=round((p.start_sample + lead) * 48_000 / rate),
            end_sample=round((p.end_sample + lead) * 48_000 / rate),
        )
        for p in speech.phonemes
    ]
    return path, spans


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.mark.models
def test_the_lips_say_the_dub_and_its_sound_is_heard(
    talk: Path,
    dub: tuple[Path, list[PhonemeSpan]],
    store: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    sound, phonemes = dub
    out = tmp_path / "synced.mp4"
    arguments = ["lipsync", talk, "--audio", sound, "--text", TEXT, "--language", "es", "--out", out, "--report"]
    assert main([*map(str, arguments), "--profile", PROFILE, "--store", str(store)]) == EXIT_OK
    said = capsys.readouterr().out
    assert "phonemes of the given text (es)" in said

    facts = video_facts(out)
    assert facts.n_frames == video_facts(talk).n_frames
    streams = [stream["codec_type"] for stream in probe(out)["streams"]]
    assert streams == ["video", "audio"]
    given, heard = read_audio(sound, 16_000, 1)[0], read_audio(out, 16_000, 1)[0]
    n = min(given.size, heard.size)
    assert np.corrcoef(given[:n], heard[:n])[0, 1] > 0.95, "the dub, in step to the sample"

    faces = registry.load("face", "mediapipe").track(out, facts)
    aperture = faces.faces[0].aperture
    found = closures(aperture, facts.frame_rate, phonemes, np.isfinite(aperture))
    assert len(found) >= 8
    assert sum(closure.is_closed for closure in found) >= 0.9 * len(found)

    review = json.loads((tmp_path / "synced.report.json").read_text())
    assert review["metrics"]["lips_moved_by"] == "given text"
    assert review["metrics"]["closure_recall"] >= 0.9
    assert {"aperture", "timeline"} <= set(review["figures"])
    page = (tmp_path / "synced.report.html").read_text()
    assert "synced.mp4" in page


@pytest.mark.models
def test_what_failed_its_review_is_kept_from_the_place_that_was_named(
    talk: Path,
    dub: tuple[Path, list[PhonemeSpan]],
    store: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The review is a stand-in: lips that the engine moves do not fail the real one."""

    def review_that_finds(level: Level, version: int) -> None:
        @stage(version=version)  # another one, so that the memo does not answer
        def review_lips(desk: Desk, *_: object) -> Review:
            return Review(locale=Locale("es"), findings=(Finding(level=level, check="closure_recall", message="…"),))

        monkeypatch.setattr("flows.lipsync_title.review_lips", review_lips)

    arguments = ["lipsync", talk, "--audio", dub[0], "--text", TEXT, "--language", "es", "--report"]
    arguments += ["--profile", PROFILE, "--store", store, "--out", tmp_path / "synced.mp4"]
    public, held = tmp_path / "synced.mp4", tmp_path / "quarantine/synced.mp4"
    review_that_finds(Level.FAILED, 101)
    assert main([*map(str, arguments)]) == EXIT_DUB_FAILED
    assert (public.exists(), held.exists()) == (False, True)
    assert "quarantine/synced.mp4" in (tmp_path / "synced.report.html").read_text()
    review_that_finds(Level.DEGRADED, 102)
    assert main([*map(str, arguments)]) == EXIT_OK
    assert (public.exists(), held.parent.exists()) == (True, False)


@pytest.mark.models
def test_the_picture_says_that_the_lips_are_synthetic_and_so_does_the_note(
    talk: Path, dub: tuple[Path, list[PhonemeSpan]], store: Path, tmp_path: Path
) -> None:
    """A real face, which the line keeps clear of: the mouth measures as without it."""
    profile = tmp_path / "disclosed.toml"
    profile.write_text(f'{Path(PROFILE).read_text()}disclosure = "start"\n')
    job = LipSyncJob(
        video=talk, audio=dub[0], out=tmp_path / "synced.mp4", text=TEXT, locale=Locale("es"), profile=str(profile),
        report=True, store=store,
    )  # fmt: skip
    assert lipsync_title(job).verdict != "failed"
    review = json.loads((tmp_path / "synced.report.json").read_text())
    [told] = [finding for finding in review["findings"] if finding["check"] == "visible_disclosure"]
    assert told["level"] == "ok"
    assert "'Edición con IA: labios sintéticos' in its first 6.0 s" in told["message"]
    assert review["metrics"]["closure_recall"] >= 0.9
    comment = probe(job.out)["format"]["tags"]["comment"]
    assert comment.startswith("Lips moved to another sound by polydub: they are synthetic.")
    assert "labios sintéticos" in comment


@pytest.mark.models
def test_a_second_way_reuses_the_source_and_says_that_closures_are_left_to_chance(
    talk: Path, dub: tuple[Path, list[PhonemeSpan]], store: Path, tmp_path: Path
) -> None:
    sound, _ = dub
    job = LipSyncJob(video=talk, audio=sound, out=tmp_path / "a.mp4", from_audio=True, profile=PROFILE, store=store)
    outcome = lipsync_title(job)
    assert outcome.way == "sound alone"
    assert outcome.verdict == "degraded"
    assert any("p, b and m" in reason for reason in outcome.reasons)
    assert outcome.correlation is not None
    assert outcome.correlation >= 0.2
    assert outcome.n_rendered > 100
    aperture = registry.load("face", "mediapipe").track(job.out, video_facts(job.out)).faces[0].aperture
    assert np.nanstd(aperture[25:150]) > 0.02, "a mouth that talks"
    first = (tmp_path / "a.mp4").read_bytes()
    again = lipsync_title(job.model_copy(update={"out": tmp_path / "b.mp4"}))
    assert (tmp_path / "b.mp4").read_bytes() == first
    assert again.model_copy(update={"files": outcome.files}) == outcome


def test_what_cannot_be_right_is_refused_at_once(
    talk: Path, dub: tuple[Path, list[PhonemeSpan]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sound = str(dub[0])
    for arguments, said in (
        ([str(talk), "--audio", "no.wav"], "no.wav does not exist"),
        (["no.mp4", "--audio", sound], "no.mp4 does not exist"),
        ([sound, "--audio", sound], "has no picture"),
        ([str(talk), "--audio", sound, "--from-audio", "--text", "hola"], "exclude each other"),
        ([str(talk), "--audio", sound, "--text", "no-such.srt"], "no-such.srt does not exist"),
        ([str(talk), "--audio", sound, "--out", str(talk)], "would replace"),
        ([str(talk), "--audio", sound, "--out", str(tmp_path / "x.avi")], "ends in .mp4"),
        ([str(talk), "--audio", sound, "--language", "qqq"], "qqq"),
        ([str(talk), "--audio", str(talk), "--profile", "none"], "none"),
    ):
        assert main(["lipsync", *arguments]) == EXIT_BAD_INPUT, arguments
        error = capsys.readouterr().err
        assert said in error
        assert "mend" in error


def test_another_length_is_refused_before_costly_work(
    talk: Path, dub: tuple[Path, list[PhonemeSpan]], store: Path, tmp_path: Path
) -> None:
    short = tmp_path / "short.wav"
    ffmpeg("-i", dub[0], "-t", "3", short)
    job = LipSyncJob(video=talk, audio=short, out=tmp_path / "o.mp4", profile=PROFILE, store=store)
    with pytest.raises(BadInput, match=r"short\.wav lasts 3\.00 s, the video 7\.") as caught:
        lipsync_title(job)
    assert "--length cut" in caught.value.mend


@pytest.mark.models
def test_a_picture_without_a_face_is_no_result(
    dub: tuple[Path, list[PhonemeSpan]], store: Path, tmp_path: Path
) -> None:
    video = tmp_path / "grey.mp4"
    ffmpeg("-f", "lavfi", "-i", "color=c=gray:s=64x48:d=1:r=25", "-i", dub[0], "-t", "1", video)
    job = LipSyncJob(
        video=video, audio=dub[0], out=tmp_path / "o.mp4", profile=PROFILE, store=store, length="cut", text=TEXT,
        locale=Locale("es"),
    )  # fmt: skip
    with pytest.raises(BadInput, match="no mouth was moved"):
        lipsync_title(job)
    assert not (tmp_path / "o.mp4").exists()
