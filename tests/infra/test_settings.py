"""Settings of servers and workers: infra/settings and flows/prefect_server.py tell the same, and Prefect knows them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from flows.prefect_server import CLIENT_SETTINGS, SERVER_SETTINGS
from tests.infra import INFRA

# What a standing one has and a laptop's has not, each for the reason that the file gives.
STANDING_SERVER = {
    "PREFECT_SERVER_TASKS_TAG_CONCURRENCY_SLOT_WAIT_SECONDS", "PREFECT_SERVER_DATABASE_SQLALCHEMY_POOL_SIZE",
    "PREFECT_SERVER_DATABASE_TIMEOUT", "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD",
}  # fmt: skip
STANDING_WORKER = {
    "PREFECT_LOGGING_LEVEL", "PREFECT_FLOWS_HEARTBEAT_FREQUENCY", "PREFECT_EVENTS_WORKER_MAX_QUEUE_SIZE",
    "OPENBLAS_NUM_THREADS",
}  # fmt: skip
LAPTOP_CLIENT = {"PREFECT_LOGGING_LEVEL", "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED"}
"""Quiet on a terminal; and the server that a laptop started is of its own version."""


def settings(name: str) -> dict[str, str]:
    lines = (INFRA / "settings" / f"{name}.env").read_text("utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def test_the_server_of_a_laptop_and_a_standing_one_differ_only_where_meant() -> None:
    standing = settings("server")
    assert {name: value for name, value in standing.items() if name not in STANDING_SERVER} == SERVER_SETTINGS
    assert set(standing) >= STANDING_SERVER


def test_clients_and_workers_differ_only_where_meant() -> None:
    standing = settings("worker")
    laptop = {name: value for name, value in CLIENT_SETTINGS.items() if name not in LAPTOP_CLIENT}
    assert {name: value for name, value in standing.items() if name not in STANDING_WORKER} == laptop


@pytest.mark.parametrize("name", ["server", "worker"])
def test_prefect_knows_every_setting_and_takes_every_value(name: str) -> None:
    """A misspelt variable would be ignored in silence."""
    ours = {key: value for key, value in settings(name).items() if key.startswith("PREFECT_")}
    code = (
        "import os\n"
        "from prefect.settings import get_current_settings\n"
        "known = get_current_settings().to_environment_variables(exclude_unset=True)\n"
        "print('\\n'.join(sorted(known)))"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], env={"PATH": "/usr/bin:/bin", "HOME": "/nowhere", **ours},
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert set(ours) <= set(told.stdout.split()), told.stderr
