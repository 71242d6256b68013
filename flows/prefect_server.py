"""A Prefect server on this machine for runs that have none: started once, kept, found again by the next run."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dub.errors import EngineUnavailable

STARTUP_TIMEOUT_S = 120
SERVER_SETTINGS = {
    # Quiet and offline.
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    # Batching is worth 3-4x of the server's CPU; the defaults write one task run at a time.
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "500",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "500",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "500",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_READ_BATCH_SIZE": "500",
    "PREFECT_SERVER_SERVICES_TRIGGERS_READ_BATCH_SIZE": "500",
    # In memory (the default) a restart leaks every slot that is held.
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
    "PREFECT_SERVER_CONCURRENCY_MAXIMUM_CONCURRENCY_SLOT_WAIT_SECONDS": "1",
    "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": "P2D",
}
CLIENT_SETTINGS = {
    "PREFECT_RESULTS_DEFAULT_SERIALIZER": "json",
    "PREFECT_LOGGING_EXTRA_LOGGERS": "dub",
    "PREFECT_LOGGING_LEVEL": "WARNING",
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED": "false",
    "PREFECT_WORKER_QUERY_SECONDS": "2",
    "DO_NOT_TRACK": "1",
}


@contextmanager
def local_server(home: Path | None = None) -> Iterator[str]:
    """The URL of a server to run against: $PREFECT_API_URL, or one on this machine, started when none answers.

    Sets the client's environment for this process. The server outlives us, so that the next run starts in a second
    and the run's history can be looked at; `polydub doctor` says how to stop it.
    """
    for name, value in CLIENT_SETTINGS.items():
        os.environ.setdefault(name, value)
    url = os.environ.get("PREFECT_API_URL") or _kept_server(home)
    os.environ["PREFECT_API_URL"] = url
    if "prefect.context" in sys.modules:  # it has read the environment, and would start a server of its own
        from prefect.context import refresh_global_settings_context

        refresh_global_settings_context()
    yield url


def _kept_server(home: Path | None) -> str:
    """The one that an earlier run left over `home`, or a new one."""
    from dub.home import cache_home

    home = home or cache_home() / "prefect"
    home.mkdir(parents=True, exist_ok=True)
    running = running_server(home)
    return running[0] if running else start_server(home)


def start_server(home: Path, port: int = 0) -> str:
    """Start a server over `home` (its SQLite database and log) and wait until it answers. `port`: 0 for any that is
    free; a server that takes another's place needs the same one. Raises EngineUnavailable."""
    port = port or _free_port()
    url = f"http://127.0.0.1:{port}/api"
    log = home / "server.log"
    environment = os.environ | SERVER_SETTINGS | {"PREFECT_HOME": str(home), "PREFECT_API_URL": url}
    with log.open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)],
            env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    deadline = time.monotonic() + STARTUP_TIMEOUT_S
    while time.monotonic() < deadline and server.poll() is None:
        if _answers(url):
            (home / "server.url").write_text(f"{url}\n{server.pid}\n")
            return url
        time.sleep(0.2)
    server.kill()
    tail = log.read_text(errors="replace")[-1500:]
    raise EngineUnavailable(f"the Prefect server did not start:\n{tail}", mend=f"run without --prefect, or see {log}")


def running_server(home: Path) -> tuple[str, int] | None:
    """URL and process id of the server that an earlier run left over `home`; None when none answers."""
    try:
        url, pid = (home / "server.url").read_text().split()
    except (OSError, ValueError):
        return None
    return (url, int(pid)) if _answers(url) else None


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
