"""External programs: killed when they must be, heard when they fail."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

from dub.errors import ToolFailed, ToolTimedOut
from dub.tool import ToolPipe, run_tool

ROOT = Path(__file__).resolve().parents[2]


def is_alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone_within(pid: int, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while is_alive(pid):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def test_output_comes_back_and_a_failure_carries_the_last_words() -> None:
    assert run_tool(["sh", "-c", "cat; printf hello"], 5) == b"hello", "stdin must be empty, not ours"
    with pytest.raises(ToolFailed, match="ended with 3") as failure:
        run_tool(["sh", "-c", "seq 1 1000 >&2; exit 3"], 5)
    assert "1000" in str(failure.value)
    assert "\n    979\n" not in str(failure.value), "only the last lines"


def test_a_deadline_ends_the_program_and_what_it_started(tmp_path: Path) -> None:
    stubborn = f"trap '' TERM; sleep 60 & echo $! > {tmp_path}/child; wait; sleep 60"
    started = time.monotonic()
    with pytest.raises(ToolTimedOut):
        run_tool(["bash", "-c", stubborn], 0.5)
    assert time.monotonic() - started < 10
    assert gone_within(int((tmp_path / "child").read_text()), 1)


def test_a_program_that_never_stops_talking_is_not_blocked_and_one_that_stalls_is_killed() -> None:
    buffer = np.empty(4, np.uint8)
    with ToolPipe(["sh", "-c", "head -c 3000000 /dev/zero >&2; printf done"]) as pipe:
        assert pipe.read_into(buffer) == 4
        assert buffer.tobytes() == b"done"
        assert pipe.read_into(buffer) == 0
        pipe.finish()
    with ToolPipe(["sleep", "60"], stall_s=0.5) as pipe, pytest.raises(ToolTimedOut):
        pipe.read_into(buffer)
    with ToolPipe(["sleep", "60"], writes=True, stall_s=0.5) as pipe, pytest.raises(ToolTimedOut):
        pipe.write(np.zeros(10_000_000, np.uint8))


def test_feeding_a_program_that_has_failed_says_why() -> None:
    broken = ["sh", "-c", "echo broken >&2; exit 4"]
    with ToolPipe(broken, writes=True) as pipe, pytest.raises(ToolFailed, match="broken"):
        pipe.write(np.zeros(100_000_000, np.uint8))


@pytest.mark.skipif(not Path("/usr/bin/setpriv").exists(), reason="the kernel's leash needs util-linux")
@pytest.mark.parametrize("how", ["run", "pipe"])
def test_sigkill_of_our_process_leaves_no_ffmpeg_behind(tmp_path: Path, how: str) -> None:
    script = """
        import sys
        from pathlib import Path
        import numpy as np
        from dub.media import ToolPipe, ffmpeg_exe, run_tool
        endless = [ffmpeg_exe(), "-nostdin", "-v", "error", "-re", "-f", "lavfi", "-i", "testsrc=size=64x64"]
        if sys.argv[1] == "run":
            print("go", flush=True)
            run_tool([*endless, "-f", "null", "-"], 60)
        with ToolPipe([*endless, "-f", "rawvideo", "-"]) as pipe:
            pipe.read_into(np.empty(64, np.uint8))
            print("go", flush=True)
            pipe.read_into(np.empty(1 << 30, np.uint8))
    """
    command = [sys.executable, "-c", textwrap.dedent(script), how]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as ours:
        assert ours.stdout is not None
        assert ours.stdout.readline() == b"go\n"
        children: list[int] = []
        for _ in range(200):
            children = [int(pid) for pid in Path(f"/proc/{ours.pid}/task/{ours.pid}/children").read_text().split()]
            if children and "ffmpeg" in Path(f"/proc/{children[0]}/comm").read_text():
                break
            time.sleep(0.02)
        assert len(children) == 1
        os.kill(ours.pid, signal.SIGKILL)
        assert gone_within(children[0], 2)
