"""Cast and consent through the whole story on toy engines: what is refused before any work, and what is told after."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import ffmpeg
import numpy as np
import pytest

from dub.errors import BadInput
from dub.media import ffmpeg_exe, probe
from dub.plan import Job
from dub.stage import EngineChoice
from dub.wav import write_wav
from engines import registry
from flows.dub_title import dub_title
from flows.people import read_people
from flows.preflight import check, read_plan
from lang.bcp47 import Locale

TOY = str(Path(__file__).with_name("toy.toml"))
CONSENT = """
[[consent]]
speaker = "{speaker}"
given_by = "Anna Lind"
given_on = 2020-03-01
purposes = ["{purpose}"]
languages = ["es"]
until = {until}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of 2 s of tone at 220 Hz, its script, and a recording of the same voice."""
    folder = tmp_path_factory.mktemp("people")
    picture = ffmpeg.input("testsrc2=size=160x120:rate=25:duration=4", f="lavfi")
    sound = ffmpeg.input("aevalsrc='0.2*sin(2*PI*220*t)*between(t,0.5,3)':s=48000:d=4", f="lavfi")
    ffmpeg.output(picture, sound, str(folder / "talk.mp4"), vcodec="libx264", preset="ultrafast", acodec="aac").run(
        cmd=ffmpeg_exe(), quiet=True
    )
    (folder / "talk.srt").write_text("1\n00:00:00,500 --> 00:00:03,000\nGood morning everybody.\n")
    at = np.arange(5 * 48_000) / 48_000
    write_wav(folder / "anna.wav", (0.1 * np.sin(2 * np.pi * 220 * at)).astype(np.float32), 48_000)
    (folder / "cast.toml").write_text('[speakers.anna]\nreference = "anna.wav"\n')
    return folder


@pytest.fixture
def job(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    monkeypatch.delenv("POLYDUB_CONSENT", raising=False)
    return Job(
        source=folder / "talk.mp4",
        targets=(Locale("es"),),
        out=tmp_path / "out",
        store=tmp_path / "store",
        profile=TOY,
        source_locale=Locale("en"),
        scripts={Locale("en"): folder / "talk.srt"},
    )


def consent(folder: Path, speaker: str = "anna", purpose: str = "reuse", until: str = "2099-01-01") -> Path:
    path = folder / "consent.toml"
    path.write_text(CONSENT.format(speaker=speaker, purpose=purpose, until=until))
    return path


def test_a_named_voice_is_used_and_its_consent_stands_in_the_report_and_in_the_file(
    job: Job, folder: Path, tmp_path: Path
) -> None:
    job = job.model_copy(update={"cast": folder / "cast.toml", "consent": consent(tmp_path)})
    dub_title(job)
    report = json.loads((job.out / "talk.es.report.json").read_text())
    assert {line["speaker"] for line in report["lines"]} == {"anna"}
    given = "given by Anna Lind (as anna) on 2020-03-01 for reuse, in es, until 2099-01-01"
    assert report["metrics"]["consent"] == f"anna: {given}"
    (finding,) = [each for each in report["findings"] if each["check"] == "consent"]
    assert (finding["level"], finding["message"]) == ("ok", f"Consent of anna: {given}.")
    assert f"Consent: anna: {given}." in probe(job.out / "talk.es.mp4")["format"]["tags"]["comment"]


def test_without_a_record_it_runs_and_says_so(job: Job) -> None:
    dub_title(job)
    report = json.loads((job.out / "talk.es.report.json").read_text())
    assert report["metrics"]["consent"] == "s1: no record was given"
    assert "Consent: s1: no record was given." in probe(job.out / "talk.es.mp4")["format"]["tags"]["comment"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "the stored voice of anna in es needs a consent record: no consent file"),
        ({"purpose": "dubbing"}, "is for dubbing, not for reuse"),
        ({"speaker": "ben"}, "consent.toml has no record of anna"),
        ({"until": "2021-01-01"}, "ended on 2021-01-01"),
    ],
)
def test_a_stored_voice_is_refused_before_any_work(
    job: Job, folder: Path, tmp_path: Path, given: dict[str, str], said: str
) -> None:
    path = consent(tmp_path, **given) if given else None
    with pytest.raises(BadInput, match=said):
        check(job.model_copy(update={"cast": folder / "cast.toml", "consent": path}))


def test_an_operator_can_require_a_record_of_everybody(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLYDUB_CONSENT", "required")
    with pytest.raises(BadInput, match="dubbing into es needs a consent record of every speaker"):
        check(job)
    only = job.model_copy(update={"consent": consent(tmp_path, purpose="dubbing")})
    assert check(only).people.setting == "required"
    dub_title(only)
    report = json.loads((job.out / "talk.es.report.json").read_text())
    assert report["metrics"]["consent"].startswith("s1: given by Anna Lind (as anna)"), "the only speaker's"


def test_a_record_for_another_language_is_refused_before_any_work(job: Job, tmp_path: Path) -> None:
    french = job.model_copy(update={"targets": (Locale("fr"),), "consent": consent(tmp_path, purpose="dubbing")})
    with pytest.raises(BadInput, match=r"allows nobody's dubbing in fr: the record of anna is for es, not for fr"):
        check(french)


def test_a_voice_that_an_engine_does_not_have_is_refused_before_any_work(job: Job, tmp_path: Path) -> None:
    path = tmp_path / "cast.toml"
    for voice, said in (("kokoro/af_heart", "spoken by tone, for which no voice"), ("tone/x", "no voices to choose")):
        path.write_text(f'[speakers.s1]\nvoice = "{voice}"\n')
        with pytest.raises(BadInput, match=said):
            check(job.model_copy(update={"cast": path}))


def test_an_engine_that_hears_words_needs_them_of_a_recording_that_it_can_take(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "cast.toml"
    table = f'[speakers.anna]\nreference = "{folder / "anna.wav"}"\n'
    table += "[speakers.anna.consent]\ngiven_on = 2020-01-01\npurposes = ['reuse']\n"
    path.write_text(table)
    spec = registry.spec("tts", "omnivoice")
    voices = {Locale("es"): EngineChoice(family="tts", id=spec.id, fingerprint=spec.fingerprint())}
    job = Job(source=path, targets=(Locale("es"),), out=tmp_path, cast=path)
    with pytest.raises(BadInput, match=r"field 'says': omnivoice \(es\) hears a recording together with its words"):
        read_people(job, read_plan(TOY), voices, date(2026, 5, 1))
    path.write_text(table.replace("[speakers.anna]", '[speakers.anna]\nsays = "Good morning."'))
    assert read_people(job, read_plan(TOY), voices, date(2026, 5, 1)).cast[0].entry.says == "Good morning."
    monkeypatch.setattr("flows.people.LONGEST_WITH_WORDS_S", 4.0)
    with pytest.raises(BadInput, match=r"hears 4 s at most with their words, .*anna\.wav lasts 5\.0 s"):
        read_people(job, read_plan(TOY), voices, date(2026, 5, 1))
