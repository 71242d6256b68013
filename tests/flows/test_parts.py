"""Long titles through the real flow: cut, rendered apart, joined; one changed line, and killed encoders."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from pathlib import Path

import pytest

from dub import parts
from dub.finding import Level
from dub.lips import LipSync
from dub.media import ffmpeg_exe
from dub.plan import Job
from dub.video_facts import video_facts
from flows.dub_title import dub_into, dub_title, prepare_source
from flows.preflight import check, find_ways
from lang.bcp47 import Locale
from tasks import policy
from tasks.cpu_slots import CpuSlots
from tasks.policy import Observer, observed_by
from tests.clips import ffmpeg

TOY = Path(__file__).with_name("toy.toml")
ES = Locale("es")


@pytest.fixture(autouse=True)
def _short_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clip of seconds is a long title."""
    monkeypatch.setattr(parts, "PART_S", 3)
    monkeypatch.setattr(parts, "SHORTEST_S", 1)
    monkeypatch.setattr(policy, "RETRY_BASE_S", 0.05)


class Watch(Observer):
    """Observer: which labels worked, how often, and which came from the memo."""

    def __init__(self) -> None:
        self.started_labels: list[str] = []
        self.cached: list[str] = []
        self.worked: list[str] = []

    def started(self, label: str) -> None:
        self.started_labels.append(label)

    def progressed(self, label: str, done: int, total: int) -> None: ...

    def finished(self, label: str, is_cached: bool, seconds: float) -> None:
        (self.cached if is_cached else self.worked).append(label)

    def failed(self, label: str, error: BaseException) -> None: ...


class Killer(Watch):
    """Kills the encoder of one part with SIGKILL, as often as it is told to."""

    def __init__(self, label: str, times: int) -> None:
        super().__init__()
        self.label, self.left = label, times
        self.killed: list[int] = []

    def progressed(self, label: str, done: int, total: int) -> None:
        if label == self.label and self.left:
            for pid in _children():
                if "part.mp4" in _command(pid) and pid not in self.killed:
                    self.left -= 1
                    self.killed.append(pid)
                    os.kill(pid, signal.SIGKILL)


def _one_encoder_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    slots = CpuSlots(1)
    monkeypatch.setattr(policy, "cpu_slots", lambda: slots)


def _children() -> list[int]:
    children = []
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):  # a thread that has just ended
            children += [int(pid) for pid in (task / "children").read_text().split()]
    return children


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def _script(path: Path, lines: list[tuple[float, float, str]]) -> Path:
    path.write_text("\n".join(["start,end,text", *(f"{a},{b},{words}" for a, b, words in lines)]) + "\n")
    return path


@pytest.fixture
def toy_job(tmp_path: Path) -> Job:
    """12 s of a moving picture that toys dub: no face is moved, every frame is encoded."""
    clip = tmp_path / "talk.mp4"
    loud = "aevalsrc='0.2*sin(2*PI*220*t)*(between(t,1,3)+between(t,7,9))':s=48000:d=12"
    picture = ["-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25:duration=12,noise=alls=12:allf=t"]
    ffmpeg(*picture, "-f", "lavfi", "-i", loud, "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", clip)
    en = _script(tmp_path / "talk.en.csv", [(1, 3, "Good morning everybody."), (7, 9, "This is a pump.")])
    return Job(
        source=clip, targets=(ES,), out=tmp_path / "out", store=tmp_path / "store", profile=str(TOY),
        source_locale=Locale("en"), scripts={Locale("en"): en},
    )  # fmt: skip


def test_a_killed_encoder_is_started_again_and_nothing_else_is(toy_job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    _one_encoder_at_a_time(monkeypatch)
    with observed_by(killer := Killer("lipsync es 2/4", times=1)):
        assert dub_title(toy_job).outcomes[0].files
    assert len(killer.killed) == 1
    labels = [label for label in killer.started_labels if label.startswith("lipsync es")]
    assert sorted(labels) == [f"lipsync es {k}/4" for k in (1, 2, 2, 3, 4)]
    _assert_plays(toy_job.out / "talk.es.mp4", 300)
    assert list(Path(str(toy_job.store), "scratch").iterdir()) == []


def test_an_encoder_that_is_always_killed_fails_with_that_reason_and_loses_no_other_part(
    toy_job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    _one_encoder_at_a_time(monkeypatch)
    with observed_by(killer := Killer("lipsync es 3/4", times=99)):
        (outcome,) = dub_title(toy_job).outcomes
    assert len(killer.killed) == policy.N_RETRIES + 1
    assert outcome.verdict is Level.FAILED
    assert "killed by signal 9" in outcome.reasons[0]
    assert not (toy_job.out / "talk.es.mp4").exists()
    assert list(Path(str(toy_job.store), "scratch").iterdir()) == []
    assert sorted(label for label in killer.worked if label.startswith("lipsync")) == [
        f"lipsync es {k}/4" for k in (1, 2, 4)
    ]
    with observed_by(watch := Watch()):
        assert dub_title(toy_job).outcomes[0].files
    assert [label for label in watch.worked if label.startswith("lipsync")] == ["lipsync es 3/4"]
    _assert_plays(toy_job.out / "talk.es.mp4", 300)


def _assert_plays(path: Path, n_frames: int) -> None:
    plays = [ffmpeg_exe(), "-v", "warning", "-xerror", "-i", str(path), "-f", "null", "-"]
    played = subprocess.run(plays, capture_output=True, check=False)
    assert (played.returncode, played.stderr) == (0, b"")
    known = video_facts(path)
    assert (known.n_frames, known.is_variable_rate) == (n_frames, False)


ENGLISH = [
    (0.4, 2.6, "Hello and welcome to this film"),
    (3.2, 5.4, "We bring people together"),
    (6.0, 8.2, "Maybe you know my friend"),
    (8.8, 11.0, "Come by and say hello"),
]
SPANISH = ["Hola a todos", "Ponemos a la gente en contacto", "Quizá conozca a mi amigo", "Venga y diga hola"]


@pytest.mark.models
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_one_changed_line_renders_and_looks_at_no_more_than_it_touches(
    sample_video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engines.lipsync.mouth_curve.AROUND_S", 1.0)  # as a clip of seconds is a long title
    profile = tmp_path / "lips.toml"
    text = TOY.read_text().replace('"nobody"', '"mediapipe"').replace('"untouched"', '"exemplar"')
    profile.write_text(text.replace('["tone"]', '["espeak"]') + 'policy = "any"\n')

    def dubbed(last_line: str) -> tuple[Watch, LipSync]:
        spoken = [*SPANISH[:3], last_line]
        scripts = {
            Locale("en"): _script(tmp_path / "a.en.csv", ENGLISH),
            ES: _script(tmp_path / "a.es.csv", [(a, b, w) for (a, b, _), w in zip(ENGLISH, spoken, strict=True)]),
        }
        job = Job(
            source=sample_video, targets=(ES,), out=tmp_path / "out", store=tmp_path / "store",
            profile=str(profile), source_locale=Locale("en"), scripts=scripts,
        )  # fmt: skip
        with observed_by(watch := Watch()):
            assert dub_title(job).outcomes[0].files
        prepared = check(job)
        shared = prepare_source(prepared)
        routes = find_ways(job, prepared.plan, Locale("en"), ES)
        return watch, dub_into(ES, routes, prepared, shared).lips.result()

    first, before = dubbed(SPANISH[3])
    assert len(before.parts) == 4
    assert before.n_rendered > 150
    assert len([label for label in first.worked if label.startswith("lipsync es")]) == 4
    again, after = dubbed("Pase por aquí mañana")
    of_lips = {label for label in again.worked if "lipsync es" in label}
    new = [k for k, (one, part) in enumerate(zip(before.parts, after.parts, strict=True)) if one != part]
    assert new
    assert 0 not in new, "the last line reaches into the last part"
    assert of_lips == {f"{what} es {k + 1}/4" for what in ("lipsync", "look at lipsync") for k in new}
    assert after.rerendered_share(before) == sum(after.parts[k].n_frames for k in new) / 285 < 0.6
    assert after.rerendered_share(after) == 0
    _assert_plays(tmp_path / "out" / "hello.es.mp4", 285)
