"""What the tests of the watcher share: a bucket that is watched, and a deployment of their own on the real server."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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

    @property
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
        while page := httpx.post(
            f"{self.api.url}/flow_runs/filter", json=asked | {"offset": len(runs), "limit": 200}, timeout=60
        ).json():  # fmt: skip
            runs += page
        return runs

    def jobs(self) -> list[dict[str, Any]]:
        return [run["parameters"]["job"] for run in self.runs()]

    def runs_active(self) -> list[str]:
        asked = {
            "deployments": {"id": {"any_": [self.deployment_id]}},
            "flow_runs": {"state": {"type": {"any_": ["SCHEDULED", "PENDING", "RUNNING"]}}},
        }
        told = httpx.post(f"{self.api.url}/flow_runs/filter", json=asked, timeout=60).json()
        return [run["id"] for run in told]

    def finish(self, run_id: str) -> None:
        """As a worker that did its work in no time."""
        asked = {"state": {"type": "COMPLETED", "name": "Completed"}, "force": True}
        httpx.post(f"{self.api.url}/flow_runs/{run_id}/set_state", json=asked, timeout=60).raise_for_status()

    def names(self, prefix: str) -> set[str]:
        return {stored.url.key for stored in Bucket(self.bucket.bucket).list(prefix)}


def make_deployment(api_url: str) -> str:
    """A deployment of the flow that no worker polls: `prefect flow-run execute` runs what it is told to."""
    name = f"test-{uuid4().hex[:8]}"
    with httpx.Client(base_url=api_url, timeout=60) as client:
        flow = client.post("/flows/", json={"name": "dub-title"}).raise_for_status().json()
        client.post(
            "/deployments/",
            json={
                "name": name, "flow_id": flow["id"], "entrypoint": "flows.deployed.dub_title_flow",
                "pull_steps": [{"prefect.deployments.steps.set_working_directory": {"directory": str(ROOT)}}],
            },
        ).raise_for_status()  # fmt: skip
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
    if failed:
        raise failed[0]


def wait_until(is_so: Callable[[], object], timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < deadline, "it has not come about in time"
        time.sleep(0.1)
