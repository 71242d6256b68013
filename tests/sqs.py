"""SQS for tests: moto's, as a server process of its own on loopback. Amazon's own is nowhere at hand."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

STARTUP_TIMEOUT_S = 60.0


class SqsServer:
    def __init__(self, folder: Path) -> None:
        self.log = folder / "moto.log"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        deadline = time.monotonic() + STARTUP_TIMEOUT_S
        while True:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.url}/moto-api/", timeout=2):
                return
            if self._child.poll() is not None or time.monotonic() > deadline:
                pytest.fail("moto's server did not start: pip install '.[test]'\n" + self.log.read_text()[-2000:])
            time.sleep(0.2)

    def kill(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.wait()


@dataclass(frozen=True)
class Queue:
    """A queue with its dead-letter queue. boto3 in this process must speak to the server (`AWS_ENDPOINT_URL_SQS`)."""

    client: Any
    url: str
    dead_url: str

    @classmethod
    def make(cls, visibility_s: int, max_receives: int) -> Queue:
        import boto3

        client = boto3.Session().client("sqs", region_name=os.environ["AWS_REGION"])
        name = uuid4().hex
        dead = client.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
        arn = client.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": str(max_receives)})
        attributes = {"VisibilityTimeout": str(visibility_s), "RedrivePolicy": redrive}
        return cls(client, client.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"], dead)

    def send(self, bodies: Iterable[str]) -> None:
        left = list(bodies)
        while left:
            batch, left = left[:10], left[10:]
            entries = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(batch)]
            self.client.send_message_batch(QueueUrl=self.url, Entries=entries)

    def n_messages(self) -> int:
        """Visible or held."""
        return _n(self.client, self.url, "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")

    def n_visible(self) -> int:
        return _n(self.client, self.url, "ApproximateNumberOfMessages")

    def n_dead(self) -> int:
        return _n(self.client, self.dead_url, "ApproximateNumberOfMessages")


def _n(client: Any, url: str, *names: str) -> int:
    told = client.get_queue_attributes(QueueUrl=url, AttributeNames=list(names))["Attributes"]
    return sum(int(told[name]) for name in names)
