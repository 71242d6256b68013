"""The scheduled batch on a real server with a real worker: one at a time, late runs, killed in the middle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.flows.toy_titles import TARGETS, memo_of, toy_manifest, toy_profile
from tests.flows.workers import prefect_environment, start_run, state_of, wait_for, wait_for_end, worker

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def asked(tmp_path: Path) -> dict[str, Any]:
    """What a nightly run is asked for: one film in two languages, its lip-sync slow enough to be found at work."""
    films = tmp_path / "films"
    films.mkdir()
    return {
        "manifest": str(toy_manifest(films, 1)), "out": str(tmp_path / "dubs"),
        "profile": str(toy_profile(films, lipsync_frame_s=0.05)), "store": str(tmp_path / "store"),
    }  # fmt: skip


def title_runs(asked: dict[str, Any]) -> list[Any]:
    """The flow runs of dub-title that dubbed this test's film."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowFilter, FlowFilterName
    from prefect.client.schemas.sorting import FlowRunSort

    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(  # the newest: other tests start hundreds, and a page ends at 200
            flow_filter=FlowFilter(name=FlowFilterName(any_=["dub-title"])),
            sort=FlowRunSort.EXPECTED_START_TIME_DESC,
        )
    return [run for run in runs if run.parameters["job"].get("store") == asked["store"]]


def test_one_at_a_time_and_a_late_one_finds_nothing_to_do(deployed: str, asked: dict[str, Any], tmp_path: Path) -> None:
    from prefect.artifacts import Artifact
    from prefect.client.schemas.objects import StateType
    from prefect.states import Scheduled

    with worker(tmp_path / "worker.log"):
        first = start_run("dub-batch/nightly", {"batch": asked})
        wait_for("its title's run", lambda: title_runs(asked))
        second = start_run("dub-batch/nightly", {"batch": asked})
        assert wait_for_end(second).is_cancelled(), "one is under way"
        assert state_of(first).type in (StateType.RUNNING, StateType.PENDING)
        ended = wait_for_end(first)
        assert ended.is_completed(), ended
    assert (tmp_path / "dubs/talk1/talk1.done.json").is_file()
    [page] = (tmp_path / "dubs").glob("batch-*.html")
    [told] = json.loads(page.with_suffix(".json").read_text())["titles"]
    assert (told["status"], [end["verdict"] for end in told["outcomes"]]) == ("new", ["degraded", "degraded"])
    [run] = title_runs(asked)
    assert run.state_name == "Degraded"
    kept = Artifact.get("batch-heat-map")
    assert kept is not None
    assert str(kept.data).startswith(
        "| title | verdict | `es` | `es-419` |\n| --- | --- | --- | --- |\n| `talk1` | degraded | ! | ! |"
    )

    # The worker was down for three nights: all of their runs are late when it comes back.
    memo = memo_of(tmp_path / "store")
    now = datetime.now(UTC)
    late = [
        start_run("dub-batch/nightly", {"batch": asked}, state=Scheduled(scheduled_time=now - timedelta(days=days)))
        for days in (3, 2, 1)
    ]
    with worker(tmp_path / "worker.log"):
        states = [wait_for_end(each) for each in late]
    assert any(state.is_completed() for state in states)
    assert all(state.is_completed() or state.is_cancelled() for state in states)
    assert len(title_runs(asked)) == 1, "no title was started again"
    assert memo_of(tmp_path / "store") == memo


def test_a_batch_killed_in_the_middle_finds_its_title_again(
    deployed: str, asked: dict[str, Any], tmp_path: Path
) -> None:
    """kill -9 of the batch while its title is at work; the next batch awaits that run, and starts no other."""
    command = [
        sys.executable, "-m", "flows.cli", "batch", asked["manifest"], "--prefect", "--out", asked["out"],
        "--profile", asked["profile"], "--store", asked["store"],
    ]  # fmt: skip
    with worker(tmp_path / "worker.log"):
        batch = subprocess.Popen(command, env=prefect_environment(), stdout=subprocess.DEVNULL)
        wait_for("its title's run", lambda: title_runs(asked))
        batch.send_signal(signal.SIGKILL)
        batch.wait()
        assert not (tmp_path / "dubs/talk1/talk1.done.json").exists()
        again = subprocess.run(command, env=prefect_environment(), capture_output=True, text=True, timeout=240)
        assert again.returncode == 0, again.stdout + again.stderr
    [run] = title_runs(asked)
    assert run.state_name == "Degraded"
    assert (tmp_path / "dubs/talk1/talk1.done.json").is_file()
    assert "need" in again.stdout


def test_killed_without_prefect_it_does_what_is_missing(tmp_path: Path) -> None:
    """Three titles in two languages; SIGKILL while the second is at work."""
    films = tmp_path / "films"
    films.mkdir()
    store, dubs = tmp_path / "store", tmp_path / "dubs"
    manifest, profile = toy_manifest(films, 3), toy_profile(films, lipsync_frame_s=0.02)
    command = [
        sys.executable, "-m", "flows.cli", "batch", str(manifest), "--out", str(dubs), "--profile", str(profile),
        "--store", str(store),
    ]  # fmt: skip
    environment = os.environ | {"POLYDUB_HOME": str(tmp_path / "home")}
    batch = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for("the first title", (dubs / "talk1/talk1.done.json").is_file)
    wait_for("the second at work", lambda: any((store / "claims").glob("render_lips-*")))
    batch.send_signal(signal.SIGKILL)
    batch.wait()
    assert not (dubs / "talk2/talk2.done.json").exists()
    first = {path: path.stat().st_mtime_ns for path in (dubs / "talk1").iterdir()}
    memo = memo_of(store)
    again = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "Titles: 2 new, 1 unchanged." in again.stdout
    assert {path: path.stat().st_mtime_ns for path in (dubs / "talk1").iterdir()} == first
    after = memo_of(store)
    assert {name: after[name] for name in memo} == memo, "finished work was done again"
    for stage in ("remux", "review"):
        assert sum(name.startswith(f"memo/{stage}/") for name in after) == 3 * len(TARGETS)
    for number in (1, 2, 3):
        assert {f"talk{number}.{locale}.mp4" for locale in TARGETS} <= {
            path.name for path in (dubs / f"talk{number}").iterdir()
        }
