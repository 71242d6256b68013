"""The webhook: what it refuses, what it answers, and a real SeaweedFS that posts to it."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from starlette.testclient import TestClient

from dub.errors import BadInput
from flows.listen_for_uploads import TOKEN, webhook
from flows.prefect_api import PrefectApi
from flows.uploads import MAX_BODY_BYTES
from tests.flows.watching import ROOT, Watched, make_deployment, wait_until, watched  # noqa: F401  (fixture)
from tests.seaweed import Seaweed, seaweed_environment

SECRET = "a-token-that-nobody-guesses"
BEARER = {"Authorization": f"Bearer {SECRET}"}
NOTIFICATION = """
[notification.webhook]
enabled = true
endpoint = "http://127.0.0.1:{port}/events"
bearer_token = "{token}"
max_retries = 10
backoff_seconds = 1
max_backoff_seconds = 5
event_types = ["create", "update", "rename"]
path_prefixes = ["/buckets/"]
"""


@pytest.fixture
def hook(watched: Watched) -> Iterator[TestClient]:  # noqa: F811
    with TestClient(webhook(watched.settings, watched.api, SECRET)) as client:
        yield client


def test_200_once_the_run_is_there(hook: TestClient, watched: Watched) -> None:  # noqa: F811
    body = watched.put("talk.mp4")
    answer = hook.post("/events", content=body, headers=BEARER)
    assert answer.status_code == 200
    [run] = watched.runs()
    source = f"{watched.bucket}/in/talk.mp4"
    assert answer.json() == {"uploads": [{"url": source, "led_to": "started", "run": run["id"]}]}
    with ThreadPoolExecutor(5) as pool:
        answers = pool.map(lambda _: hook.post("/events", content=body, headers=BEARER), range(5))
    assert [each.json()["uploads"][0]["led_to"] for each in answers] == ["known"] * 5
    assert len(watched.runs()) == 1
    assert hook.get("/health").json() == {"active_runs": 1}


def test_what_it_refuses(hook: TestClient, watched: Watched) -> None:  # noqa: F811
    body = watched.put("talk.mp4")
    for headers in ({}, {"Authorization": SECRET}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer "}):
        assert hook.post("/events", content=body, headers=headers).status_code == 401
    assert hook.post("/events", content=b" " * (MAX_BODY_BYTES + 1), headers=BEARER).status_code == 413
    nonsense = hook.post("/events", content="hello", headers=BEARER)
    assert (nonsense.status_code, "not JSON" in nonsense.json()["error"]) == (400, True)
    assert hook.get("/events", headers=BEARER).status_code == 405
    for path in ("/", "/docs", "/openapi.json", "/events/x"):
        assert hook.get(path, headers=BEARER).status_code == 404
    assert watched.runs() == []


def test_503_where_prefect_does_not_answer(watched: Watched) -> None:  # noqa: F811
    body = watched.put("talk.mp4")
    with PrefectApi() as api, TestClient(webhook(watched.settings, api, SECRET)) as hook:
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))  # and does not listen
            api._client.base_url = httpx.URL(f"http://127.0.0.1:{nobody.getsockname()[1]}/api")
            answer = hook.post("/events", content=body, headers=BEARER)
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
            assert hook.get("/health").status_code == 503
        assert watched.runs() == []
        api._client.base_url = httpx.URL(str(api.url))
        assert hook.post("/events", content=body, headers=BEARER).status_code == 200
    assert len(watched.runs()) == 1


@pytest.mark.parametrize("token", ["", "short"])
def test_no_token_no_webhook(watched: Watched, token: str) -> None:  # noqa: F811
    with pytest.raises(BadInput, match=TOKEN):
        webhook(watched.settings, watched.api, token)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_real_seaweedfs_posts_to_it(prefect_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    server = Seaweed(tmp_path / "seaweed")
    (server.folder / "notification.toml").write_text(NOTIFICATION.format(port=port, token=SECRET))
    monkeypatch.setenv(TOKEN, SECRET)
    server.start()
    try:
        with seaweed_environment(server.environment()), PrefectApi() as api:
            here = Watched(server.new_bucket(), make_deployment(prefect_server), api, tmp_path / "watch.toml")
            command = ["watch", "--listen", f"127.0.0.1:{port}", "--config", str(here.write_config())]
            listener = subprocess.Popen([sys.executable, "-m", "flows.cli", *command], cwd=ROOT)
            try:
                wait_until(lambda: _is_healthy(port), timeout_s=120)
                here.put("acme/My talk ä+b.mp4", b"x" * 100)
                here.put("big.mp4", b"x" * 9_000_000)
                wait_until(lambda: len(here.runs()) == 2, timeout_s=120)
                here.put("big.polydub.toml", b'targets = ["fr"]')
                wait_until(lambda: len(here.runs()) == 3, timeout_s=120)
                listener.terminate()
                assert listener.wait(60) == 0
            finally:
                listener.kill()
            jobs = {(job["source"], *job["targets"]) for job in here.jobs()}
            told = f"{here.bucket}/in"
            assert jobs == {
                (f"{told}/acme/My talk ä+b.mp4", "es"), (f"{told}/big.mp4", "es"), (f"{told}/big.mp4", "fr"),
            }  # fmt: skip
    finally:
        server.kill()


def _is_healthy(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False
