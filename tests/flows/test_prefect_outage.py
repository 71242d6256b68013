"""The watcher while Prefect's server is killed and comes back: nothing is lost, nothing is dead, nothing runs twice."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from dub.location import S3Url
from flows.prefect_api import PrefectApi
from flows.prefect_server import running_server, start_server
from flows.watch_bucket import QueueWatcher
from tests.flows.test_crashes import own_server  # noqa: F401  (fixture)
from tests.flows.watching import Watched, make_deployment, running, wait_until
from tests.sqs import Queue


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_server_killed_mid_way(own_server: Path, bucket: S3Url, queue: Queue, tmp_path: Path) -> None:  # noqa: F811
    url, pid = running_server(own_server) or ("", 0)
    with PrefectApi() as api:
        assert api.url == url
        watched = Watched(bucket, make_deployment(url), api, tmp_path / "watch.toml", max_active_runs=100)
        bodies = [watched.put(f"talk{number}.mp4") for number in range(12)]
        queue.send(bodies[:4])
        with running(lambda stop: QueueWatcher(queue.url, watched.settings, api, stop).run()):
            wait_until(lambda: len(watched.runs()) == 4 and queue.n_messages() == 0)
            os.killpg(pid, signal.SIGKILL)
            queue.send(bodies)
            time.sleep(10)  # five times the visibility: two receipts each would be the end of them all
            assert queue.n_dead() == 0
            assert queue.n_messages() == 12
            start_server(own_server, port=int(url.rpartition(":")[2].partition("/")[0]))
            wait_until(lambda: queue.n_messages() == 0, timeout_s=120)
        assert queue.n_dead() == 0
        assert len(watched.runs()) == 12
