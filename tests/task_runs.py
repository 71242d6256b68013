"""The task runs of a flow run, once the server has heard of them all: it is told by events, which come late when the
machine is busy."""

from __future__ import annotations

import os
import time

import httpx

FINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
TIMEOUT_S = 60.0


def task_states(flow_run: object) -> dict[str, str]:
    """State names by task run, when all are final and two looks a second apart agree; after a minute as they are then.

    By the server's own HTTP: Prefect's client knows only the server that it was imported under.
    """
    deadline = time.monotonic() + TIMEOUT_S
    before: dict[str, str] | None = None
    while True:
        runs = _task_runs(flow_run)
        states = {run["name"]: run["state_name"] or "" for run in runs}
        is_settled = states == before and all(run["state_type"] in FINAL for run in runs)
        if (states and is_settled) or time.monotonic() > deadline:
            return states
        before = states
        time.sleep(1)


def _task_runs(flow_run: object) -> list[dict[str, str]]:
    asked = {"flow_runs": {"id": {"any_": [str(flow_run)]}}}
    answer = httpx.post(f"{os.environ['PREFECT_API_URL']}/task_runs/filter", json=asked, timeout=60)
    found: list[dict[str, str]] = answer.raise_for_status().json()
    return found
