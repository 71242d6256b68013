"""The whole story on toy engines over storage that fails: what the run says, what is done again, what is left."""

from __future__ import annotations

import gc
import os
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from dub import ledger
from dub.artifact import sha256_of
from dub.errors import StoreRefused, StoreUnavailable
from dub.plan import Job
from dub.stage import Stage
from dub.store import open_store
from dub.store_gc import sweep, titles_in
from flows.dub_title import dub_title
from lang.bcp47 import Locale
from tasks import policy
from tests.faulty_s3 import FaultyS3
from tests.flows.test_dub_title import STORY, TOY, script, talk  # noqa: F401  (fixtures)
from tests.seaweed import Seaweed, seaweed_environment

ALL = Counter(STORY)


class Watcher:
    """Counts the stages that work, and calls back as one starts to."""

    def __init__(self, at: str = "", then: Callable[[], object] = lambda: None) -> None:
        self.worked: Counter[str] = Counter()
        self.cached: set[str] = set()
        self.at, self.then = at, then

    def started(self, label: str) -> None:
        self.worked[label] += 1
        if label == self.at:
            self.then()

    def progressed(self, label: str, done: int, total: int) -> None: ...
    def failed(self, label: str, error: BaseException) -> None: ...

    def finished(self, label: str, is_cached: bool, seconds: float) -> None:
        if is_cached:
            self.cached.add(label)


@pytest.fixture
def job(talk: Path, script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Job]:  # noqa: F811
    monkeypatch.setenv("POLYDUB_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(policy, "RETRY_BASE_S", 0.1)
    open_store.cache_clear()
    yield Job(
        source=talk, targets=(Locale("es"),), out=tmp_path / "out", store=tmp_path / "store", profile=TOY,
        source_locale=Locale("en"), scripts={Locale("en"): script},
    )  # fmt: skip
    open_store.cache_clear()


@pytest.fixture
def done(job: Job, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each piece of work, by its memo key, came to its end; stages within stages too."""
    ends: Counter[str] = Counter()

    def counted(work: Stage[Any, Any], function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **named: Any) -> Any:
            result = function(*arguments, **named)
            ends[f"{work.name} {work.key(*arguments, **named)}"] += 1
            return result

        return run

    for each in [thing for thing in gc.get_objects() if isinstance(thing, Stage)]:
        monkeypatch.setattr(each, "function", counted(each, each.function))
    return ends


@pytest.fixture
def in_bucket(job: Job, s3_server: Seaweed, faulty_s3: FaultyS3, tmp_path: Path) -> Job:
    os.environ["POLYDUB_HOME"] = str(tmp_path / "home")  # `faulty_s3` sets the environment back
    return job.model_copy(update={"store": s3_server.new_bucket() / "store"})


def run(job: Job, watcher: Watcher) -> str:
    """Run the job as a new process would; what its language's report says of the pipeline, or the run's own error."""
    with policy.observed_by(watcher):
        try:
            [outcome] = dub_title(job).outcomes
        except StoreUnavailable as error:
            return f"{type(error).__name__}: {error}"
        finally:
            _die()
    return "; ".join(outcome.reasons) if not outcome.files else ""


def _die() -> None:
    """Wait for the stages that go on after their run has failed; forget what a process knows."""
    policy._threads().shutdown()
    policy._threads.cache_clear()
    ledger._ledgers()._open.clear()
    ledger._ledgers.cache_clear()
    open_store.cache_clear()


def made(job: Job) -> dict[str, str]:
    return {path.name: sha256_of(path) for path in Path(job.out).iterdir() if path.suffix not in (".html", ".json")}


def test_a_second_machine_works_on_nothing(
    in_bucket: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, faulty_s3: FaultyS3
) -> None:
    first = Watcher()
    assert run(in_bucket, first) == ""
    assert first.worked == ALL
    digests = made(in_bucket)
    monkeypatch.setenv("POLYDUB_HOME", str(tmp_path / "another machine"))
    faulty_s3.forget()
    second, job = Watcher(), in_bucket.model_copy(update={"out": tmp_path / "another out"})
    assert run(job, second) == ""
    assert (second.worked, second.cached) == (Counter(), set(ALL))
    assert made(job) == digests
    memos = [line for line in faulty_s3.requests if line.startswith("GET") and "/memo/" in line]
    assert len(memos) == len(ALL) + 1, "one request per record, the report's too, though it asks for all again"
    [title] = titles_in(open_store(str(job.store)))
    assert (title.title, title.n_runs, title.is_living) == ("talk", 2, False)


def test_503_for_a_while_is_waited_out(in_bucket: Job, faulty_s3: FaultyS3, done: Counter[str]) -> None:
    fault = faulty_s3.fail("status", "/store/", n=6, status=503)
    watcher = Watcher()
    assert run(in_bucket, watcher) == ""
    assert fault.n_met == 6
    assert set(done.values()) == {1}


@pytest.mark.slow
@pytest.mark.parametrize("pattern", ["/store/", "PUT .*/store/"])
def test_503_for_good_ends_the_run_with_that_reason_and_finished_work_is_kept(
    in_bucket: Job, faulty_s3: FaultyS3, pattern: str, done: Counter[str]
) -> None:
    watcher = Watcher("speak es", lambda: faulty_s3.fail("status", pattern, status=503))
    started = time.monotonic()
    assert "503" in run(in_bucket, watcher)
    assert time.monotonic() - started < 60
    assert "remux es" not in watcher.worked
    assert set(done.values()) == {1}, "an outage is not waited out by working again"
    faulty_s3.heal()
    n_done, after = len(done), Watcher()
    assert run(in_bucket, after) == ""
    assert set(done.values()) == {1}, "what was finished is not done again"
    assert len(done) > n_done
    assert {"ingest", "separate", "translate es"} <= after.cached


def test_connections_cut_in_both_directions_are_begun_again(
    in_bucket: Job, faulty_s3: FaultyS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, done: Counter[str]
) -> None:
    cut = faulty_s3.fail("cut-upload", "PUT .*/cas/", n=3, after_bytes=10_000)
    watcher = Watcher()
    assert run(in_bucket, watcher) == ""
    assert set(done.values()) == {1}
    cut_too = faulty_s3.fail("cut-download", "GET .*/cas/", n=3, after_bytes=10_000)
    monkeypatch.setenv("POLYDUB_HOME", str(tmp_path / "another machine"))
    second, job = Watcher(), in_bucket.model_copy(update={"out": tmp_path / "another out"})
    assert run(job, second) == ""
    assert not second.worked
    assert made(job) == made(in_bucket)
    assert (cut.n_met, cut_too.n_met) == (3, 3)


def test_refused_credentials_end_the_run_at_once(in_bucket: Job, s3_server: Seaweed, tmp_path: Path) -> None:
    wrong = s3_server.environment() | {"AWS_SECRET_ACCESS_KEY": "wrong", "POLYDUB_HOME": str(tmp_path / "home")}
    watcher = Watcher()
    with seaweed_environment(wrong):
        told = run(in_bucket, watcher)
    assert told.startswith(StoreRefused.__name__)
    assert "check the credentials" in told
    assert not watcher.worked


@pytest.mark.slow
def test_a_server_that_is_killed_and_comes_back_costs_no_work(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, done: Counter[str]
) -> None:
    monkeypatch.setattr(policy, "RETRY_BASE_S", 1.0)
    monkeypatch.setattr(policy, "N_RETRIES", 6)  # on a busy machine the server takes half a minute to come back
    server = Seaweed(tmp_path / "seaweed")
    server.start()

    def kill_for_a_while() -> None:
        server.kill()
        server.start()  # seconds, in which all other stages meet no server

    try:
        with seaweed_environment(server.environment() | {"POLYDUB_HOME": str(tmp_path / "home")}):
            job = job.model_copy(update={"store": server.new_bucket() / "store"})
            watcher = Watcher("translate es", kill_for_a_while)
            assert run(job, watcher) == ""
            assert run(job, Watcher()) == ""
            assert set(done.values()) == {1}
    finally:
        server.kill()


@pytest.mark.parametrize("kind", ["folder", "near"])
def test_a_full_disk_is_named_and_costs_no_finished_work(
    job: Job, tmp_path: Path, kind: str, request: pytest.FixtureRequest, done: Counter[str]
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", disk], capture_output=True, text=True)
    if mount.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mount.stderr.strip()}")
    try:
        if kind == "near":
            job = request.getfixturevalue("in_bucket")
            os.environ["POLYDUB_NEAR"] = str(disk)
        else:
            job = job.model_copy(update={"store": disk / "store"})
        ballast = disk / "ballast"

        def fill() -> None:
            with suppress(OSError), ballast.open("wb") as file:
                while True:
                    file.write(bytes(1 << 16))

        watcher = Watcher("translate es", fill)
        told = run(job, watcher)
        assert "is full" in told
        assert str(disk) in told
        blobs = [path for path in disk.rglob("cas/*/*") if path.is_file()]
        assert blobs
        assert all(sha256_of(path) == path.name for path in blobs), "nothing half-written has a name"
        assert not [path for path in disk.rglob("scratch/*") if path.is_dir()]
        finished = {Path(kept.name).stem for kept in open_store(str(job.store)).kept("memo")}
        ballast.unlink()
        after = Watcher()
        assert run(job, after) == ""
        assert {"ingest", "separate", "diarize"} <= after.cached, "what was finished is not done again"
        assert after.worked
        assert {n for work, n in done.items() if work.split()[1] in finished} == {1}
    finally:
        open_store.cache_clear()
        subprocess.run(["umount", "-l", disk], check=True)


@pytest.mark.slow
def test_collected_while_the_story_runs(job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Old work of a title that goes is taken up by a run while it is collected, over and over: no run fails, and none
    loses what its ledger names."""
    monkeypatch.setattr(ledger, "WRITTEN_EVERY_S", 0.2)
    folder = Path(str(job.store))
    assert run(job.model_copy(update={"title": "round 0"}), Watcher()) == ""
    for n in range(1, 4):
        for path in [*folder.glob("cas/*/*"), *folder.glob("memo/*/*")]:
            os.utime(path, (time.time() - 48 * 3600,) * 2)
        told: list[str] = []
        renamed = job.model_copy(update={"title": f"round {n}"})
        runner = threading.Thread(target=lambda told=told, renamed=renamed: told.append(run(renamed, Watcher())))
        runner.start()
        time.sleep(0.02 * n)
        going = [f"round {n - 1}"]
        sweep(open_store(str(folder)), older_than_s=0, grace_s=24 * 3600, titles=going, settle_s=0.5)
        runner.join()
        assert told == [""]
        open_store.cache_clear()
        store = open_store(str(folder))
        [title] = [each for each in titles_in(store) if each.title == f"round {n}"]
        named = {digest for use in _uses(store) for digest in use.artifacts}
        assert named == {kept.name.rpartition("/")[2] for kept in store.kept("cas")} & named
        assert title.n_artifacts == len(named)


def _uses(store: object) -> list[ledger.Use]:
    return [use for kept in store.kept("titles") for use in (ledger.read_ledger(store, kept.name) or ()).uses]  # type: ignore[attr-defined,union-attr,arg-type]
