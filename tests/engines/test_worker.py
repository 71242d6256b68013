"""A worker process does what is asked, and whatever it does badly ends in an error, never in a hang or a leftover."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from dub.errors import BadInput, EngineFailed, EngineUnavailable, ToolTimedOut
from engines import worker_process, worker_venv
from engines.worker import Worker
from engines.workers import worker_protocol

TOY = Path(__file__).with_name("toy_worker.py")
Make = Callable[..., Worker]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Worker] = []

    def make_worker(folder: str = "weights", **options: Any) -> Worker:
        environment = {"PLANTED": str(tmp_path / "planted")}
        made.append(Worker("toy", [sys.executable, str(TOY)], {"folder": folder}, environment=environment, **options))
        return made[-1]

    yield make_worker
    for worker in made:
        worker.close()


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _wait_until(is_so: Callable[[], bool], seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if is_so():
            return True
        time.sleep(0.02)
    return False


def test_calls_are_answered_by_one_process_that_was_loaded_once(make: Make) -> None:
    worker = make()
    first, second = worker.call("add", a=1, b=2.5), worker.call("add", a=-1, b=1)
    assert (first["sum"], first["folder"], second["sum"]) == (3.5, "weights", 0)
    assert first["pid"] == second["pid"] != os.getpid()


def test_no_process_is_started_before_the_first_call(make: Make) -> None:
    assert make(folder="missing").package == ""


def test_what_fails_inside_is_named_and_the_process_lives_on(make: Make) -> None:
    worker = make()
    pid = worker.call("add", a=1, b=1)["pid"]
    with pytest.raises(EngineFailed, match="ValueError: the mel is empty"):
        worker.call("fail", why="the mel is empty")
    with pytest.raises(BadInput, match="Klingon is not known"):
        worker.call("refuse", why="Klingon is not known")
    assert worker.call("add", a=1, b=1)["pid"] == pid


def test_weights_that_do_not_load_are_an_error_of_the_first_call(make: Make) -> None:
    with pytest.raises(EngineFailed, match=r"model\.safetensors"):
        make(folder="missing").call("add", a=1, b=1)


def test_a_crash_is_tried_once_more(make: Make, tmp_path: Path) -> None:
    assert make().call("crash", marker=str(tmp_path / "marker"), n_times=1) == {"n_crashes": 1}


def test_a_second_crash_is_an_error_with_the_last_words(make: Make, tmp_path: Path) -> None:
    worker = make()
    with pytest.raises(EngineFailed, match=r"(?s)killed by signal 6.*the last thing it said"):
        worker.call("crash", marker=str(tmp_path / "marker"), n_times=5)
    assert (tmp_path / "marker").read_text() == "xx"
    assert worker.call("add", a=1, b=1)["sum"] == 2


def test_a_hang_ends_at_the_deadline_with_all_that_was_started(make: Make, tmp_path: Path) -> None:
    worker = make(deadline_s=1.0)
    began = time.monotonic()
    with pytest.raises(ToolTimedOut, match="within 1 s"):
        worker.call("hang", marker=str(tmp_path / "pids"))
    assert time.monotonic() - began < 5
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    assert len(pids) == 2
    assert _wait_until(lambda: not any(_is_alive(pid) for pid in pids))
    assert worker.call("add", a=1, b=1)["sum"] == 2


def test_what_libraries_print_never_reaches_the_line(make: Make) -> None:
    worker = make()
    assert worker.call("chatter") == {"stdin": ""}
    assert worker.call("add", a=1, b=1)["sum"] == 2


@pytest.mark.parametrize("kind", ["pickle", "list", "nested", "other id", "no kind", "endless"])
def test_a_worker_that_breaks_the_protocol_is_an_error(make: Make, tmp_path: Path, kind: str) -> None:
    with pytest.raises(EngineFailed, match="the worker toy"):
        make(deadline_s=5.0).call("say_raw", kind=kind)
    assert not (tmp_path / "planted").exists()


def test_it_is_started_anew_after_its_number_of_jobs(make: Make) -> None:
    worker = make(max_jobs=2)
    pids = [worker.call("add", a=1, b=1)["pid"] for _ in range(5)]
    assert pids[0] == pids[1] != pids[2] == pids[3] != pids[4]
    assert not _is_alive(pids[0])


def test_threads_queue_for_the_one_process_and_outlive_nothing(make: Make) -> None:
    worker = make()
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda i: worker.call("add", a=i, b=1), range(20)))
    assert [answer["sum"] for answer in answers] == [i + 1 for i in range(20)]
    # The thread that started the worker is gone, and the worker must not be gone with it.
    time.sleep(0.2)
    assert worker.call("add", a=1, b=1)["pid"] == answers[0]["pid"]
    assert len({answer["pid"] for answer in answers}) == 1


def test_it_dies_with_its_caller_even_when_that_is_killed(tmp_path: Path) -> None:
    script = textwrap.dedent(f"""
        import sys, time
        from engines.worker import Worker
        worker = Worker("toy", [sys.executable, {str(TOY)!r}], {{"folder": "x"}})
        print(worker.call("add", a=1, b=1)["pid"], flush=True)
        worker.call("hang", marker={str(tmp_path / "pids")!r})
    """)
    caller = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        cwd=TOY.parents[2],
        env={**os.environ, "TMPDIR": str(tmp_path)},  # a killed caller cannot remove its scratch folder
    )
    assert caller.stdout is not None
    pid = int(caller.stdout.readline())
    assert _wait_until((tmp_path / "pids").exists)
    caller.send_signal(signal.SIGKILL)
    caller.wait()
    caller.stdout.close()
    sleeper = int((tmp_path / "pids").read_text().split()[1])
    try:
        assert _wait_until(lambda: not _is_alive(pid))
    finally:
        os.kill(sleeper, signal.SIGKILL)


def test_close_leaves_nothing_behind(make: Make) -> None:
    worker = make()
    pid = worker.call("add", a=1, b=1)["pid"]
    assert worker.scratch.is_dir()
    worker.close()
    assert not _is_alive(pid)
    assert not worker.scratch.exists()


def test_the_environment_carries_no_secrets(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    told = make().call("add", a=1, b=1)["environment"]
    assert "HF_HUB_OFFLINE" in told
    assert not {"AWS_SECRET_ACCESS_KEY", "PYTHONPATH"} & set(told)


def _say(a: float, b: str = "x") -> dict[str, Any]:
    return {"said": f"{a} {b}"}


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (pickle.dumps({"id": 1}), "one line of JSON"),
        (b"[]", "a request has"),
        (b"[" * 500_000, "one line of JSON"),
        (b'{"id": true, "method": "say", "parameters": {}}', "a request has"),
        (b'{"id": 1, "method": "say", "parameters": {"a": 1}, "more": 1}', "a request has"),
        (b'{"id": 1, "method": "exec", "parameters": {}}', "no method 'exec'"),
        (b'{"id": 1, "method": "say", "parameters": {"a": 1, "c": 1}}', "no parameter c"),
        (b'{"id": 1, "method": "say", "parameters": {"b": "y"}}', "a is missing"),
        (b'{"id": 1, "method": "say", "parameters": {"a": true}}', "a is float"),
        (b'{"id": 1, "method": "say", "parameters": {"a": 1, "b": ["y"]}}', "b is str"),
    ],
)
def test_the_worker_refuses_what_it_does_not_know(line: bytes, why: str) -> None:
    error = worker_protocol.answer(line, {"say": _say})["error"]
    assert error["kind"] == "refused"
    assert why in error["message"]


def test_the_worker_answers_what_it_knows() -> None:
    line = json.dumps({"id": 7, "method": "say", "parameters": {"a": 2}}).encode()
    assert worker_protocol.answer(line, {"say": _say}) == {"id": 7, "result": {"said": "2 x"}}


def test_both_ends_speak_the_same_protocol() -> None:
    assert worker_protocol.PROTOCOL == worker_process.PROTOCOL
    assert worker_protocol.MAX_LINE_BYTES == worker_process.MAX_LINE_BYTES


@pytest.fixture
def empty_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A worker "toy" that needs no package, in a home of its own; the path of its requirements."""
    (tmp_path / "requirements").mkdir()
    requirements = tmp_path / "requirements" / "toy.txt"
    requirements.write_text("# nothing\n")
    monkeypatch.setattr(worker_venv, "REQUIREMENTS", tmp_path / "requirements")
    monkeypatch.setenv("POLYDUB_HOME", str(tmp_path / "home"))
    return requirements


def test_a_worker_is_installed_once_and_again_when_its_requirements_change(empty_worker: Path) -> None:
    with pytest.raises(EngineUnavailable, match="polydub engines install toy"):
        worker_venv.python_of("toy")
    folder = worker_venv.install("toy")
    made = folder.stat().st_ino
    assert subprocess.run([worker_venv.python_of("toy"), "-c", ""], check=True).returncode == 0
    assert worker_venv.install("toy").stat().st_ino == made
    empty_worker.write_text("# something else\n")
    with pytest.raises(EngineUnavailable, match="other requirements"):
        worker_venv.python_of("toy")
    assert worker_venv.install("toy").stat().st_ino != made
    assert [path.name for path in folder.parent.iterdir() if path.is_dir()] == ["toy"]


def test_a_half_made_environment_is_never_used(empty_worker: Path) -> None:
    half = worker_venv.folder_of("toy") / "bin"
    half.mkdir(parents=True)
    (half / "python").symlink_to(sys.executable)
    with pytest.raises(EngineUnavailable, match="not installed"):
        worker_venv.python_of("toy")


def test_a_package_that_does_not_exist_leaves_nothing_behind(empty_worker: Path) -> None:
    empty_worker.write_text("./no-such-folder-here\n")
    with pytest.raises(Exception, match="pip ended with"):
        worker_venv.install("toy")
    assert not worker_venv.folder_of("toy").exists()
    assert not list(worker_venv.folder_of("toy").parent.glob(".making-*"))


def test_an_unknown_worker_names_those_there_are(empty_worker: Path) -> None:
    with pytest.raises(BadInput, match="one of: toy"):
        worker_venv.install("../toy")
