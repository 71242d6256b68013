"""The automations on a real server: a run whose process is killed ends, and is started again, but not for ever."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.infra import ROOT, script

POOL = "fragile"
HEARTBEAT_S = 30
"""The shortest that Prefect sends."""
WITHIN_S = 36
RERUN_AFTER_S = 25
"""Over the time between a worker's two reports of one dead process, on a machine that tests keep busy."""
GRANULARITY_S = 5
"""How often the server looks whether something did not happen."""
INSTALL = script("install_automations")


def wait_for(what: str, is_so: Callable[[], bool], timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < deadline, f"{what}: not within {timeout_s:.0f} s"
        time.sleep(0.25)


@contextmanager
def worker() -> Iterator[subprocess.Popen[bytes]]:
    environment = os.environ | {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(HEARTBEAT_S)}
    process = subprocess.Popen(
        [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL, "--type", "process"],
        cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def client(prefect_server: str) -> Iterator[Any]:
    """A client of a server with the automations on it; they are taken off again: other tests crash flows too."""
    from prefect.client.orchestration import get_client

    made = INSTALL["install"](within_s=WITHIN_S, reruns=2, rerun_after_s=RERUN_AFTER_S)
    assert [name for name, _ in made] == [INSTALL["ZOMBIES"], INSTALL["RERUN"]]
    with get_client(sync_client=True) as client:
        try:
            yield client
        finally:
            for name in (INSTALL["ZOMBIES"], INSTALL["RERUN"]):
                for automation in client.read_automations_by_name(name):
                    client.delete_automation(automation.id)


@pytest.fixture
def start(client: Any, tmp_path: Path) -> Callable[..., tuple[UUID, Path]]:
    """Ask for a run of the fragile flow; its id and the folder that it writes its starts to."""
    from prefect.client.schemas.actions import WorkPoolCreate

    from tests.infra.fragile_flow import fragile

    client.create_work_pool(WorkPoolCreate(name=POOL, type="process"), overwrite=True)
    deployment = client.create_deployment(
        client.create_flow(fragile), "test", work_pool_name=POOL, entrypoint="tests.infra.fragile_flow.fragile",
        pull_steps=[{"prefect.deployments.steps.set_working_directory": {"directory": str(ROOT)}}],
    )  # fmt: skip

    def start(name: str, **parameters: Any) -> tuple[UUID, Path]:
        starts = tmp_path / name
        starts.mkdir()
        run = client.create_flow_run_from_deployment(deployment, parameters={"starts": str(starts), **parameters})
        return run.id, starts

    return start


def names(client: Any, run: UUID) -> list[str]:
    """Every state that the run has been in."""
    return [state.name for state in client.read_flow_run_states(run)]


def story(client: Any, run: UUID) -> str:
    """The same, with when and why."""
    states = client.read_flow_run_states(run)
    return "\n".join(f"{state.timestamp:%H:%M:%S.%f} {state.name}: {state.message}" for state in states)


@pytest.mark.slow
def test_what_loses_its_process_is_started_again_and_what_lives_is_left_alone(
    client: Any, start: Callable[..., tuple[UUID, Path]]
) -> None:
    """Killed are: a run and its worker (nobody can report it); a run alone (its worker reports it, twice)."""
    living, living_starts = start("living", hang_at=1)
    dead, dead_starts = start("dead", hang_at=1)
    with worker() as other_machine:
        wait_for("both start", lambda: all((each / "1").exists() for each in (living_starts, dead_starts)), 60)
        time.sleep(2)  # the first heartbeat is on the server
        other_machine.kill()
        os.kill(int((dead_starts / "1").read_text()), signal.SIGKILL)
    killed = time.monotonic()
    assert client.read_flow_run(dead).state_name == "Running", "nobody is left to say otherwise"
    shot, shot_starts = start("shot", die_at=(1,))
    try:
        with worker():
            wait_for("found out", lambda: "Crashed" in names(client, dead), WITHIN_S + 20)
            print(f"Crashed after {time.monotonic() - killed:.0f} s")
            for run, starts in ((shot, shot_starts), (dead, dead_starts)):
                wait_for("Completed", lambda run=run: client.read_flow_run(run).state_name == "Completed", 90)  # type: ignore[misc]
                assert client.read_flow_run(run).run_count == 2, story(client, run)
                assert sorted(path.name for path in starts.iterdir()) == ["1", "2"]
        [crash] = [state for state in client.read_flow_run_states(dead) if state.name == "Crashed"]
        assert "no heartbeat" in crash.message
        assert client.read_flow_run(living).state_name == "Running", "its heartbeats go on without a worker"
        assert names(client, living).count("Running") == 1
    finally:
        os.kill(int((living_starts / "1").read_text()), signal.SIGKILL)
        client.delete_flow_run(living)


@pytest.mark.slow
def test_a_run_that_crashes_every_time_is_given_up(client: Any, start: Callable[..., tuple[UUID, Path]]) -> None:
    """No process at all: the states are set as a worker sets them."""
    from prefect.states import Crashed, Pending, Running

    INSTALL["install"](within_s=WITHIN_S, reruns=1, rerun_after_s=10)
    run, _ = start("always")
    for n_start in (1, 2):
        for state in (Pending(), Running(), Crashed()):
            client.set_flow_run_state(run, state, force=True)
        assert client.read_flow_run(run).run_count == n_start
        if n_start == 1:
            wait_for("started again", lambda: names(client, run)[-1] == "AwaitingRetry", 40)
    time.sleep(10 + GRANULARITY_S + 1)
    assert names(client, run)[-1] == "Crashed"
    assert names(client, run).count("AwaitingRetry") == 1


def test_installing_again_changes_what_is_there(client: Any) -> None:
    assert INSTALL["install"](within_s=77, reruns=1) == [(INSTALL["ZOMBIES"], "updated"), (INSTALL["RERUN"], "updated")]
    [zombies] = client.read_automations_by_name(INSTALL["ZOMBIES"])
    assert zombies.trigger.within.total_seconds() == 77
    assert zombies.enabled
    assert (INSTALL["RERUN"], "removed") in INSTALL["install"](within_s=77, reruns=0)
    assert client.read_automations_by_name(INSTALL["RERUN"]) == []


def test_what_is_shipped_waits_for_three_heartbeats() -> None:
    settings = dict(
        line.split("=", 1) for line in (ROOT / "infra/settings/worker.env").read_text().splitlines() if "=" in line
    )
    assert int(settings["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"]) == INSTALL["HEARTBEAT_S"]
    assert INSTALL["WITHIN_S"] == 3 * INSTALL["HEARTBEAT_S"]
