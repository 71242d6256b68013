"""The watcher at a queue: poison, back-pressure, bursts, outages, and the run that a newer upload overtakes. S3 and
Prefect are real servers; SQS is moto's (tests/sqs.py)."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dub.bucket import Bucket
from dub.errors import BadInput
from flows.watch_bucket import QueueWatcher, sweep
from tests.flows.test_dub_title import TOY, script, talk  # noqa: F401  (fixtures)
from tests.flows.test_uploads import s3_event
from tests.flows.watching import ROOT, Watched, execute, running, wait_until, watched  # noqa: F401  (fixture)
from tests.sqs import Queue


def watch(queue: Queue, watched: Watched, stop: threading.Event) -> Counter[str]:  # noqa: F811
    return QueueWatcher(queue.url, watched.settings, watched.api, stop).run()


def test_poison_goes_to_the_dead_letters_and_the_others_go_on(queue: Queue, watched: Watched) -> None:  # noqa: F811
    poison = ["no event", json.dumps({"Records": [{"hello": 1}]}), json.dumps(s3_event("in/../talk.mp4"))]
    good = [watched.put(f"talk{number}.mp4") for number in range(4)]
    test_event = json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": watched.bucket.bucket})
    queue.send([*poison, *good, test_event])
    with running(lambda stop: watch(queue, watched, stop)):
        wait_until(lambda: queue.n_dead() == 3 and queue.n_messages() == 0)
    assert len(watched.runs()) == 4


def test_duplicates_are_one_run_and_every_message_is_done_with(queue: Queue, watched: Watched) -> None:  # noqa: F811
    queue.send([watched.put("talk.mp4")] * 5)
    with running(lambda stop: watch(queue, watched, stop)):
        wait_until(lambda: queue.n_messages() == 0)
    assert len(watched.runs()) == 1
    assert queue.n_dead() == 0


def test_a_held_message_stays_invisible_and_its_run_waits_for_a_place(queue: Queue, watched: Watched) -> None:  # noqa: F811
    watched.max_active_runs = 1
    one, two = (json.loads(watched.put(name)) for name in ("one.mp4", "two.mp4"))
    queue.send([json.dumps({"Records": one["Records"] + two["Records"]})])
    with running(lambda stop: watch(queue, watched, stop)):
        wait_until(lambda: len(watched.runs()) == 1)
        time.sleep(5)  # twice its visibility and more
        assert (queue.n_messages(), queue.n_visible()) == (1, 0)
        [first] = watched.runs()
        watched.finish(first["id"])
        wait_until(lambda: queue.n_messages() == 0)
    assert len(watched.runs()) == 2
    assert queue.n_dead() == 0


def test_a_full_deployment_receives_nothing(queue: Queue, watched: Watched) -> None:  # noqa: F811
    watched.max_active_runs = 1
    queue.send([watched.put("one.mp4"), watched.put("two.mp4")])
    with running(lambda stop: watch(queue, watched, stop)):
        wait_until(lambda: len(watched.runs()) == 1)
        time.sleep(3)
        assert queue.n_visible() == 1, "it lies there for whoever has a place"
    assert len(watched.runs()) == 1


def test_a_drain_ends_by_itself(queue: Queue, watched: Watched) -> None:  # noqa: F811
    queue.send([watched.put("talk.mp4")])
    began = time.monotonic()
    counts = QueueWatcher(queue.url, watched.settings, watched.api, threading.Event()).run(seconds=3)
    assert counts == {"started": 1}
    assert time.monotonic() - began < 15
    assert queue.n_messages() == 0


def test_the_deployments_flow_drains_and_says_what_came(queue: Queue, watched: Watched) -> None:  # noqa: F811
    from flows.watch_flow import watch_bucket_flow

    queue.send([watched.put("talk.mp4"), watched.put("notes.txt")])
    state = watch_bucket_flow(queue.url, str(watched.write_config()), seconds=3, return_state=True)
    assert (state.type.value, state.message) == ("COMPLETED", "1 ignored, 1 started")
    refused = watch_bucket_flow(return_state=True)
    assert refused.is_failed()
    assert "POLYDUB_WATCH_QUEUE" in str(refused.message)


@pytest.mark.slow
def test_sigterm_gives_back_what_it_holds(queue: Queue, watched: Watched) -> None:  # noqa: F811
    watched.max_active_runs = 1
    one, two = (json.loads(watched.put(name)) for name in ("one.mp4", "two.mp4"))
    queue.client.set_queue_attributes(QueueUrl=queue.url, Attributes={"VisibilityTimeout": "300"})
    queue.send([json.dumps({"Records": one["Records"] + two["Records"]})])
    watcher = subprocess.Popen(
        [sys.executable, "-m", "flows.cli", "watch", "--queue", queue.url, "--config", str(watched.write_config())],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        wait_until(lambda: len(watched.runs()) == 1)
        watcher.send_signal(signal.SIGTERM)
        told, log = watcher.communicate(timeout=30)
    finally:
        watcher.kill()
    assert watcher.returncode == 0, log
    assert told == "1 given back, 1 started\n" or told == "1 given back\n", told
    assert queue.n_visible() == 1, "not in 300 s: now"
    assert "talk" not in log.replace(str(watched.bucket), "")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_burst_of_500_is_500_runs_and_never_more_than_the_limit_at_once(queue: Queue, watched: Watched) -> None:  # noqa: F811
    watched.max_active_runs = 8
    names = [f"{number % 7}/talk{number}.mp4" for number in range(500)]
    with ThreadPoolExecutor(8) as pool:
        queue.send(pool.map(watched.put, names))
    most, done = 0, 0

    def work_it_off() -> None:
        nonlocal most, done
        active = watched.runs_active()
        most = max(most, len(active))
        for run_id in active:
            watched.finish(run_id)
            done += 1

    with running(lambda stop: watch(queue, watched, stop)):
        deadline = time.monotonic() + 700  # under a minute where nothing else runs
        while done < 500 and time.monotonic() < deadline:
            work_it_off()
        wait_until(lambda: queue.n_messages() == 0)
    runs = watched.runs()
    assert len(runs) == len({job["source"] for job in watched.jobs()}) == 500
    assert 1 <= most <= 8
    assert queue.n_dead() == 0


def test_a_sweep_finds_what_no_event_told(watched: Watched) -> None:  # noqa: F811
    told = watched.put("told.mp4")
    watched.put("untold.mp4")
    watched.put("notes.txt")
    watched.answer(told)
    stop = threading.Event()
    assert sweep(watched.settings, watched.api, stop) == {"known": 1, "started": 1}
    assert sweep(watched.settings, watched.api, stop) == {"known": 2}
    assert len(watched.runs()) == 2


def test_a_queue_or_deployment_that_is_not_there_is_said_at_once(queue: Queue, watched: Watched) -> None:  # noqa: F811
    with pytest.raises(BadInput, match="cannot use the queue"):
        QueueWatcher(queue.url + "-gone", watched.settings, watched.api, threading.Event())
    watched.deployment = "dub-title/nobody"
    with pytest.raises(BadInput, match="no deployment 'dub-title/nobody'"):
        QueueWatcher(queue.url, watched.settings, watched.api, threading.Event())


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_overwritten_while_its_run_works(
    watched: Watched, talk: Path, script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:  # fmt: skip
    """The older run publishes nothing and says so; the newer publishes its own."""
    monkeypatch.setenv("POLYDUB_HOME", str(tmp_path / "home"))
    store = tmp_path / "store"
    watched.defaults = f'targets = ["es"]\nsource_locale = "en"\nprofile = "{TOY}"'
    watched.put("talk.en.srt", script.read_bytes())
    watched.put("talk.polydub.toml", b'scripts = { en = "talk.en.srt" }')
    [older] = watched.answer(watched.put("talk.mp4", talk.read_bytes()))
    monkeypatch.setenv("POLYDUB_STORE", str(store))
    child = execute(older.run_id)
    wait_until(lambda: list(store.glob("memo/ingest/*")), timeout_s=200)
    [newer] = watched.answer(watched.put("talk.mp4", talk.read_bytes() + b"\0\0\0\x08free"))
    child.wait(280)
    run = watched.api.run(older.run_id)
    assert (run.state_type, run.state_name) == ("CANCELLED", "Superseded")
    assert "replaced" in run.message
    assert watched.names("out/") <= {"out/talk/.polydub", "out/talk/talk.job.json"}, "what stands there before any work"
    assert newer.run_id != older.run_id
    execute(newer.run_id).wait(280)
    assert watched.api.run(newer.run_id).state_type in ("COMPLETED", "FAILED")
    assert {"out/talk/talk.es.mp4", "out/talk/report.html"} <= watched.names("out/")
    dub = Bucket(watched.bucket.bucket).head("out/talk/talk.es.mp4")
    assert dub is not None
