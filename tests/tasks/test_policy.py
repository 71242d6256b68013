"""Both conductors: the same results, the same memo, retries only where trying again can help."""

from __future__ import annotations

import threading
import time

import pytest

from dub import progress
from dub.artifact import Record
from dub.errors import BadInput, StoreUnavailable
from dub.stage import Desk, stage
from tasks import policy
from tasks.cpu_slots import CpuSlots
from tasks.policy import submit
from tests.task_runs import task_states


class Number(Record):
    value: int


attempts: dict[str, int] = {}


@stage(version=1)
def count(desk: Desk, start: int) -> Number:
    progress.report(1, 2)
    return Number(value=start)


@stage(version=1)
def add(desk: Desk, left: Number, right: Number) -> Number:
    return Number(value=left.value + right.value)


@stage(version=1)
def flaky(desk: Desk, name: str, n_failures: int) -> Number:
    attempts[name] = attempts.get(name, 0) + 1
    if attempts[name] <= n_failures:
        raise StoreUnavailable("the bucket answers 503")
    return Number(value=attempts[name])


@stage(version=1)
def refuse(desk: Desk, name: str) -> Number:
    attempts[name] = attempts.get(name, 0) + 1
    raise BadInput("no")


class Diary(policy.Observer):
    """Observer that writes down what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def started(self, label: str) -> None:
        self.lines.append(f"started {label}")

    def progressed(self, label: str, done: int, total: int) -> None:
        self.lines.append(f"progress {label} {done}/{total}")

    def finished(self, label: str, is_cached: bool, seconds: float) -> None:
        self.lines.append(f"finished {label}{' cached' if is_cached else ''}")

    def failed(self, label: str, error: BaseException) -> None:
        self.lines.append(f"failed {label} {type(error).__name__}")


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "RETRY_BASE_S", 0.01)
    attempts.clear()


def graph(desk: Desk) -> int:
    """A small graph: two sources feed one sum."""
    one, two = submit(count, desk, 1, label="one"), submit(count, desk, 2, label="two")
    return submit(add, desk, one, two, label="sum").result().value


def test_a_graph_runs_on_threads_and_a_second_time_from_the_memo(desk: Desk) -> None:
    diary = Diary()
    with policy.observed_by(diary):
        assert graph(desk) == 3
        assert {"started one", "progress one 1/2", "finished sum"} <= set(diary.lines)
        diary.lines.clear()
        assert graph(desk) == 3
    assert sorted(diary.lines) == ["finished one cached", "finished sum cached", "finished two cached"]


def test_only_errors_that_say_so_are_tried_again(desk: Desk) -> None:
    assert submit(flaky, desk, "thread", 2).result().value == 3
    with pytest.raises(BadInput):
        submit(refuse, desk, "thread-refuse").result()
    assert attempts["thread-refuse"] == 1
    with pytest.raises(StoreUnavailable):
        submit(flaky, desk, "for ever", 99).result()
    assert attempts["for ever"] == policy.N_RETRIES + 1


def test_a_failed_input_fails_what_needs_it_and_nothing_else(desk: Desk) -> None:
    bad, good = submit(refuse, desk, "input"), submit(count, desk, 5)
    with pytest.raises(BadInput):
        submit(add, desk, bad, good).result()
    assert good.result().value == 5


def test_more_stages_than_slots_never_deadlock_and_never_crowd() -> None:
    slots, at_work, peak = CpuSlots(2), 0, 0
    lock = threading.Lock()

    def work(n_wanted: int) -> None:
        nonlocal at_work, peak
        with slots.held(n_wanted):
            with lock:
                at_work += min(n_wanted, 2)
                peak = max(peak, at_work)
            time.sleep(0.005)
            with lock:
                at_work -= min(n_wanted, 2)

    threads = [threading.Thread(target=work, args=(n % 4 + 1,)) for n in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)
        assert not thread.is_alive()
    assert peak == 2


@pytest.mark.slow
def test_the_same_graph_as_prefect_task_runs(prefect_server: str, desk: Desk) -> None:
    from prefect import flow

    seen: dict[str, object] = {}

    @flow(name="graph", persist_result=False)
    def run() -> int:
        from prefect.context import FlowRunContext

        context = FlowRunContext.get()
        assert context is not None
        assert context.flow_run is not None
        seen["run"] = context.flow_run.id
        return graph(desk) + submit(flaky, desk, "prefect", 1).result().value

    assert run() == 3 + 2
    assert task_states(seen["run"]) == {
        "one": "Completed",
        "two": "Completed",
        "sum": "Completed",
        "flaky": "Completed",
    }
    assert attempts["prefect"] == 2
    assert run() == 3 + 2
    assert task_states(seen["run"]) == {"one": "Cached", "two": "Cached", "sum": "Cached", "flaky": "Cached"}
    assert graph(desk) == 3, "what Prefect's conductor made, the threads' finds"
