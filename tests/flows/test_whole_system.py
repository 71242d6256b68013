"""Everything at once, all of it real: an upload to SeaweedFS, which posts it to our webhook; a Prefect server on
PostgreSQL; two process workers that share nothing but the bucket; the dubs back in the bucket.

With POLYDUB_REHEARSE=video.mp4 the titles are that video in the embedded profile instead of a toy's four seconds:
`pytest -s tests/flows/test_whole_system.py`, some minutes on a laptop.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from dub.bucket import Bucket
from dub.location import S3Url
from flows.prefect_server import start_server
from tests.flows.test_dub_title import TOY, script, talk  # noqa: F401  (fixtures)
from tests.flows.test_uploads import s3_event
from tests.flows.workers import deploy, wait_for, worker
from tests.postgres import postgres
from tests.seaweed import Seaweed, free_ports, seaweed_environment

TOKEN = "a-token-of-the-test-0123456789"
REHEARSED = os.environ.get("POLYDUB_REHEARSE", "")
TIMEOUT_S = 3000 if REHEARSED else 200


@dataclass
class System:
    """`webhook`: its URL; `api`: Prefect's."""

    bucket: S3Url
    webhook: str
    api: str

    def upload(self, name: str, content: Path | bytes) -> None:
        place = self.bucket / "in" / name
        if isinstance(content, bytes):
            Bucket(place.bucket).write_bytes(place.key, content)
        else:
            Bucket(place.bucket).upload(content, place.key)

    def names(self, prefix: str) -> set[str]:
        return {stored.url.key for stored in Bucket(self.bucket.bucket).list(prefix)}

    def text(self, key: str) -> str:
        content = Bucket(self.bucket.bucket).read_bytes(key)
        assert content is not None, f"{key} is not there: {sorted(self.names(''))}"
        return content.decode()

    def ask(self, what: str, **asked: Any) -> Any:
        return httpx.post(f"{self.api}/{what}", json=asked, timeout=60).raise_for_status().json()

    def runs(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("flow_runs/filter", sort="EXPECTED_START_TIME_ASC")
        return found

    def ended(self, n: int) -> list[dict[str, Any]]:
        runs = self.runs()
        return runs if len(runs) == n and all(run["state_type"] in ("COMPLETED", "FAILED") for run in runs) else []


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    with ExitStack() as parts:
        home = tmp_path / "prefect"
        home.mkdir()
        [port] = free_ports(1)
        server = Seaweed(tmp_path / "seaweed")
        (tmp_path / "seaweed" / "notification.toml").write_text(
            f'[notification.webhook]\nenabled = true\nendpoint = "http://127.0.0.1:{port}/events"\n'
            f'bearer_token = "{TOKEN}"\nevent_types = ["create", "update", "rename"]\n'
        )
        server.start()
        parts.callback(server.kill)
        parts.enter_context(
            seaweed_environment(
                server.environment()
                | {
                    "PREFECT_SERVER_DATABASE_CONNECTION_URL": parts.enter_context(postgres()),
                    "PREFECT_HOME": str(home),
                    "POLYDUB_WEBHOOK_TOKEN": TOKEN,
                }
            )
        )
        bucket = server.new_bucket()
        os.environ["POLYDUB_STORE"] = str(bucket / "store")
        os.environ["PREFECT_API_URL"] = start_server(home)
        parts.callback(lambda: os.killpg(int((home / "server.url").read_text().split()[1]), signal.SIGKILL))
        deploy()
        for name in ("one", "two"):  # two machines: nothing of their folders is shared
            os.environ["POLYDUB_HOME"] = str(_home_of(tmp_path / name))
            parts.enter_context(worker(tmp_path / f"{name}.log", limit=1))
        parts.enter_context(_watcher(tmp_path, bucket, port))
        yield System(bucket, f"http://127.0.0.1:{port}", os.environ["PREFECT_API_URL"])


def _home_of(folder: Path) -> Path:
    """A machine's own home, whose weights are the ones that are here already."""
    folder.mkdir()
    weights = Path(os.environ.get("POLYDUB_TEST_WEIGHTS", "~/.cache/polydub")).expanduser()
    for place in weights.iterdir() if weights.is_dir() and REHEARSED else ():
        if place.name not in ("store", "inbox", "prefect", "near"):
            (folder / place.name).symlink_to(place)
    return folder


@contextmanager
def _watcher(folder: Path, bucket: S3Url, port: int) -> Iterator[None]:
    config = folder / "watch.toml"
    profile = "embedded" if REHEARSED else TOY
    config.write_text(
        f'[[watch]]\nuploads = "{bucket}/in"\nout = "{bucket}/out"\n[watch.defaults]\nprofile = "{profile}"\n'
    )
    arguments = ["watch", "--listen", f"127.0.0.1:{port}", "--config", str(config)]
    with (folder / "watch.log").open("wb") as log:
        watcher = subprocess.Popen([sys.executable, "-m", "flows.cli", *arguments], stdout=log, stderr=log)
    try:
        health = f"http://127.0.0.1:{port}/health"
        wait_for("the webhook", lambda: watcher.poll() is None and _answers(health), timeout_s=60)
        yield
    finally:
        watcher.terminate()
        watcher.wait(timeout=60)
        print((folder / "watch.log").read_text()[-4000:])


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.slow
@pytest.mark.timeout(TIMEOUT_S + 100)
def test_uploads_become_dubs_reports_and_verdicts_in_the_bucket(
    system: System,
    talk: Path,  # noqa: F811
    script: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    started = time.monotonic()
    video = Path(REHEARSED) if REHEARSED else talk
    other = tmp_path / "other.mp4"
    shutil.copyfile(video, other)
    with other.open("ab") as file:  # other bytes, so that it is another film
        file.write(b"\0\0\0\x08free")
    sidecar = 'targets = ["es"]\nsource_locale = "en"\n'
    if not REHEARSED:
        sidecar += 'scripts = { en = "words.srt" }\n'
        system.upload("words.srt", script)
    for name, path in (("talk", video), ("other", other)):
        system.upload(f"{name}.polydub.toml", sidecar.encode())
        system.upload(f"{name}.mp4", path)
    runs = wait_for("both titles' end", lambda: system.ended(2), timeout_s=TIMEOUT_S)
    assert sorted(run["name"] for run in runs) == ["other into es", "talk into es"]
    for name in ("talk", "other"):
        made = {f"out/{name}/{name}.es{end}" for end in (".mp4", ".srt", ".vtt", ".xlf", ".report.json")}
        assert made | {f"out/{name}/report.html"} <= system.names("out/"), (tmp_path / "one.log").read_text()[-3000:]
        verdict = json.loads(system.text(f"out/{name}/{name}.es.report.json"))["verdict"]
        [run] = [run for run in runs if run["name"].startswith(name)]
        assert (run["state_type"] == "FAILED") == (verdict == "failed"), run["state"]
        table = system.ask("artifacts/filter", artifacts={"flow_run_id": {"any_": [run["id"]]}})
        assert verdict in next(artifact["data"] for artifact in table if artifact["key"] == "verdicts")
    places = {run["infrastructure_pid"].partition(":")[0] for run in runs}
    workers = {path.name for path in (tmp_path / "one", tmp_path / "two") if (path / "inbox").is_dir()}
    assert workers == {"one", "two"}, f"both workers had a title: {places}"

    event = json.dumps(s3_event("in/talk.mp4", bucket=system.bucket.bucket))
    with ThreadPoolExecutor(5) as senders:
        answers = list(senders.map(lambda _: _post(system, event), range(5)))
    assert [answer.status_code for answer in answers] == [200] * 5, [answer.text for answer in answers]
    assert len(system.runs()) == 2, "the same upload told five times more is no new run"
    print(
        f"two titles from upload to report: {time.monotonic() - started:.1f} s, {len(system.names('store/'))} objects"
    )


def _post(system: System, event: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    return httpx.post(f"{system.webhook}/events", content=event, headers=headers, timeout=60)
