"""The portrait's story: on toy engines to the corner cases, and once with a real voice."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import cv2
import numpy as np
import pytest

from dub.avatar import AvatarJob, Backdrop, Motion
from dub.cast import Cast, VoiceProfile
from dub.check_mouth import read_mouth
from dub.errors import BadInput
from dub.media import probe
from dub.stage import Desk, EngineChoice
from dub.wav import write_wav
from engines import registry
from flows.avatar_preflight import check_avatar
from flows.avatar_title import avatar_title
from flows.cli import main
from lang.bcp47 import Locale
from tasks.animate_portrait import animate_portrait
from tasks.place_freely import place_freely
from tasks.pose_photo import pose_photo
from tasks.read_talk import as_written, read_talk
from tasks.review_portrait import evidence_of
from tasks.speak_freely import speak_freely
from tests.clips import speechlike

TOY = Path(__file__).with_name("toy.toml")
TEXT = "Good morning, everybody. This is a pump.\n\nIt pumps water and beer.\n"
CONSENT = '[[consent]]\nspeaker = "Maya"\ngiven_on = 2026-01-02\npurposes = {purposes}\nlanguages = {languages}\n'


@pytest.fixture
def job(tmp_path: Path) -> AvatarJob:
    patches = np.random.default_rng(0).integers(0, 255, (4, 5, 3), np.uint8).repeat(40, 0).repeat(40, 1)
    cv2.imwrite(str(tmp_path / "maya.png"), patches)
    write_wav(tmp_path / "me.wav", speechlike(12), 48_000)
    (tmp_path / "hello.txt").write_text(TEXT)
    (tmp_path / "consent.toml").write_text(CONSENT.format(purposes='["portrait"]', languages='["en", "es"]'))
    (tmp_path / "toy.toml").write_text(TOY.read_text() + 'portrait = "still"\n')
    return AvatarJob(
        photo=tmp_path / "maya.png",
        voice=tmp_path / "me.wav",
        script=tmp_path / "hello.txt",
        targets=(Locale("en"), Locale("es")),
        source_locale=Locale("en"),
        consent=tmp_path / "consent.toml",
        out=tmp_path / "out",
        store=tmp_path / "store",
        profile=str(tmp_path / "toy.toml"),
    )


def test_every_file_a_user_was_promised(job: AvatarJob) -> None:
    job = job.model_copy(update={"upscale": 2})
    report = avatar_title(job)
    assert [outcome.locale for outcome in report.outcomes] == ["en", "es"]
    names = {path.name for path in job.out.iterdir()}
    for locale in ("en", "es"):
        assert {f"maya.{locale}{end}" for end in (".mp4", ".srt", ".vtt", ".report.json")} <= names
        video = probe(job.out / f"maya.{locale}.mp4")
        picture, sound = video["streams"][:2]
        assert (picture["width"], picture["height"], picture["r_frame_rate"]) == (400, 320, "25/1")
        assert sound["codec_name"] == "aac"
        assert "animated from one photo" in video["format"]["tags"]["comment"]
        assert "given by Maya on 2026-01-02 for portrait" in video["format"]["tags"]["comment"]
        review = json.loads((job.out / f"maya.{locale}.report.json").read_text())
        said = {finding["check"]: finding["message"] for finding in review["findings"]}
        assert said["synthetic_portrait"].startswith("Synthetic: nothing in this video was filmed.")
        assert "Maya" in said["synthetic_portrait"]
        assert said["lines_spoken"] == "All 3 lines are spoken."
        assert abs(float(picture["duration"]) - float(sound["duration"])) < 0.04
    assert {"report.html", "report.csv", "maya.source.mp4"} <= names
    html = (job.out / "report.html").read_text()
    assert "Synthetic portrait" in html
    lengths = {probe(job.out / f"maya.{locale}.mp4")["format"]["duration"] for locale in ("en", "es")}
    assert len(lengths) == 2, "every language has its own length"


def test_lines_given_for_a_language_are_said_as_they_stand(job: AvatarJob, tmp_path: Path) -> None:
    (tmp_path / "hola.txt").write_text("Buenos días a todos, y bienvenidos.\n\nEsto es una bomba.")
    only = {"targets": (Locale("es"),), "script": None, "scripts": {Locale("es"): tmp_path / "hola.txt"}}
    avatar_title(job.model_copy(update=only))
    assert "Esto es una bomba." in (job.out / "maya.es.srt").read_text()


@pytest.mark.parametrize(
    ("purposes", "languages", "message"),
    [
        ('["dubbing"]', '["en", "es"]', "not for portrait"),
        ('["portrait"]', '["en"]', "not for es"),
    ],
)
def test_consent_that_does_not_cover_it_refuses(
    job: AvatarJob, tmp_path: Path, purposes: str, languages: str, message: str
) -> None:
    (tmp_path / "consent.toml").write_text(CONSENT.format(purposes=purposes, languages=languages))
    with pytest.raises(BadInput, match=message):
        check_avatar(job, date(2026, 5, 1))
    assert not job.store or not job.store.exists(), "work was begun without consent"


def test_without_a_record_nothing_is_begun(job: AvatarJob) -> None:
    with pytest.raises(BadInput, match=r"maya\.png needs the consent"):
        avatar_title(job.model_copy(update={"consent": None}))
    assert not job.out.exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"photo": Path("nowhere.jpg")}, r"photo nowhere\.jpg does not exist"),
        ({"background": "sky.jpg"}, r"'sky\.jpg' is neither a colour nor a file"),
        ({"background": "#12345"}, r"'#12345' is no colour"),
        ({"upscale_model": Path("x.onnx")}, "without --upscale"),
        ({"script": None}, "nothing to say is given for en, es"),
        ({"targets": (Locale("en"), Locale("en"))}, "twice"),
    ],
)
def test_what_is_wrong_is_said_before_any_work(job: AvatarJob, change: dict, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        check_avatar(job.model_copy(update=change), date(2026, 5, 1))


def test_a_picture_too_large_to_encode_is_refused(job: AvatarJob, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "wide.png"), np.zeros((200, 1200, 3), np.uint8))
    wide = job.model_copy(update={"photo": tmp_path / "wide.png", "upscale": 4})
    with pytest.raises(BadInput, match="4 times 1080 px is more than 4096"):
        check_avatar(wide, date(2026, 5, 1))
    assert check_avatar(wide.model_copy(update={"long_side_px": 1024}), date(2026, 5, 1)).upscale


def test_the_command_names_the_option_that_is_wrong(job: AvatarJob, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["avatar", str(job.photo), "--voice", str(job.voice), "--script", str(job.script), "--to", "es"]
    given += ["--consent", str(job.consent), "--profile", job.profile, "--motion", "5"]
    assert main(given) == 2
    assert "--motion 5" in capsys.readouterr().err


def choice(family: str, engine_id: str) -> EngineChoice:
    spec = registry.specs()[family, engine_id]
    return EngineChoice(family=family, id=engine_id, fingerprint=spec.fingerprint())


@pytest.mark.models
def test_with_a_real_voice_the_lips_meet_on_p_b_and_m(sample_video: Path, desk: Desk, tmp_path: Path) -> None:
    """A frame of the sample speaks English with Kokoro's own voice; the finished picture is tracked."""
    cv2.imwrite(str(tmp_path / "photo.png"), cv2.VideoCapture(str(sample_video)).read()[1])
    store, en = desk.open_store(), Locale("en")
    portrait = pose_photo(
        desk, store.put_copy(tmp_path / "photo.png", "image/*"), "photo.png", 512, choice("portrait", "warped-photo")
    )
    text = "My mother and my brother bring beer, maps, pumps and a blue submarine."
    given = store.put_bytes(text.encode(), "text/plain")
    talk = read_talk(desk, given, "hello.txt", en, choice("language_id", "py3langid"))
    none = store.put_bytes(b"", "application/octet-stream")
    voice = VoiceProfile(speaker="s1", engine="kokoro", reference=none, style=none, is_cloned=False)
    cast = Cast(locale=en, voices=(voice,))
    takes = speak_freely(desk, as_written(desk, talk, en), cast, choice("tts", "kokoro"))
    performed = place_freely(desk, "hello", talk, takes, portrait)
    lips = animate_portrait(desk, portrait, performed, Motion(), Backdrop(), choice("portrait", "warped-photo"))
    face = registry.load("face", "mediapipe").track(store.path(lips.video), performed.source.video).faces[0]
    reading = read_mouth(performed.script, performed.timeline, evidence_of(store, portrait, face, lips))
    assert len(reading.all_closures) >= 10
    assert reading.closure_recall is not None
    assert reading.closure_recall >= 0.95
    assert reading.n_shut_vowels <= 0.3 * reading.n_open_vowels
    assert reading.rest is not None
    assert reading.rest.closed_share > 0.9
