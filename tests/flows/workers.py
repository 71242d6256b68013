"""Real Prefect workers and runs for tests: started, looked at, killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import psutil

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[2]


def prefect_environment() -> dict[str, str]:
    return os.environ | {"POLYDUB_CHECKOUT": str(ROOT), "COLUMNS": "300", "PREFECT_CLI_COLORS": "false"}


def prefect(*arguments: str, timeout_s: float = 120) -> str:
    """Run the real `prefect` command in the checkout; returns what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "prefect", *arguments],
        cwd=ROOT, env=prefect_environment(), capture_output=True, text=True, timeout=timeout_s,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def deploy() -> None:
    prefect("work-pool", "create", "polydub", "--type", "process", "--overwrite")
    prefect("--no-prompt", "deploy", "--all")


@contextlib.contextmanager
def worker(log: Path, *, limit: int = 4) -> Iterator[subprocess.Popen[bytes]]:
    """A process worker of the pool, in a session of its own; it and what it started are killed at the end."""
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "polydub", "--limit", str(limit)]
    with log.open("ab") as said:
        started = subprocess.Popen(
            command, cwd=ROOT, env=prefect_environment(), stdin=subprocess.DEVNULL, stdout=said, stderr=said,
            start_new_session=True,
        )  # fmt: skip
    try:
        yield started
    finally:
        family = descendants(started.pid)
        with contextlib.suppress(ProcessLookupError):
            os.kill(started.pid, signal.SIGKILL)
        started.wait()
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


def descendants(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def flow_process(worker_pid: int) -> psutil.Process:
    """The process in which a worker's only flow run goes on."""
    [run] = [child for child in psutil.Process(worker_pid).children() if "ffmpeg" not in child.name()]
    return run


def start_run(deployment: str, parameters: dict[str, Any], **more: Any) -> UUID:
    """Create a run of a deployment; returns its id."""
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        deployment_id = client.read_deployment_by_name(deployment).id
        return client.create_flow_run_from_deployment(deployment_id, parameters=parameters, **more).id


def state_of(run_id: UUID) -> Any:
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        return client.read_flow_run(run_id).state


def wait_for(what: str, look: Callable[[], T], *, timeout_s: float = 240) -> T:
    """Ask again until the answer is true."""
    deadline = time.monotonic() + timeout_s
    while not (found := look()):
        assert time.monotonic() < deadline, f"{what} did not come about in {timeout_s:.0f} s"
        time.sleep(0.2)
    return found


def wait_for_end(run_id: UUID, *, timeout_s: float = 300) -> Any:
    """The state in which a run ended."""
    return wait_for("the run's end", lambda: (state := state_of(run_id)).is_final() and state, timeout_s=timeout_s)
