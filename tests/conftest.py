"""Fixtures that every room's tests share."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command line does; read when numpy loads

import pytest
from hypothesis import settings

from dub.location import S3Url
from dub.stage import Desk
from tests.faulty_s3 import FaultyS3, faulty
from tests.seaweed import Seaweed, seaweed_environment
from tests.sqs import Queue, SqsServer

# The same examples every time, so that a change is judged by what it changes; others: HYPOTHESIS_PROFILE=default.
settings.register_profile("repeatable", derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

SHARED_MEDIA = Path(__file__).resolve().parents[2] / "shared" / "media"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk over an empty store of its own."""
    return Desk(store=str(tmp_path / "store"))


@pytest.fixture(scope="session")
def shared_media() -> Path:
    """The development clips; only tests marked `media` ask for them (make test-media)."""
    folder = Path(os.environ.get("POLYDUB_TEST_MEDIA", SHARED_MEDIA))
    if not folder.is_dir():
        pytest.fail(f"tests marked `media` need the development clips in {folder} (POLYDUB_TEST_MEDIA)")
    return folder


@pytest.fixture(scope="session")
def sample_video() -> Path:
    """The talking video that polydub ships."""
    return Path(__file__).resolve().parents[1] / "samples" / "hello.mp4"


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One real Prefect server for the test run, over a database of its own; yields its API URL."""
    from flows.prefect_server import local_server, start_server

    home = tmp_path_factory.mktemp("prefect")
    before = dict(os.environ)
    os.environ["PREFECT_HOME"] = str(home)
    os.environ["PREFECT_API_URL"] = start_server(home)
    with local_server() as url:
        yield url
    os.killpg(int((home / "server.url").read_text().split()[1]), signal.SIGKILL)
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seaweed]:
    """One real S3 server for the test run."""
    server = Seaweed(tmp_path_factory.mktemp("seaweed"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def bucket(s3_server: Seaweed) -> Iterator[S3Url]:
    """An empty bucket on it; boto3 in this process speaks to that server."""
    with seaweed_environment(s3_server.environment()):
        yield s3_server.new_bucket()


@pytest.fixture
def faulty_s3(s3_server: Seaweed) -> Iterator[FaultyS3]:
    """A proxy in front of that server which fails on demand; boto3 in this process speaks to it, and tries twice."""
    with faulty(s3_server.url) as proxy:
        variables = s3_server.environment() | {"AWS_ENDPOINT_URL_S3": proxy.url, "AWS_MAX_ATTEMPTS": "2"}
        with seaweed_environment(variables):
            yield proxy


@pytest.fixture(scope="session")
def sqs_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqsServer]:
    """One SQS server for the test run."""
    server = SqsServer(tmp_path_factory.mktemp("sqs"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def queue(sqs_server: SqsServer, bucket: S3Url, monkeypatch: pytest.MonkeyPatch) -> Queue:
    """An empty queue: a message is seen again after 2 s, and is dead after two receipts that came to nothing."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", sqs_server.url)
    return Queue.make(visibility_s=2, max_receives=2)
