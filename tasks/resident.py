"""Stages on a GPU: handed to the one process of that GPU which keeps its models loaded (tasks/resident_process.py).

It is started by the first who holds the GPU's slot and outlives the run. Whoever holds the slot may speak to it,
start it, and end it where it is of another time: other code, other settings. Only records, names and artifacts cross,
as JSON.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dub import progress
from dub.errors import EngineFailed, EngineUnavailable, ToolTimedOut
from dub.stage import Outcome, Stage
from dub.stage_call import ErrorLine, write_arguments
from tasks.gpu_slots import file_stem
from tasks.resident_process import MAX_LINE_BYTES, PROTOCOL
from tasks.runtime_folder import runtime_folder

DEADLINE_S = 3600.0
"""Seconds for one stage; $POLYDUB_GPU_DEADLINE_S."""

START_S = 120.0
HELLO_S = 10.0
GRACE_S = 5.0
"""For a former process to go by itself."""

log = logging.getLogger("dub.resident")

_ROOT = Path(__file__).resolve().parents[1]
_PASSED_ON = ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE", "NO_PROXY", "HTTPS_PROXY", "no_proxy", "https_proxy", "XDG_CACHE_HOME")  # fmt: skip
_PASSED_ON_PREFIXES = ("LC_", "POLYDUB_", "AWS_", "CUDA_", "NVIDIA_", "HF_")
_OF_THE_RUN = ("POLYDUB_CPU_SLOTS", "POLYDUB_TASK_RUNNER", "POLYDUB_GPUS", "POLYDUB_GPU_DEADLINE_S", "POLYDUB_LOG",
    "POLYDUB_METRICS_DIR")  # fmt: skip
"""What may differ between those who call one process."""


class Died(Exception):
    """The resident process ended, or spoke nonsense, before it gave the outcome."""


def work_on_gpu(stage: Stage[Any, Any], arguments: tuple[Any, ...], device: str) -> Outcome[Any]:
    """Have a stage done by the device's process; the caller holds the device's slot. Progress goes to our listener.

    A process that dies is started again and the stage tried once more, then EngineFailed. Raises what the stage
    raises, ToolTimedOut at the deadline. When we stop waiting, for whatever reason, the job is aborted.
    """
    request = {"stage": stage.name, "folder": os.getcwd(), "arguments": write_arguments(stage, arguments)}
    line = json.dumps(request).encode() + b"\n"
    try:
        return _asked(stage, line, device)
    except Died as death:
        log.warning("the process of GPU %s %s; it is started again", device, death)
    try:
        return _asked(stage, line, device)
    except Died as death:
        raise EngineFailed(f"{stage.name} on GPU {device}: its process {death}, twice{_log_tail(device)}") from None


def _asked(stage: Stage[Any, Any], line: bytes, device: str) -> Outcome[Any]:
    deadline_s = float(os.environ.get("POLYDUB_GPU_DEADLINE_S", DEADLINE_S))
    end = time.monotonic() + deadline_s
    with _caller(device) as resident, resident.makefile("rb") as replies:
        try:
            resident.settimeout(deadline_s)
            resident.sendall(line)
            while True:
                resident.settimeout(max(0.001, end - time.monotonic()))
                message = _message(replies.readline(MAX_LINE_BYTES))
                match message:
                    case {"progress": [int(done), int(total)]}:
                        progress.report(done, total)
                    case {"error": dict(error)}:
                        raise ErrorLine.model_validate(error).error()
                    case {"outcome": {"result": result, "is_cached": bool(is_cached), "seconds": float(seconds)}}:
                        return Outcome(stage.read_result(result), is_cached, seconds)
                    case _:
                        raise Died("says what is not of the protocol")
        except TimeoutError:
            raise ToolTimedOut(f"{stage.name} on GPU {device} did not end within {deadline_s:.0f} s") from None
        except ValidationError as error:
            raise EngineFailed(f"{stage.name} on GPU {device} gave what is no {stage.name}: {error}") from error
        except OSError as error:
            raise Died(f"was lost ({error.strerror})") from None


def _message(line: bytes) -> Any:
    if not line.endswith(b"\n"):
        raise Died("died at work")
    try:
        return json.loads(line)
    except ValueError:
        raise Died("says what is no JSON") from None


def _caller(device: str) -> socket.socket:
    """A line to the device's process, which is started where there is none, or one of another time."""
    folder, identity = runtime_folder(), _identity(device)
    path = folder / f"{file_stem(device)}.socket"
    if (resident := _greeted(path, identity)) is not None:
        return resident
    _end_former(folder / f"{file_stem(device)}.alive")
    path.unlink(missing_ok=True)
    _start(folder, device, identity)
    if (resident := _greeted(path, identity)) is not None:
        return resident
    raise EngineFailed(f"the process of GPU {device} does not start{_log_tail(device)}")


def _greeted(path: Path, identity: str) -> socket.socket | None:
    """A line to a process that lives and is of our time, or None."""
    resident = socket.socket(socket.AF_UNIX)
    resident.settimeout(HELLO_S)
    try:
        resident.connect(str(path))
        said = b""
        while not said.endswith(b"\n") and len(said) < 1000 and (byte := resident.recv(1)):
            said += byte
        if said.endswith(b"\n") and json.loads(said) == {"hello": {"protocol": PROTOCOL, "identity": identity}}:
            return resident
    except (OSError, ValueError):
        pass
    resident.close()
    return None


def _end_former(alive: Path) -> None:
    """No two processes on one GPU: end a former one and wait until it is gone. We hold the slot: it has no work."""
    with alive.open("a+") as file:
        end = time.monotonic() + GRACE_S
        while time.monotonic() < end:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            file.seek(0)
            number = file.read().strip()
            if number.isdecimal() and _is_resident(int(number)):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(int(number), signal.SIGKILL)
            time.sleep(0.02)
    raise EngineUnavailable(f"another process holds {alive} and cannot be ended", mend="end it by hand")


def _is_resident(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return b"tasks.resident_process" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def _start(folder: Path, device: str, identity: str) -> None:
    """Returns when the process listens; it is nobody's child then. Raises EngineFailed."""
    command = [sys.executable, "-m", "tasks.resident_process", str(folder), device, identity]
    with (folder / f"{file_stem(device)}.log").open("wb") as output:
        starter = subprocess.Popen(
            command, env=_environment(device), cwd="/", start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip
        try:
            code: int | None = starter.wait(START_S)
        except BaseException as error:
            starter.kill()
            starter.wait()
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            code = None
    if code != 0:
        raise EngineFailed(f"the process of GPU {device} does not start{_log_tail(device)}")


def _environment(device: str) -> dict[str, str]:
    """What the process is told of ours: the store's credentials and the engines' settings, nothing of Prefect's."""
    passed_on = {
        name: value for name, value in os.environ.items() if name in _PASSED_ON or name.startswith(_PASSED_ON_PREFIXES)
    }
    fixed = {"CUDA_VISIBLE_DEVICES": device, "CUDA_DEVICE_ORDER": "PCI_BUS_ID", "PYTHONPATH": str(_ROOT)}
    return passed_on | fixed


def _identity(device: str) -> str:
    """Digest of the code and the environment: a process of another identity is not ours to use."""
    facts = [sys.executable, _code(), *sorted(f"{name}={value}" for name, value in _environment(device).items())]
    return hashlib.sha256("\0".join(facts).encode()).hexdigest()[:32]


@lru_cache(maxsize=1)
def _code() -> str:
    files = sorted(path for room in ("lang", "dub", "engines", "tasks") for path in (_ROOT / room).rglob("*.py"))
    facts = [f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in files]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()


def _log_tail(device: str) -> str:
    with contextlib.suppress(OSError):
        path = runtime_folder() / f"{file_stem(device)}.log"
        lines = path.read_text(errors="replace").splitlines()[-20:]
        return "".join(f"\n    {line}" for line in lines)
    return ""
