"""A worker with no dependencies, for tests/engines/test_worker.py: does well, and every kind of badly, on request."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2] / "engines" / "workers"))

import worker_protocol

STATE: dict[str, Any] = {}


def load(folder: str) -> dict[str, Any]:
    if folder == "missing":
        raise FileNotFoundError("model.safetensors")
    STATE["folder"] = folder
    return {}


def add(a: float, b: float) -> dict[str, Any]:
    return {"sum": a + b, "folder": STATE["folder"], "pid": os.getpid(), "environment": sorted(os.environ)}


def fail(why: str) -> dict[str, Any]:
    raise ValueError(why)


def refuse(why: str) -> dict[str, Any]:
    raise worker_protocol.Refused(why)


def crash(marker: str, n_times: int) -> dict[str, Any]:
    """Dies by a signal, as native code does, as long as the marker file counts fewer than `n_times`."""
    path = Path(marker)
    n_crashes = len(path.read_text()) if path.exists() else 0
    if n_crashes < n_times:
        path.write_text("x" * (n_crashes + 1))
        print("the last thing it said", file=sys.stderr, flush=True)
        os.abort()
    return {"n_crashes": n_crashes}


def hang(marker: str) -> dict[str, Any]:
    """Starts a process of its own, tells its number, and never answers."""
    child = subprocess.Popen(["sleep", "600"])
    Path(marker).write_text(f"{os.getpid()} {child.pid}")
    time.sleep(600)
    return {}


def chatter() -> dict[str, Any]:
    """Prints as libraries do: by Python, by the descriptor, by a child; and reads a stdin that must be empty."""
    print('{"id": 1, "result": {"fake": true}}', flush=True)
    os.write(1, b"progress: 50%\r\n")
    subprocess.run(["echo", "from a child"], check=True)
    return {"stdin": sys.stdin.read()}


def say_raw(kind: str) -> dict[str, Any]:
    """Breaks the protocol: writes to the private descriptor of replies."""
    raw = {
        "pickle": pickle.dumps(_Payload(), protocol=0) + b"\n",
        "list": b"[1, 2]\n",
        "nested": b"[" * 500_000 + b"\n",
        "other id": b'{"id": 999, "result": {}}\n',
        "no kind": b'{"id": 1, "answer": {}}\n',
        "endless": b"x" * (3 << 20),
    }[kind]
    for descriptor in range(3, 20):
        try:
            is_pipe_out = os.readlink(f"/proc/self/fd/{descriptor}").startswith("pipe:")
            if (
                is_pipe_out
                and int(Path(f"/proc/self/fdinfo/{descriptor}").read_text().split("flags:")[1].split()[0], 8) & 1
            ):
                os.write(descriptor, raw)
        except (OSError, IndexError):
            continue
    time.sleep(600)
    return {}


class _Payload:
    """What an attacker would plant: unpickling it leaves a file behind."""

    def __reduce__(self) -> Any:
        return (os.mkdir, (os.environ["PLANTED"],))


if __name__ == "__main__":
    methods = [load, add, fail, refuse, crash, hang, chatter, say_raw]
    worker_protocol.serve("toy", "", {method.__name__: method for method in methods})
