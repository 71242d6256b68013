"""Real workers, flow runs and servers, killed while a title is at work: the run ends with its reason or goes on, what
was finished is not done again, nothing half-made is seen, nothing stays taken."""

from __future__ import annotations

import fcntl
import json
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from dub.media import probe
from dub.plan import Job
from flows.prefect_server import running_server, start_server
from tests.flows.toy_titles import memo_of, spanish_job
from tests.flows.workers import (
    deploy,
    descendants,
    flow_process,
    start_run,
    state_of,
    wait_for,
    wait_for_end,
    worker,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@dataclass(frozen=True)
class SlowTitle:
    """A title whose lip-sync is at work for sixteen seconds, its encoder open: as long as a worker may need to notice
    that a run is to be cancelled."""

    job: Job
    store: Path
    out: Path

    def parameters(self) -> dict[str, Any]:
        return {"job": self.job.model_dump(mode="json")}

    def is_in_lipsync(self) -> bool:
        return any((self.store / "claims").glob("render_lips-*"))

    def wait_until_in_lipsync(self) -> dict[str, int]:
        """What the memo holds by then."""
        wait_for("lip-sync at work", self.is_in_lipsync)
        memo = memo_of(self.store)
        assert any(name.startswith("memo/speak/") for name in memo)
        assert not any(name.startswith("memo/render_lips/") for name in memo), "lip-sync must still be at work"
        return memo

    def check_nothing_is_taken(self) -> None:
        for claim in (self.store / "claims").iterdir():
            with claim.open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises where somebody holds it

    def check_nothing_is_published(self) -> None:
        assert not [path.name for path in self.out.glob("*") if path.suffix in (".mp4", ".srt", ".vtt", ".html")]

    def check_is_whole(self, before: dict[str, int]) -> None:
        """Every file is there, and nothing that was finished was done again."""
        assert len(probe(self.out / "talk.es.mp4")["streams"]) >= 3
        assert json.loads((self.out / "talk.es.report.json").read_text())["verdict"] != "failed"
        assert (self.out / "report.html").is_file()
        assert not list(self.out.glob(".*"))
        after = memo_of(self.store)
        assert {name: after.get(name) for name in before} == before, "finished work was done again"
        assert sum(name.startswith("memo/render_lips/") for name in after) == 1
        self.check_nothing_is_taken()


@pytest.fixture
def title(tmp_path: Path) -> SlowTitle:
    return SlowTitle(spanish_job(tmp_path, lipsync_frame_s=0.25), tmp_path / "store", tmp_path / "out")


def encoders(pid: int) -> list[psutil.Process]:
    return [process for process in descendants(pid) if "ffmpeg" in process.name()]


def are_gone(processes: list[psutil.Process]) -> bool:
    return not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes)


def test_a_cancelled_run_ends_cancelled_and_leaves_nothing_behind(
    deployed: str, title: SlowTitle, tmp_path: Path
) -> None:
    from prefect.client.orchestration import get_client
    from prefect.states import Cancelling

    with worker(tmp_path / "worker.log") as at_work:
        run = start_run("dub-title/title", title.parameters())
        before = title.wait_until_in_lipsync()
        family = descendants(at_work.pid)
        assert encoders(at_work.pid)
        with get_client(sync_client=True) as client:
            client.set_flow_run_state(run, Cancelling())
        assert wait_for_end(run).is_cancelled()
        wait_for("the end of its processes", lambda: are_gone(family), timeout_s=40)
        title.check_nothing_is_taken()
        title.check_nothing_is_published()
        again = start_run("dub-title/title", title.parameters())
        assert wait_for_end(again).is_completed()
    title.check_is_whole(before)


def test_a_killed_flow_run_is_crashed_and_the_next_one_goes_on(deployed: str, title: SlowTitle, tmp_path: Path) -> None:
    with worker(tmp_path / "worker.log") as at_work:
        run = start_run("dub-title/title", title.parameters())
        before = title.wait_until_in_lipsync()
        children = encoders(at_work.pid)
        flow_process(at_work.pid).kill()
        state = wait_for_end(run)
        assert state.is_crashed()
        assert "-9" in state.message, state.message
        wait_for("the end of its encoders", lambda: are_gone(children), timeout_s=10)
        title.check_nothing_is_taken()
        title.check_nothing_is_published()
        again = start_run("dub-title/title", title.parameters())
        assert wait_for_end(again).is_completed()
    title.check_is_whole(before)


def test_a_killed_worker_does_not_take_its_run_with_it(deployed: str, title: SlowTitle, tmp_path: Path) -> None:
    with worker(tmp_path / "worker.log") as at_work:
        run = start_run("dub-title/title", title.parameters())
        before = title.wait_until_in_lipsync()
        orphan = flow_process(at_work.pid)
        at_work.kill()
        at_work.wait()
    assert wait_for_end(run).is_completed()
    wait_for("the end of its process", lambda: are_gone([orphan]), timeout_s=40)
    title.check_is_whole(before)


@pytest.fixture
def own_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prefect_server: str) -> Iterator[Path]:
    """A server of this test's own, which may be killed; yields its home."""
    from prefect.settings import PREFECT_API_URL, temporary_settings

    home = tmp_path / "prefect"
    home.mkdir()
    url = start_server(home)
    monkeypatch.setenv("PREFECT_API_URL", url)
    with temporary_settings({PREFECT_API_URL: url}):
        yield home
    if found := running_server(home):
        os.killpg(found[1], signal.SIGKILL)


def test_a_killed_server_comes_back_and_the_run_ends_by_itself(
    own_server: Path, title: SlowTitle, tmp_path: Path
) -> None:
    deploy()
    with worker(tmp_path / "worker.log"):
        run = start_run("dub-title/title", title.parameters())
        before = title.wait_until_in_lipsync()
        url, pid = running_server(own_server) or ("", 0)
        os.killpg(pid, signal.SIGKILL)
        wait_for("the server's end", lambda: running_server(own_server) is None)
        start_server(own_server, port=int(url.rpartition(":")[2].partition("/")[0]))
        assert state_of(run).is_running(), "the database knows of it"
        assert wait_for_end(run).is_completed()
    title.check_is_whole(before)
