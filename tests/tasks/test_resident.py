"""The resident process of a GPU, with a lip-sync that takes as long as it is told: real processes, really killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dub import progress
from dub.artifact import Artifact
from dub.errors import BadInput, EngineFailed, ToolTimedOut
from dub.plan import Job
from dub.stage import Desk, EngineChoice, Stage
from dub.stage_call import ErrorLine
from flows.dub_title import dub_title
from lang.bcp47 import Locale
from tasks import resident
from tasks.gpu_slots import gpu_slot
from tasks.gpu_stages import MODULES
from tasks.ingest import ingest
from tasks.separate import separate
from tests.flows.small_talk import TOY, job, talk  # noqa: F401  (fixtures)
from tests.flows.test_dub_title import made_by


@pytest.fixture(autouse=True)
def runtime(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A runtime folder of our own, on a machine that is said to have one GPU; its processes end with the test."""
    folder = tmp_path_factory.mktemp("run")
    folder.chmod(0o700)
    monkeypatch.setenv("POLYDUB_RUNTIME", str(folder))
    monkeypatch.setenv("POLYDUB_GPUS", "1")
    yield folder
    for alive in folder.glob("*.alive"):
        end(alive)


def end(alive: Path) -> None:
    number = alive.read_text().strip()
    if number and resident._is_resident(int(number)):
        os.killpg(int(number), signal.SIGKILL)


@pytest.fixture
def diary(tmp_path: Path) -> Path:
    return tmp_path / "diary.txt"


def on_gpu(job: Job, tmp_path: Path, diary: Path, *, load_s: float, render_s: float) -> Job:  # noqa: F811
    """The job with a lip-sync on the GPU that takes this long; a store of its own."""
    profile = tmp_path / "gpu.toml"
    text = Path(TOY).read_text().replace('"untouched"', '"simulated-gpu"')
    profile.write_text(
        f"{text}gpu_stages = ['build_mouth_bank', 'plan_lips', 'render_lips']\n"
        f"[options.simulated-gpu]\nload_s = {load_s}\nrender_s = {render_s}\ndiary = '{diary}'\n"
    )
    return job.model_copy(update={"profile": str(profile)})


def lines(diary: Path, what: str) -> list[list[str]]:
    """The diary's lines of one kind: [what, pid, CUDA_VISIBLE_DEVICES, time]."""
    return [line.split() for line in diary.read_text().splitlines() if line.startswith(what)] if diary.exists() else []


def wait_for(diary: Path, what: str, n: int = 1, timeout_s: float = 120) -> list[str]:
    deadline = time.monotonic() + timeout_s
    while len(lines(diary, what)) < n:
        assert time.monotonic() < deadline, f"never {what}"
        time.sleep(0.02)
    return lines(diary, what)[n - 1]


def test_the_model_is_loaded_once_over_several_runs(job: Job, tmp_path: Path, diary: Path) -> None:  # noqa: F811
    asked = on_gpu(job, tmp_path, diary, load_s=0.3, render_s=0.1)
    dub_title(asked.model_copy(update={"store": tmp_path / "one", "targets": (Locale("es"), Locale("fr"))}))
    dub_title(asked.model_copy(update={"store": tmp_path / "two"}))
    dub_title(asked.model_copy(update={"store": tmp_path / "two"}))
    [(_, pid, device, _)] = lines(diary, "loaded")
    assert (int(pid), device) != (os.getpid(), "-")
    assert device == "0"
    assert len(lines(diary, "rendered")) == 3, "the third run is the memo's"


def test_all_stages_that_may_give_the_same_bytes_there_as_here(job: Job, tmp_path: Path) -> None:  # noqa: F811
    dub_title(job)
    profile = tmp_path / "all.toml"
    profile.write_text(Path(TOY).read_text() + f"gpu_stages = {json.dumps(list(MODULES))}\n")
    there = job.model_copy(update={"profile": str(profile), "store": tmp_path / "there", "out": tmp_path / "out-there"})
    dub_title(there)
    assert made_by(there) == made_by(job)


def test_a_killed_process_is_started_again_and_the_job_ends(job: Job, tmp_path: Path, diary: Path) -> None:  # noqa: F811
    asked = on_gpu(job, tmp_path, diary, load_s=0, render_s=1.0)

    def kill() -> None:
        _, pid, _, _ = wait_for(diary, "begins")
        os.kill(int(pid), signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    report = dub_title(asked)
    killer.join()
    assert report.outcomes[0].files
    assert [len(lines(diary, what)) for what in ("loaded", "begins", "rendered")] == [2, 2, 1]


def test_a_caller_that_is_killed_leaves_no_work_and_no_slot(
    job: Job,  # noqa: F811
    tmp_path: Path,
    diary: Path,
    runtime: Path,
) -> None:
    asked = on_gpu(job, tmp_path, diary, load_s=0, render_s=30)
    program = textwrap.dedent(
        """
        import sys
        from dub.plan import Job
        from flows.dub_title import dub_title
        dub_title(Job.model_validate_json(sys.stdin.read()))
        """
    )
    caller = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, text=True)
    assert caller.stdin is not None
    caller.stdin.write(asked.model_dump_json())
    caller.stdin.close()
    _, pid, _, _ = wait_for(diary, "begins")
    caller.kill()
    killed_at = time.monotonic()
    with gpu_slot(("0",), runtime):
        assert time.monotonic() - killed_at < 1
    while resident._is_resident(int(pid)):
        assert time.monotonic() - killed_at < 1, "the job goes on for nobody"
        time.sleep(0.01)
    caller.wait()
    assert not lines(diary, "rendered")
    assert (tmp_path / "store" / "memo" / "speak").exists(), "what was finished is kept"
    assert not list((tmp_path / "store" / "memo").glob("render_lips/*"))


@pytest.fixture
def call(talk: Path, desk: Desk) -> tuple[Stage, tuple[object, ...]]:  # noqa: F811
    """One small stage and its arguments."""
    source = ingest(desk, desk.open_store().put_copy(talk, "video/*"), "talk")
    return separate, (desk, source, EngineChoice(family="separation", id="passthrough", fingerprint="f"))


def test_errors_come_back_as_what_they_were(call: tuple[Stage, tuple], desk: Desk) -> None:
    stage, (_, source, _) = call
    nobody = EngineChoice(family="separation", id="nobody", fingerprint="f")
    with pytest.raises(BadInput, match="no separation engine 'nobody'") as refused:
        resident.work_on_gpu(stage, (desk, source, nobody), "0")
    assert "passthrough" in refused.value.mend
    with pytest.raises(BadInput, match="'ingest' is no stage that can use a GPU"):
        resident.work_on_gpu(ingest, (desk, Artifact(sha256="0", n_bytes=0, media_type="x"), "t"), "0")
    broken = ErrorLine.of(ZeroDivisionError("by zero")).error()
    assert isinstance(broken, EngineFailed)
    assert "ZeroDivisionError: by zero" in str(broken)


def test_one_process_ends_after_its_jobs_or_when_nobody_calls(
    call: tuple[Stage, tuple], runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLYDUB_GPU_JOBS", "2")
    monkeypatch.setenv("POLYDUB_GPU_IDLE_S", "1")
    pids = []
    for _ in range(3):
        resident.work_on_gpu(*call, "0")
        pids.append(int((runtime / "gpu0.alive").read_text()))
    assert pids[0] == pids[1] != pids[2]
    deadline = time.monotonic() + 10
    while resident._is_resident(pids[2]):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_process_with_other_settings_is_replaced(
    call: tuple[Stage, tuple], runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resident.work_on_gpu(*call, "0")
    before = (runtime / "gpu0.alive").read_text()
    monkeypatch.setenv("AWS_PROFILE", "another")
    resident.work_on_gpu(*call, "0")
    assert (runtime / "gpu0.alive").read_text() != before


def test_the_deadline_ends_the_job_and_progress_comes_through(
    job: Job,  # noqa: F811
    tmp_path: Path,
    diary: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tasks import policy

    seen: list[tuple[int, int]] = []
    monkeypatch.setattr(policy, "N_RETRIES", 0)
    asked = on_gpu(job, tmp_path, diary, load_s=0, render_s=6)

    class Bars(policy.Observer):
        def progressed(self, label: str, done: int, total: int) -> None:
            if label == "lipsync es":
                seen.append((done, total))

    monkeypatch.setenv("POLYDUB_GPU_DEADLINE_S", "3")
    with policy.observed_by(Bars()):
        report = dub_title(asked)
    assert "did not end within 3 s" in report.outcomes[0].reasons[0]
    assert (1, 20) in seen
    assert not lines(diary, "rendered")
    assert progress._sink.get() is None
    assert issubclass(ToolTimedOut, Exception)
