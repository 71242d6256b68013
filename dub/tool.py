"""External programs: each has a deadline, dies with us, and never blocks on what it wants to tell us."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import shutil
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Sequence
from functools import lru_cache
from types import TracebackType

import numpy as np
import numpy.typing as npt

from dub.errors import ToolFailed, ToolKilled, ToolTimedOut

GRACE_S = 3.0
"""From SIGTERM to SIGKILL."""

STALL_S = 120.0
"""A streaming tool that neither takes nor gives a byte for so long is taken for dead: a slow disk or a 4K
key frame needs seconds, never minutes."""

_PIPE_BYTES = 1 << 20
_N_LAST_LINES = 20


def run_tool(command: Sequence[str], deadline_s: float) -> bytes:
    """Run a program to its end and return its standard output.

    It is killed at the deadline, on Ctrl-C, and by the kernel when the calling thread dies. Raises ToolFailed
    with the last lines it wrote to stderr, or ToolTimedOut.
    """
    return run_tool_told(command, deadline_s)[0]


def run_tool_told(command: Sequence[str], deadline_s: float) -> tuple[bytes, str]:
    """As `run_tool`: standard output, and what the program said on stderr though it ended well."""
    child = _start(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    try:
        output, said = child.communicate(timeout=deadline_s)
    except BaseException as error:
        _kill(child)
        with contextlib.suppress(subprocess.TimeoutExpired):  # a stranger may hold the pipe open
            child.communicate(timeout=GRACE_S)
        if isinstance(error, subprocess.TimeoutExpired):
            raise ToolTimedOut(f"{_name(command)} did not end within {deadline_s:.0f} s") from None
        raise
    told = said.decode(errors="replace")
    if child.returncode:
        raise _failure(command, child.returncode, told.splitlines()[-_N_LAST_LINES:])
    return bytes(output), told


class ToolPipe:
    """A program that we feed through its stdin or drain through its stdout while it works.

    A context manager: leaving it kills the program unless `finish` was called. The kernel kills it when the
    thread that made it dies. Not thread-safe.
    """

    def __init__(self, command: Sequence[str], *, writes: bool = False, stall_s: float = STALL_S) -> None:
        self._command = list(command)
        self._stall_s = stall_s
        self._last_lines: deque[str] = deque(maxlen=_N_LAST_LINES)
        self._child = _start(
            command,
            stdin=subprocess.PIPE if writes else subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if writes else subprocess.PIPE,
        )
        pipe = self._child.stdin if writes else self._child.stdout
        assert pipe is not None
        self._pipe = pipe
        with contextlib.suppress(OSError):  # a bigger pipe means fewer switches; the system may refuse it
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        os.set_blocking(pipe.fileno(), False)
        self._poll = select.poll()
        self._poll.register(pipe, select.POLLOUT if writes else select.POLLIN)
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def __enter__(self) -> ToolPipe:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def read_into(self, buffer: npt.NDArray[np.uint8]) -> int:
        """Fill `buffer` (uint8, contiguous) from the program's output; fewer bytes only at its end.

        Returns the number of bytes. Raises ToolTimedOut when the program gives nothing for `stall_s`.
        """
        view = buffer.reshape(-1).data
        n_read = 0
        while n_read < len(view):
            self._wait()
            try:
                n = os.readv(self._pipe.fileno(), [view[n_read:]])
            except BlockingIOError:
                continue
            if not n:
                break
            n_read += n
        return n_read

    def write(self, content: npt.NDArray[np.uint8]) -> None:
        """Feed a contiguous uint8 array. Raises ToolFailed when the program has ended, ToolTimedOut on a stall."""
        view = content.reshape(-1).data
        while view:
            self._wait()
            try:
                view = view[os.write(self._pipe.fileno(), view) :]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                self.finish()
                raise ToolFailed(f"{_name(self._command)} stopped taking input") from None

    def finish(self) -> None:
        """Close the pipe and wait for the end. Raises ToolFailed or ToolTimedOut."""
        self._pipe.close()
        try:
            code = self._child.wait(self._stall_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ToolTimedOut(f"{_name(self._command)} did not end within {self._stall_s:.0f} s") from None
        self._listener.join()
        if code:
            raise _failure(self._command, code, self._last_lines)

    def kill(self) -> None:
        """End the program now; nothing happens when it has ended."""
        for pid in _family(self._child.pid) if self._child.poll() is None else ():
            _signal(pid, signal.SIGKILL)
        self._child.wait()
        with contextlib.suppress(OSError):
            self._pipe.close()
        self._listener.join()

    def _wait(self) -> None:
        started = time.monotonic()
        while not self._poll.poll(1000):
            if time.monotonic() - started > self._stall_s:
                self.kill()
                raise ToolTimedOut(f"{_name(self._command)} stood still for {self._stall_s:.0f} s")

    def _listen(self) -> None:
        stderr = self._child.stderr
        assert stderr is not None
        with stderr:
            for line in stderr:
                self._last_lines.append(line.decode(errors="replace").rstrip())


def _start(command: Sequence[str], *, stdin: int, stdout: int) -> subprocess.Popen[bytes]:
    setpriv = _setpriv()
    leash = [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []
    return subprocess.Popen([*leash, *command], stdin=stdin, stdout=stdout, stderr=subprocess.PIPE)


@lru_cache(maxsize=1)
def _setpriv() -> str | None:
    """util-linux's setpriv lets the kernel kill the tool when we die, even by SIGKILL. Linux only."""
    return shutil.which("setpriv")


def _kill(child: subprocess.Popen[bytes]) -> None:
    """End a program and all that it started: politely, then by force. It stays in our process group, so that
    whoever ends our group ends it too."""
    family = _family(child.pid)
    for pid in family:
        _signal(pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(GRACE_S)
    for pid in family:
        _signal(pid, signal.SIGKILL)
    child.wait()


def _family(pid: int) -> list[int]:
    """A process and its living descendants, by /proc."""
    members = [pid]
    for member in members:
        with contextlib.suppress(OSError):
            for thread in os.listdir(f"/proc/{member}/task"):
                with open(f"/proc/{member}/task/{thread}/children") as children:
                    members += [int(child) for child in children.read().split()]
    return members


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _name(command: Sequence[str]) -> str:
    return os.path.basename(command[0])


def _failure(command: Sequence[str], code: int, last_lines: Sequence[str] | deque[str]) -> ToolFailed:
    end = f"was killed by signal {-code}" if code < 0 else f"ended with {code}"
    said = "\n".join(f"    {line}" for line in last_lines if line.strip())
    kind = ToolKilled if -code in (signal.SIGKILL, signal.SIGTERM) else ToolFailed
    return kind(f"{_name(command)} {end}" + (f":\n{said}" if said else ""))
