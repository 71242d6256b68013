"""What the tests of the watcher share: a bucket that is watched, and a deployment of their own on the real server."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from dub.bucket import Bucket
from dub.location import S3Url
from flows.answer_upload import Answer, Starter, answer_upload
from flows.prefect_api import PrefectApi
from flows.uploads import Upload, read_uploads
from flows.watch_settings import WatchSettings, read_watch_settings
from tests.flows.test_uploads import s3_event

ROOT = Path(__file__).resolve().parents[2]
HTTP = httpx.Client(timeout=60, limits=httpx.Limits(max_keepalive_connections=0))
"""Made once, for it reads certificates for some 30 ms; keeps no connection that a server may close meanwhile."""


@dataclass
class Watched:
    """A bucket whose `in/` is watched, into `out/`, for a deployment that nobody else uses."""

    bucket: S3Url
    deployment: str
    api: PrefectApi
    config: Path
    defaults: str = 'targets = ["es"]'
    max_active_runs: int = 8

    def write_config(self) -> Path:
        self.config.write_text(
            f'deployment = "{self.deployment}"\nmax_active_runs = {self.max_active_runs}\n'
            f'[[watch]]\nuploads = "{self.bucket}/in"\nout = "{self.bucket}/out"\n[watch.defaults]\n{self.defaults}\n'
        )
        return self.config

    @property
    def settings(self) -> WatchSettings:
        return read_watch_settings(self.write_config())

    @cached_property
    def deployment_id(self) -> str:
        return self.api.deployment_id(self.deployment)

    def put(self, name: str, content: bytes = b"a video", tags: str = "") -> str:
        """Upload `in/<name>`; the event's body, as S3 sends it."""
        from dub.bucket import s3_client

        s3_client().put_object(Bucket=self.bucket.bucket, Key=f"in/{name}", Body=content, Tagging=tags)
        return self.event(name)

    def event(self, name: str) -> str:
        from urllib.parse import quote_plus

        return json.dumps(s3_event(quote_plus(f"in/{name}"), bucket=self.bucket.bucket, sequencer=uuid4().hex))

    def answer(self, body: str) -> list[Answer]:
        """As the watcher and the webhook do."""
        starter = Starter(self.api, self.deployment)
        return [each for upload in read_uploads(body) for each in answer_upload(upload, self.settings, starter)]

    def upload(self, name: str) -> Upload:
        return Upload(self.bucket / f"in/{name}")

    def runs(self) -> list[dict[str, Any]]:
        """Every flow run of the deployment, as the server tells it, oldest first."""
        asked = {"deployments": {"id": {"any_": [self.deployment_id]}}, "sort": "EXPECTED_START_TIME_ASC"}
        runs: list[dict[str, Any]] = []
        while page := post(f"{self.api.url}/flow_runs/filter", asked | {"offset": len(runs), "limit": 200}):
            runs += page
        return runs

    def jobs(self) -> list[dict[str, Any]]:
        return [run["parameters"]["job"] for run in self.runs()]

    def runs_active(self) -> list[str]:
        asked = {
            "deployments": {"id": {"any_": [self.deployment_id]}},
            "flow_runs": {"state": {"type": {"any_": ["SCHEDULED", "PENDING", "RUNNING"]}}},
        }
        return [run["id"] for run in post(f"{self.api.url}/flow_runs/filter", asked)]

    def finish(self, run_id: str) -> None:
        """As a worker that did its work in no time."""
        asked = {"state": {"type": "COMPLETED", "name": "Completed"}, "force": True}
        post(f"{self.api.url}/flow_runs/{run_id}/set_state", asked)

    def names(self, prefix: str) -> set[str]:
        return {stored.url.key for stored in Bucket(self.bucket.bucket).list(prefix)}


def post(url: str, body: dict[str, Any]) -> Any:
    """To Prefect's server, which answers 503 while SQLite is busy."""
    for attempt in range(8):
        answer = HTTP.post(url, json=body)
        if answer.status_code != 503:
            break
        time.sleep(0.1 * 2**attempt)
    return answer.raise_for_status().json()


def make_deployment(api_url: str) -> str:
    """A deployment of the flow that no worker polls: `prefect flow-run execute` runs what it is told to."""
    name = f"test-{uuid4().hex[:8]}"
    from prefect.utilities.callables import parameter_schema

    from flows.deployed import dub_title_flow

    flow = post(f"{api_url}/flows/", {"name": "dub-title"})
    deployment = {
        "parameter_openapi_schema": parameter_schema(dub_title_flow).model_dump(), "enforce_parameter_schema": True,
        "name": name, "flow_id": flow["id"], "entrypoint": "flows.deployed.dub_title_flow",
        "pull_steps": [{"prefect.deployments.steps.set_working_directory": {"directory": str(ROOT)}}],
    }  # fmt: skip
    post(f"{api_url}/deployments/", deployment)
    return f"dub-title/{name}"


@pytest.fixture
def watched(prefect_server: str, bucket: S3Url, tmp_path: Path) -> Iterator[Watched]:
    with PrefectApi() as api:
        yield Watched(bucket, make_deployment(prefect_server), api, tmp_path / "watch.toml")


@contextmanager
def running(work: Callable[[threading.Event], object]) -> Iterator[threading.Event]:
    """`work` on a thread, until the block ends; what it raises is raised here."""
    stop, failed = threading.Event(), []

    def guarded() -> None:
        try:
            work(stop)
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=guarded)
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(60)
        assert not thread.is_alive(), "it does not stop"
        if failed:  # more telling than what the block waited for in vain
            raise failed[0]


def wait_until(is_so: Callable[[], object], timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < deadline, "it has not come about in time"
        time.sleep(0.1)


def execute(run_id: str) -> subprocess.Popen[bytes]:
    """A run, at work in a process of its own, as a process worker has it."""
    return subprocess.Popen(
        [sys.executable, "-m", "prefect", "flow-run", "execute", run_id],
        cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
