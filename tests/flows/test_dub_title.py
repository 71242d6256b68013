"""The whole story on toy engines: real ffmpeg, real store, real processes killed for real."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from fractions import Fraction
from pathlib import Path

import ffmpeg
import pytest

from dub.artifact import sha256_of
from dub.errors import BadInput, LanguageNotSupported
from dub.finding import Level
from dub.media import ffmpeg_exe, probe
from dub.plan import Job
from flows.dub_title import dub_title
from flows.preflight import check
from lang.bcp47 import Locale

TOY = str(Path(__file__).with_name("toy.toml"))
STORY = [
    "ingest", "separate", "diarize", "read_script", "measure_prosody", "track_faces", "find_speaking_faces",
    "build_mouth_bank", "enroll tone", "preview",
    "translate es", "cast es", "speak es", "fit es", "mix es", "plan lips es", "lipsync es", "join lips es",
    "look at lipsync es", "subtitle es", "remux es", "review es",
]  # fmt: skip


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """lavfi: 4 s of testsrc2 at 320x240, 25 fps, with a tone that is loud from 0.5 to 1.5 s and from 2 to 3 s."""
    path = tmp_path_factory.mktemp("media") / "talk.mp4"
    picture = ffmpeg.input("testsrc2=size=320x240:rate=25:duration=4", f="lavfi")
    loud = "between(t,0.5,1.5)+between(t,2,3)"
    sound = ffmpeg.input(f"aevalsrc='0.2*sin(2*PI*220*t)*({loud})':s=48000:d=4", f="lavfi")
    ffmpeg.output(picture, sound, str(path), vcodec="libx264", preset="ultrafast", acodec="aac").run(
        cmd=ffmpeg_exe(), quiet=True
    )
    return path


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("script") / "talk.en.srt"
    path.write_text(
        "1\n00:00:00,500 --> 00:00:01,500\nGood morning everybody.\n\n"
        "2\n00:00:02,000 --> 00:00:03,000\nThis is a pump.\n"
    )
    return path


@pytest.fixture
def job(talk: Path, script: Path, tmp_path: Path) -> Job:
    return Job(
        source=talk,
        targets=(Locale("es"),),
        out=tmp_path / "out",
        store=tmp_path / "store",
        profile=TOY,
        source_locale=Locale("en"),
        scripts={Locale("en"): script},
    )


def test_every_file_a_user_was_promised(job: Job) -> None:
    job = job.model_copy(update={"targets": (Locale("es"), Locale("pt-BR"))})
    report = dub_title(job)
    assert [outcome.locale for outcome in report.outcomes] == ["es", "pt-BR"]
    names = {path.name for path in job.out.iterdir()}
    for locale in ("es", "pt-BR"):
        assert {
            f"talk.{locale}{end}" for end in (".mp4", ".srt", ".vtt", ".script.json", ".xlf", ".report.json")
        } <= names
    assert {"report.html", "report.csv", "talk.source.mp4"} <= names
    assert not [name for name in names if name.startswith(".")], "no half-written file is left"
    streams = probe(job.out / "talk.es.mp4")["streams"]
    video, dub, original = streams[0], streams[1], streams[2]
    assert (video["codec_name"], video["width"], video["height"], video["r_frame_rate"]) == ("h264", 320, 240, "25/1")
    assert abs(Fraction(video["duration"]) - 4) <= Fraction(1, 25)
    assert (dub["tags"]["language"], dub["disposition"]["default"]) == ("spa", 1)
    assert (original["tags"]["language"], original["disposition"]["default"]) == ("eng", 0)
    findings = json.loads((job.out / "talk.es.report.json").read_text())["findings"]
    assert any("Not measured" in finding["message"] for finding in findings), "what was not measured must be said"


def test_the_second_run_is_the_memo_with_the_same_digests(job: Job) -> None:
    dub_title(job)
    made = {path.name: sha256_of(path) for path in job.out.iterdir() if ".metrics." not in path.name}
    memo = {path: path.stat().st_mtime_ns for path in Path(str(job.store), "memo").rglob("*.json")}
    dub_title(job)
    assert {path.name: sha256_of(path) for path in job.out.iterdir() if ".metrics." not in path.name} == made
    assert {path: path.stat().st_mtime_ns for path in Path(str(job.store), "memo").rglob("*.json")} == memo


def test_one_language_that_fails_does_not_stop_the_others(job: Job, tmp_path: Path) -> None:
    wrong = tmp_path / "talk.pt.srt"
    wrong.write_text("1\n00:00:09,000 --> 00:00:10,000\nfora do filme\n")
    job = job.model_copy(
        update={"targets": (Locale("pt-BR"), Locale("es")), "scripts": job.scripts | {Locale("pt-BR"): wrong}}
    )
    outcomes = {outcome.locale: outcome for outcome in dub_title(job).outcomes}
    assert outcomes[Locale("pt-BR")].verdict is Level.FAILED
    assert "talk.pt.srt" in outcomes[Locale("pt-BR")].reasons[0]
    assert (job.out / "talk.es.mp4").is_file()


@pytest.mark.slow
def test_killed_in_every_stage_it_loses_nothing_finished(job: Job, tmp_path: Path) -> None:
    """SIGKILL as each stage of the story starts, one after the other, over one store; then the run ends by itself."""
    reference = job.model_copy(update={"out": tmp_path / "reference", "store": tmp_path / "reference-store"})
    dub_title(reference)
    finished: dict[Path, int] = {}
    for label in STORY:
        assert _run_and_die_in(label, job) == -signal.SIGKILL, f"never reached {label}"
        now = {path: path.stat().st_mtime_ns for path in Path(str(job.store), "memo").rglob("*.json")}
        assert {path: now.get(path) for path in finished} == finished, f"killed in {label}: finished work was redone"
        finished = now
        videos = list(job.out.glob("*.mp4"))
        assert all(sha256_of(video) == sha256_of(reference.out / video.name) for video in videos)
    assert _run_and_die_in("nothing", job) == 0
    assert made_by(job) == made_by(reference)
    assert list(Path(str(job.store), "scratch").iterdir()) == []


def made_by(job: Job) -> dict[str, str]:
    """Digests of what is the same wherever it is made: not what tells seconds, nor the job, which names its folders."""
    others = (".html", ".csv", ".metrics.json", ".job.json")
    names = (path.name for path in job.out.iterdir())
    return {name: sha256_of(job.out / name) for name in names if name != "report.json" and not name.endswith(others)}


def _run_and_die_in(label: str, job: Job) -> int:
    """Run the job in a process of its own that SIGKILLs itself when stage `label` starts to work."""
    program = textwrap.dedent(
        f"""
        import os, signal, sys, threading
        from dub.plan import Job
        from flows.dub_title import dub_title
        from tasks.policy import Observer, observed_by

        class Killer(Observer):
            def started(self, label):
                if label == {label!r}:
                    threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGKILL)).start()
            def finished(self, label, is_cached, seconds):
                if label == {label!r}:
                    os.kill(os.getpid(), signal.SIGKILL)

        with observed_by(Killer()):
            dub_title(Job.model_validate_json(sys.stdin.read()))
        """
    )
    environment = os.environ | {"POLYDUB_CPU_SLOTS": "1"}
    run = subprocess.run(
        [sys.executable, "-c", program], input=job.model_dump_json(), text=True, env=environment, capture_output=True
    )
    assert run.returncode in (0, -signal.SIGKILL), run.stderr[-3000:]
    return run.returncode


def test_what_cannot_work_is_refused_before_any_work(job: Job, tmp_path: Path) -> None:
    def refused(**change: object) -> str:
        with pytest.raises(BadInput) as refusal:
            check(job.model_copy(update=change))
        return str(refusal.value)

    text = tmp_path / "notes.mp4"
    text.write_text("this is not a video")
    assert "notes.mp4" in refused(source=text)
    assert "does not exist" in refused(source=tmp_path / "nothing.mp4")
    assert "own language" in refused(targets=(Locale("en-GB"),))
    assert "twice" in refused(targets=(Locale("es"), Locale("es")))
    assert "no profile" in refused(profile="studioo")
    assert "does not exist" in refused(scripts={Locale("en"): tmp_path / "no.srt"})
    with pytest.raises(LanguageNotSupported, match="Georgian"):
        check(job.model_copy(update={"profile": "embedded", "targets": (Locale("ka"),)}))
    assert not (tmp_path / "store").exists()


def test_a_profile_says_which_field_is_wrong(tmp_path: Path, job: Job) -> None:
    profile = tmp_path / "mine.toml"
    profile.write_text(Path(TOY).read_text() + "target_lufs = 3\n")
    with pytest.raises(BadInput, match=r"mine.toml, field 'target_lufs'"):
        check(job.model_copy(update={"profile": str(profile)}))
