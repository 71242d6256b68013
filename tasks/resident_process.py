"""The resident engine process of one GPU: it keeps its models loaded and works for one caller at a time.

Started by tasks/resident.py, which see. It is bound to its GPU by CUDA_VISIBLE_DEVICES, listens on a Unix socket, and
does whole stages: a name from an allow-list and JSON in, lines of progress and then a record or an error out. It ends
by itself when nobody called for a while, after a number of jobs (libraries leak), and at once when its caller is gone:
no work goes on for nobody.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import select
import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dub import progress
from dub.errors import BadInput
from dub.stage_call import ErrorLine, read_arguments
from tasks.gpu_slots import file_stem
from tasks.gpu_stages import gpu_stage

PROTOCOL = 1
MAX_LINE_BYTES = 1 << 28
IDLE_S = 600.0
"""Seconds without a caller after which it gives the GPU's memory back; $POLYDUB_GPU_IDLE_S."""

MAX_JOBS = 200
"""$POLYDUB_GPU_JOBS."""

REQUEST_S = 30.0
PROGRESS_EVERY_S = 0.2

log = logging.getLogger("dub.resident")


def serve(folder: Path, device: str, identity: str) -> None:
    """Answer callers until idle or worn. `identity`: what code and environment this process was started with."""
    idle_s = float(os.environ.get("POLYDUB_GPU_IDLE_S", IDLE_S))
    max_jobs = int(os.environ.get("POLYDUB_GPU_JOBS", MAX_JOBS))
    path = folder / f"{file_stem(device)}.socket"
    with (folder / f"{file_stem(device)}.alive").open("a+") as alive, socket.socket(socket.AF_UNIX) as door:
        fcntl.flock(alive, fcntl.LOCK_EX)  # no two on one GPU
        path.unlink(missing_ok=True)
        door.bind(str(path))
        door.listen(8)
        _leave_starter()
        alive.truncate(0)
        alive.write(f"{os.getpid()}\n")
        alive.flush()
        door.settimeout(idle_s)
        hello = {"hello": {"protocol": PROTOCOL, "identity": identity}}
        n_jobs = 0
        while n_jobs < max_jobs:
            try:
                caller, _ = door.accept()
            except TimeoutError:
                return
            with caller:
                request = _request(caller, hello)
                if request is None:
                    continue
                n_jobs += 1
                reply = _work_for(caller, request)
                if n_jobs == max_jobs:  # who comes now must find the door shut
                    door.close()
                _say(caller, reply)


def _request(caller: socket.socket, hello: dict[str, Any]) -> dict[str, Any] | None:
    """What the caller asks; None for a stranger, or one who only looked in."""
    (_, uid, _) = struct.unpack("3i", caller.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    if uid != os.getuid():
        return None
    caller.settimeout(REQUEST_S)
    try:
        _say(caller, hello)
        line = caller.makefile("rb").readline(MAX_LINE_BYTES)
        request = json.loads(line) if line.endswith(b"\n") else None
    except (OSError, ValueError):
        return None
    caller.settimeout(None)
    return request if isinstance(request, dict) else None


def _work_for(caller: socket.socket, request: dict[str, Any]) -> dict[str, Any]:
    said_at, lock = 0.0, threading.Lock()

    def tell(done: int, total: int) -> None:
        nonlocal said_at
        with lock:  # stages report from many threads
            now = time.monotonic()
            if now - said_at >= PROGRESS_EVERY_S:
                said_at = now
                _say(caller, {"progress": [done, total]})

    with _aborted_when_gone(caller):
        try:
            stage = gpu_stage(str(request.get("stage")))
            os.chdir(request["folder"])  # where the engines' file options are looked for
            arguments = read_arguments(stage, request["arguments"])
            progress.listen(tell)
            outcome = stage.outcome(*arguments)
        except Exception as error:
            log.info("%s: %s", request.get("stage"), type(error).__name__)
            return {"error": ErrorLine.of(error).model_dump()}
        finally:
            progress.listen(None)
    result = outcome.result.model_dump(mode="json")
    return {"outcome": {"result": result, "is_cached": outcome.is_cached, "seconds": outcome.seconds}}


def _say(caller: socket.socket, message: dict[str, Any]) -> None:
    with contextlib.suppress(OSError):  # a caller that is gone is the watcher's affair
        caller.sendall(json.dumps(message).encode() + b"\n")


@contextlib.contextmanager
def _aborted_when_gone(caller: socket.socket) -> Iterator[None]:
    """A stage cannot be stopped from outside: when its caller goes, this process ends with all that it started."""
    done = os.eventfd(0)

    def watch() -> None:
        poll = select.poll()
        poll.register(caller, select.POLLRDHUP)
        poll.register(done, select.POLLIN)
        if done not in (descriptor for descriptor, _ in poll.poll()):
            log.warning("the caller is gone: its job is aborted")
            _end_at_once()

    watcher = threading.Thread(target=watch, daemon=True, name="caller")
    watcher.start()
    try:
        yield
    finally:
        os.eventfd_write(done, 1)
        watcher.join()
        os.close(done)


def _end_at_once() -> None:
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


def _leave_starter() -> None:
    """Go on as nobody's child, in a session of our own: Ray ends the children of its workers with them. Whoever started
    us sees us end with 0, and knows that the door is open. The lock goes along."""
    if os.fork():
        os._exit(0)
    os.setsid()


def main() -> None:
    if len(sys.argv) != 4:
        raise BadInput("usage: python -m tasks.resident_process FOLDER DEVICE IDENTITY")
    os.umask(0o077)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    serve(Path(sys.argv[1]), sys.argv[2], sys.argv[3])


if __name__ == "__main__":
    main()
