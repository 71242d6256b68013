"""Where task runs work and what one is: the same artifacts from threads, whole locales, Dask's and Ray's processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from dub.artifact import sha256_of
from dub.errors import BadInput, EngineUnavailable
from dub.plan import Job
from flows.dub_title import dub_title
from lang.bcp47 import Locale
from tasks.task_runner import task_runner
from tests.flows.small_talk import job, talk  # noqa: F401  (fixtures)
from tests.task_runs import task_states


def test_a_setting_that_is_none_is_refused() -> None:
    assert type(task_runner(4, "threads")).__name__ == "ThreadPoolTaskRunner"
    for wrong in ("dusk", "dask:", "dask:0", "dask:many", "dask://", "threads:4", "ray+tls:2", "tcp://host:1"):
        with pytest.raises(BadInput, match="no task runner"):
            task_runner(4, wrong)


def test_an_address_is_a_cluster_that_is_there() -> None:
    pytest.importorskip("prefect_dask", reason="the extra `dask` is not installed")
    assert task_runner(4, "dask://head:8786").address == "tcp://head:8786"
    assert task_runner(4, "dask+tls://head:8786").address == "tls://head:8786"
    pytest.importorskip("ray", reason="the extra `ray` is not installed")
    assert task_runner(4, "ray://head:10001").address == "ray://head:10001"


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for package, extra in (("prefect_dask.task_runners", "dask"), ("ray", "ray")):
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(EngineUnavailable, match=rf"pip install '.\[{extra}\]'"):
            task_runner(4, extra)


@pytest.fixture
def wide_job(job: Job, tmp_path: Path) -> Job:  # noqa: F811
    """Three languages, of which one fails: its given lines lie outside the film."""
    wrong = tmp_path / "talk.pt.srt"
    wrong.write_text("1\n00:00:09,000 --> 00:00:10,000\nfora do filme\n")
    targets = (Locale("es"), Locale("pt-BR"), Locale("fr"))
    return job.model_copy(update={"targets": targets, "scripts": {**job.scripts, Locale("pt-BR"): wrong}})


def run_as_flow(job: Job, folder: Path, runner: str, **settings: Any) -> dict[str, Any]:  # noqa: F811
    """Run the job as a flow in a process of its own; what its observer saw, and its task runs' states by name."""
    asked = job.model_copy(update={"out": folder / "out", "store": folder / "store", **settings})
    program = textwrap.dedent(
        """
        import json, sys
        from dub.plan import Job
        from flows.deployed import dub_title_flow
        from tasks.policy import Observer, observed_by

        class Diary(Observer):
            def __init__(self): self.seen = []
            def started(self, label): self.seen.append(f"started {label}")
            def progressed(self, label, done, total): self.seen.append(f"progressed {label}")
            def finished(self, label, is_cached, seconds): self.seen.append(f"finished {label}")
            def failed(self, label, error): self.seen.append(f"failed {label} {type(error).__name__}")

        if __name__ == "__main__":
            diary = Diary()
            with observed_by(diary):
                state = dub_title_flow(Job.model_validate_json(sys.stdin.read()), return_state=True)
            report = state.result(raise_on_failure=False)
            print(json.dumps({
                "run": str(state.state_details.flow_run_id), "seen": diary.seen,
                "why": {each.locale: each.reasons for each in report.outcomes if not each.files},
            }))
        """
    )
    path = folder / "run.py"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(program)
    root = str(Path(__file__).resolve().parents[2])
    environment = os.environ | {"POLYDUB_TASK_RUNNER": runner, "PYTHONPATH": root, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, str(path)], input=asked.model_dump_json(), env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-4000:]
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told | {"states": task_states(told["run"])}


def made(folder: Path) -> dict[str, str]:
    """Digests of all that does not tell the time it took."""
    kinds = {".mp4", ".srt", ".vtt", ".xlf"}
    return {path.name: sha256_of(path) for path in (folder / "out").iterdir() if path.suffix in kinds}


def on_threads(job: Job, folder: Path) -> dict[str, str]:  # noqa: F811
    dub_title(job.model_copy(update={"out": folder / "out", "store": folder / "store"}))
    return made(folder)


@pytest.mark.slow
def test_a_locale_as_one_task_run(prefect_server: str, wide_job: Job, tmp_path: Path) -> None:
    told = run_as_flow(wide_job, tmp_path / "locale", "threads", granularity="locale")
    assert made(tmp_path / "locale") == on_threads(wide_job, tmp_path / "plain")
    own = {name: state for name, state in told["states"].items() if name.startswith("dub ")}
    assert own == {"dub es": "Completed", "dub pt-BR": "Failed", "dub fr": "Completed"}
    assert not [name for name in told["states"] if name.endswith(" es") and name != "dub es"], "no stage is one too"
    assert "ingest" in told["states"]
    assert list(told["why"]) == ["pt-BR"]
    assert "talk.pt.srt" in told["why"]["pt-BR"][0]
    assert told["seen"].count("finished speak es") == 1, "what the memo answers for publishing is not shown again"

    again = run_as_flow(wide_job, tmp_path / "locale", "threads", granularity="locale", locales_per_task=2)
    own = {name: state for name, state in again["states"].items() if name.startswith("dub ")}
    assert own == {"dub es and 1 more": "Failed", "dub fr": "Cached"}
    assert list(again["why"]) == ["pt-BR"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "granularity"),
    [
        ("dask", "locale"),
        *(
            pytest.param(*way, marks=pytest.mark.clusters)
            for way in (("dask", "stage"), ("ray", "stage"), ("ray", "locale"))
        ),
    ],
)
def test_two_worker_processes_make_the_same(
    kind: str, granularity: str, prefect_server: str, wide_job: Job, tmp_path: Path
) -> None:
    pytest.importorskip(f"prefect_{kind}", reason=f"the extra `{kind}` is not installed")
    pytest.importorskip(kind, reason=f"the extra `{kind}` is not installed")
    told = run_as_flow(wide_job, tmp_path / kind, f"{kind}:2", granularity=granularity)
    assert made(tmp_path / kind) == on_threads(wide_job, tmp_path / "plain")
    assert list(told["why"]) == ["pt-BR"]
    assert "talk.pt.srt" in told["why"]["pt-BR"][0]
    assert {"started ingest", "finished speak es", "finished review fr", "failed translate pt-BR BadInput"} <= set(
        told["seen"]
    ), "who watches here sees what happens there"
    own = "dub fr" if granularity == "locale" else "review fr"
    assert told["states"][own] == "Completed"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["dask", pytest.param("ray", marks=pytest.mark.clusters)])
def test_gpu_stages_go_where_a_gpu_is_and_share_one_model(
    kind: str,
    prefect_server: str,
    job: Job,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip(f"prefect_{kind}", reason=f"the extra `{kind}` is not installed")
    pytest.importorskip(kind, reason=f"the extra `{kind}` is not installed")
    runtime = tmp_path / "run"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("POLYDUB_RUNTIME", str(runtime))
    monkeypatch.setenv("POLYDUB_GPUS", "1")
    profile, diary = tmp_path / "gpu.toml", tmp_path / "diary.txt"
    profile.write_text(
        Path(job.profile).read_text().replace('"untouched"', '"simulated-gpu"')
        + "gpu_stages = ['build_mouth_bank', 'plan_lips', 'render_lips']\n"
        + f"[options.simulated-gpu]\nrender_s = 0.2\ndiary = '{diary}'\n"
    )
    targets = (Locale("es"), Locale("fr"))
    try:
        told = run_as_flow(job, tmp_path / kind, f"{kind}:2", profile=str(profile), targets=targets)
    finally:
        for alive in runtime.glob("*.alive"):
            os.killpg(int(alive.read_text()), signal.SIGKILL)
    assert not told["why"]
    what = [line.split()[0] for line in diary.read_text().splitlines()]
    assert what == ["loaded", "begins", "rendered", "begins", "rendered"], "one model, one job at a time"
