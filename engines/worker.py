"""Engines whose packages clash with ours: each in a process of its own, spoken to by lines of JSON over pipes.

Nothing is ever unpickled, and sound never goes over the line: it goes by files in the worker's scratch folder. The
other end is engines/workers/worker_protocol.py; the virtual environment is made by engines/worker_venv.py.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import os
import select
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import weakref
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dub.errors import BadInput, EngineFailed, ToolTimedOut

log = logging.getLogger(__name__)

PROTOCOL = 1
MAX_LINE_BYTES = 1 << 20
_N_LAST_LINES = 20
# What a worker is told of our environment: no keys, no tokens, nothing that points Python elsewhere.
_PASSED_ON = (
    "PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES",
    "CUDA_DEVICE_ORDER", "NVIDIA_VISIBLE_DEVICES",
)  # fmt: skip
_GONE = "died"
_NO_HUB = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}

Parameter = str | int | float | bool


class Worker:
    """One worker process, started by the first call; calls queue behind one another.

    It is loaded anew after `max_jobs` calls (libraries leak) and after a crash, when the call is tried once more. It
    ends with this process, however this process ends.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        load: Mapping[str, Parameter],
        *,
        deadline_s: float = 300.0,
        load_deadline_s: float = 900.0,
        max_jobs: int = 500,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """`load`: parameters of its method `load`, called after every start. Deadlines are per call, in seconds."""
        self._name, self._command, self._load = name, list(command), dict(load)
        self._deadline_s, self._load_deadline_s, self._max_jobs = deadline_s, load_deadline_s, max_jobs
        passed_on = {key: os.environ[key] for key in _PASSED_ON if key in os.environ}
        self._environment = passed_on | _NO_HUB | dict(environment or {})
        self._lock = threading.Lock()
        self._process: _Process | None = None
        self._n_jobs = 0
        self.package = ""
        """Distribution and version that the worker told in its hello; "" before the first call."""
        self.scratch = Path(tempfile.mkdtemp(prefix=f"polydub-{name}-"))
        """For the files that requests and replies name."""
        _living.add(self)

    def call(self, method: str, **parameters: Parameter) -> dict[str, Any]:
        """Ask and wait for the answer.

        Raises BadInput for what the worker refuses, EngineFailed where the method fails or the process dies twice
        (with the last lines of its stderr), ToolTimedOut at the deadline, when the process is killed with all it
        started.
        """
        with self._lock:
            try:
                try:
                    return self._try(method, parameters)
                except _Died as death:
                    log.warning("the worker %s died and is started again: %s", self._name, death)
                    self._end()
                    return self._try(method, parameters)
            except _Died as death:
                self._end()
                raise EngineFailed(f"the worker {self._name} {death}") from None
            except (EngineFailed, BadInput):
                raise
            except BaseException:  # the line may hold half a message
                self._end()
                raise

    def close(self) -> None:
        """End the process, with all it started, and remove its scratch folder."""
        with self._lock:
            self._end()
            shutil.rmtree(self.scratch, ignore_errors=True)

    def _try(self, method: str, parameters: Mapping[str, Parameter]) -> dict[str, Any]:
        if self._process is not None and self._n_jobs >= self._max_jobs:
            self._end()
        if self._process is None:
            self._start()
        assert self._process is not None
        self._n_jobs += 1
        return self._process.ask(method, parameters, self._deadline_s)

    def _start(self) -> None:
        self._process = _Process(self._name, self._command, self._environment, self.scratch)
        self._n_jobs = 0
        self.package = self._process.hello(self._load_deadline_s)
        try:
            self._process.ask("load", self._load, self._load_deadline_s)
        except (EngineFailed, BadInput):
            self._end()
            raise

    def _end(self) -> None:
        if self._process is not None:
            self._process.end()
            self._process = None


_living: weakref.WeakSet[Worker] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    for worker in list(_living):
        worker.close()


class _Died(Exception):
    """The process has ended, or says what is not of the protocol; with the last lines of its stderr."""


class _Process:
    """A running worker. It leads a session and process group of its own, so that it can be ended with all it started.

    A thread of ours makes it and lives as long as it does: the kernel ends the worker (its parent-death signal) with
    the thread that made it, and calls come from threads of pools that end early.
    """

    def __init__(self, name: str, command: list[str], environment: dict[str, str], folder: Path) -> None:
        self._name = name
        self._last_lines: deque[str] = deque(maxlen=_N_LAST_LINES)
        self._child: subprocess.Popen[bytes] | None = None
        self._trouble: OSError | None = None
        self._rest = b""
        self._n_asked = 0
        is_started = threading.Event()
        self._keeper = threading.Thread(
            target=self._keep, args=(command, environment, folder, is_started), daemon=True, name=f"worker {name}"
        )
        self._keeper.start()
        is_started.wait()
        if self._child is None:
            raise EngineFailed(f"the worker {name} does not start: {self._trouble}")
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._requests: int = self._child.stdin.fileno()
        self._replies: int = self._child.stdout.fileno()
        os.set_blocking(self._requests, False)
        os.set_blocking(self._replies, False)

    def _keep(self, command: list[str], environment: dict[str, str], folder: Path, is_started: threading.Event) -> None:
        pipe = subprocess.PIPE
        try:
            self._child = subprocess.Popen(
                command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment, cwd=folder, start_new_session=True
            )
        except OSError as error:
            self._trouble = error
            return
        finally:
            is_started.set()
        assert self._child.stderr is not None
        for line in self._child.stderr:
            text = line[:1000].decode(errors="replace").rstrip()
            self._last_lines.append(text)
            log.debug("%s: %s", self._name, text)
        with contextlib.suppress(ChildProcessError):  # not reaped here: its number must stay its own until `end`
            os.waitid(os.P_PID, self._child.pid, os.WEXITED | os.WNOWAIT)

    def hello(self, deadline_s: float) -> str:
        """The package that the worker runs. Raises _Died for another protocol."""
        said = self._read_message(time.monotonic() + deadline_s, deadline_s).get("hello")
        if not isinstance(said, dict) or said.get("protocol") != PROTOCOL:
            raise self._died(f"speaks another protocol: {said!r:.200}")
        return str(said.get("package", ""))

    def ask(self, method: str, parameters: Mapping[str, Parameter], deadline_s: float) -> dict[str, Any]:
        """One request and its reply. Raises what `Worker.call` raises, and _Died."""
        self._n_asked += 1
        end = time.monotonic() + deadline_s
        request = {"id": self._n_asked, "method": method, "parameters": dict(parameters)}
        content = json.dumps(request, ensure_ascii=True, allow_nan=False).encode() + b"\n"
        if len(content) > MAX_LINE_BYTES:
            raise BadInput(f"a request of {len(content)} bytes to the worker {self._name}", mend="shorten the text")
        self._write(content, end, deadline_s)
        reply = self._read_message(end, deadline_s)
        if reply.get("id") != self._n_asked:
            raise self._died(f"answers what was not asked: {reply!r:.200}")
        match reply:
            case {"result": dict(result)}:
                return result
            case {"error": {"kind": "refused", "message": str(message)}}:
                raise BadInput(f"{self._name} refuses: {message}")
            case {"error": {"kind": "failed", "message": str(message)}}:
                raise EngineFailed(f"{self._name} fails: {message}")
        raise self._died(f"gives no answer that is known: {reply!r:.200}")

    def end(self) -> None:
        """Kill the process and its group, then reap it."""
        assert self._child is not None
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            assert pipe is not None
            with contextlib.suppress(OSError):
                pipe.close()
        self._keeper.join(timeout=1.0)  # what has left the group may hold its stderr open

    def _write(self, content: bytes, end: float, deadline_s: float) -> None:
        while content:
            self._wait(self._requests, select.POLLOUT, end, deadline_s)
            try:
                content = content[os.write(self._requests, content) :]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                raise self._died(_GONE) from None

    def _read_message(self, end: float, deadline_s: float) -> dict[str, Any]:
        line = self._read_line(end, deadline_s)
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            raise self._died(f"says what is no JSON: {line!r:.200}") from None
        if not isinstance(message, dict):
            raise self._died(f"says what is no message: {line!r:.200}")
        return message

    def _read_line(self, end: float, deadline_s: float) -> bytes:
        while b"\n" not in self._rest:
            if len(self._rest) > MAX_LINE_BYTES:
                raise self._died("says a line without end")
            self._wait(self._replies, select.POLLIN, end, deadline_s)
            try:
                block = os.read(self._replies, 1 << 16)
            except BlockingIOError:
                continue
            if not block:
                raise self._died(_GONE)
            self._rest += block
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def _wait(self, descriptor: int, event: int, end: float, deadline_s: float) -> None:
        poll = select.poll()
        poll.register(descriptor, event)
        if not poll.poll(max(0.0, (end - time.monotonic()) * 1000)):
            raise ToolTimedOut(f"the worker {self._name} did not answer within {deadline_s:.0f} s{self._said()}")

    def _died(self, what: str) -> _Died:
        """Names how the process ended, where it has."""
        assert self._child is not None
        if what == _GONE:
            self._keeper.join(timeout=1.0)  # its last words are still on their way
        ended = os.waitid(os.P_PID, self._child.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG)
        if ended is not None:
            is_killed = ended.si_code in (os.CLD_KILLED, os.CLD_DUMPED)
            what += f" (killed by signal {ended.si_status})" if is_killed else f" (ended with {ended.si_status})"
        return _Died(what + self._said())

    def _said(self) -> str:
        lines = [f"    {line}" for line in list(self._last_lines) if line.strip()]
        return ":\n" + "\n".join(lines) if lines else ""
