"""GPU slots across real processes: never two holders of one, never one that a dead process keeps."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dub.errors import BadInput, EngineUnavailable
from tasks.gpu_slots import gpu_devices, gpu_slot
from tasks.runtime_folder import runtime_folder


def test_what_the_machine_is_said_to_have(monkeypatch: pytest.MonkeyPatch) -> None:
    def devices(said: str) -> tuple[str, ...]:
        monkeypatch.setenv("POLYDUB_GPUS", said)
        return gpu_devices()

    assert devices("") == devices("0") == ()
    assert devices("2") == ("0", "1")
    assert devices("0, 3") == ("0", "3")
    assert devices("3,") == ("3",)
    assert devices("GPU-5c2,MIG-1f") == ("GPU-5c2", "MIG-1f")
    for wrong in ("0,0", "two gpus", "../x", "-1"):
        with pytest.raises(BadInput, match="POLYDUB_GPUS"):
            devices(wrong)


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder whose sockets' names are short enough, wherever pytest keeps its own."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


def test_a_folder_that_others_can_enter_is_refused(
    tmp_path: Path, short_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLYDUB_RUNTIME", str(short_path / "new" / "mine"))
    assert runtime_folder().stat().st_mode & 0o777 == 0o700
    (tmp_path / "open").mkdir(mode=0o755)
    (tmp_path / "link").symlink_to(runtime_folder())
    for name in ("open", "link"):
        monkeypatch.setenv("POLYDUB_RUNTIME", str(tmp_path / name))
        with pytest.raises(EngineUnavailable, match=name):
            runtime_folder()


def test_as_many_at_work_as_there_are_slots_and_all_of_them_used(tmp_path: Path) -> None:
    at_work: list[str] = []
    seen: list[tuple[str, ...]] = []
    lock = threading.Lock()

    def work() -> None:
        with gpu_slot(("0", "1", "2"), tmp_path) as device:
            with lock:
                at_work.append(device)
                seen.append(tuple(at_work))
            time.sleep(0.02)
            with lock:
                at_work.remove(device)

    threads = [threading.Thread(target=work) for _ in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
        assert not thread.is_alive()
    assert all(len(set(devices)) == len(devices) for devices in seen)
    assert max(map(len, seen)) == 3


def test_a_killed_holder_frees_its_slot_at_once(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from tasks.gpu_slots import gpu_slot\n"
        "with gpu_slot(('0',), Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        killed_at: list[float] = []

        def kill() -> None:
            killed_at.append(time.monotonic())
            os.kill(holder.pid, signal.SIGKILL)

        threading.Timer(0.3, kill).start()
        with gpu_slot(("0",), tmp_path) as device:
            assert device == "0"
            assert killed_at, "a slot was had while its holder lived"
            assert time.monotonic() - killed_at[0] < 1
