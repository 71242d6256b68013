"""Who watches a run, where its stages work in other processes: what happens there is told here, by lines over TCP.

One listener per process that runs flows; a run's token names its observers. A line that cannot be sent is dropped:
watching never stops work.
"""

from __future__ import annotations

import json
import logging
import secrets
import socket
import threading
import time
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from dub.stage_call import ErrorLine
from tasks.policy import Observer

MAX_LINE_BYTES = 1 << 20
PROGRESS_EVERY_S = 0.5
TIMEOUT_S = 5.0

logger = logging.getLogger("dub")


class RelayAddress(NamedTuple):
    """Where a run's observers hear. What a task run is sent."""

    host: str
    port: int
    token: str


def relay_to(observers: tuple[Observer, ...], cluster: str) -> RelayAddress | None:
    """Open an ear for a run; None where nobody watches. `cluster`: the address of the cluster that the stages work on,
    "" for one on this machine."""
    if not observers:
        return None
    host = _host_towards(cluster) if cluster else "127.0.0.1"
    return RelayAddress(host, *_listener("0.0.0.0" if cluster else "127.0.0.1").admit(observers))


class Teller(Observer):
    """The observer in the process that works."""

    def __init__(self, address: RelayAddress) -> None:
        self._address = address
        self._told_at: dict[str, float] = {}

    def submitted(self, label: str) -> None:
        self._tell("submitted", label)

    def ready(self, label: str) -> None:
        self._tell("ready", label)

    def started(self, label: str) -> None:
        self._tell("started", label)

    def progressed(self, label: str, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._told_at.get(label, 0.0) >= PROGRESS_EVERY_S:
            self._told_at[label] = now
            self._tell("progressed", label, done, total)

    def finished(self, label: str, is_cached: bool, seconds: float) -> None:
        self._tell("finished", label, is_cached, seconds)

    def failed(self, label: str, error: BaseException) -> None:
        self._tell("failed", label, ErrorLine.of(error).model_dump())

    def _tell(self, event: str, label: str, *facts: Any) -> None:
        _line(self._address).send(json.dumps([self._address.token, event, label, *facts]).encode() + b"\n")


class _Line:
    """This process's connection to a listener; one that fails is given up."""

    def __init__(self, address: RelayAddress) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        try:
            self._socket = socket.create_connection((address.host, address.port), TIMEOUT_S)
        except OSError as error:
            logger.warning("the run's observers at %s cannot be reached: %s", address.host, error)

    def send(self, line: bytes) -> None:
        with self._lock:
            if self._socket is None:
                return
            try:
                self._socket.sendall(line)
            except OSError:
                self._socket.close()
                self._socket = None


@lru_cache(maxsize=64)
def _line(address: RelayAddress) -> _Line:
    return _Line(address)


class _Listener:
    def __init__(self, host: str) -> None:
        self._observers: dict[str, tuple[Observer, ...]] = {}
        self._door = socket.create_server((host, 0))
        self._port = int(self._door.getsockname()[1])
        threading.Thread(target=self._welcome, daemon=True, name="relay").start()

    def admit(self, observers: tuple[Observer, ...]) -> tuple[int, str]:
        """Port, and the token of these observers."""
        for token, known in self._observers.items():
            if known is observers:
                return self._port, token
        token = secrets.token_hex(16)
        self._observers[token] = observers
        return self._port, token

    def _welcome(self) -> None:
        while True:
            caller, _ = self._door.accept()
            threading.Thread(target=self._hear, args=(caller,), daemon=True, name="relay").start()

    def _hear(self, caller: socket.socket) -> None:
        with caller, caller.makefile("rb") as lines:
            while (line := lines.readline(MAX_LINE_BYTES)).endswith(b"\n"):
                try:
                    if not self._pass_on(json.loads(line)):
                        return
                except ValueError:
                    return

    def _pass_on(self, message: Any) -> bool:
        """False for what no worker of ours says."""
        match message:
            case [str(token), str(event), str(label), *facts] if observers := self._observers.get(token):
                for observer in observers:
                    match event, facts:
                        case (("submitted" | "ready" | "started"), []):
                            getattr(observer, event)(label)
                        case "progressed", [int(done), int(total)]:
                            observer.progressed(label, done, total)
                        case "finished", [bool(is_cached), (int() | float()) as seconds]:
                            observer.finished(label, is_cached, seconds)
                        case "failed", [dict(error)]:
                            observer.failed(label, ErrorLine.model_validate(error).error())
                        case _:
                            return False
                return True
        return False


@lru_cache(maxsize=2)
def _listener(host: str) -> _Listener:
    return _Listener(host)


def _host_towards(cluster: str) -> str:
    """Our address as seen from there."""
    where = urlsplit(cluster)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((where.hostname or "127.0.0.1", where.port or 1))  # sends nothing
        return str(probe.getsockname()[0])
