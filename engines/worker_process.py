"""One running worker process: started, spoken to line by line, watched, ended. Used by engines/worker.py."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dub.errors import BadInput, EngineFailed, ToolTimedOut

log = logging.getLogger(__name__)

Parameter = str | int | float | bool

PROTOCOL = 1
MAX_LINE_BYTES = 1 << 20
_N_LAST_LINES = 20
_GONE = "died"


class Died(Exception):
    """The process has ended, or says what is not of the protocol; with the last lines of its stderr."""


class WorkerProcess:
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
        """The package that the worker runs. Raises Died for another protocol."""
        said = self._read_message(time.monotonic() + deadline_s, deadline_s).get("hello")
        if not isinstance(said, dict) or said.get("protocol") != PROTOCOL:
            raise self._died(f"speaks another protocol: {said!r:.200}")
        return str(said.get("package", ""))

    def ask(self, method: str, parameters: Mapping[str, Parameter], deadline_s: float) -> dict[str, Any]:
        """One request and its reply. Raises what `Worker.call` raises, and Died."""
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

    def _died(self, what: str) -> Died:
        """Names how the process ended, where it has."""
        assert self._child is not None
        if what == _GONE:
            self._keeper.join(timeout=1.0)  # its last words are still on their way
        ended = os.waitid(os.P_PID, self._child.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG)
        if ended is not None:
            is_killed = ended.si_code in (os.CLD_KILLED, os.CLD_DUMPED)
            what += f" (killed by signal {ended.si_status})" if is_killed else f" (ended with {ended.si_status})"
        return Died(what + self._said())

    def _said(self) -> str:
        lines = [f"    {line}" for line in list(self._last_lines) if line.strip()]
        return ":\n" + "\n".join(lines) if lines else ""
