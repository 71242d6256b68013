"""How stages run: one `submit`, two conductors, the same retries, CPU slots and progress for both.

Inside a Prefect flow run a stage becomes a task run (named `Cached` on a memo hit); outside, it runs on a thread.
Prefect persists nothing: the stages' own memo does (DESIGN section 7). Stages wait for their inputs on their own
thread, so a flow submits its whole graph at once and reads as a list of sentences.
"""

from __future__ import annotations

import logging
import random
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel

from dub import progress
from dub.discreet import DiscreetError, whole
from dub.errors import DubError
from dub.stage import Desk, Outcome, Stage
from dub.stage_call import ErrorLine
from tasks.cpu_slots import cpu_slots
from tasks.gpu_slots import gpu_devices, gpu_slot
from tasks.resident import work_on_gpu

R = TypeVar("R", bound=BaseModel)
logger = logging.getLogger("dub")

N_RETRIES = 3
RETRY_BASE_S = 2.0
N_THREADS = 512
"""Threads that mostly wait for their inputs; how much works at once is the CPU slots' affair."""


class Observer:
    """Whoever shows a run to a person, or counts it: overrides what it wants to hear. Called from many threads, by the
    thread that works: keep it short, and let no error out.

    A stage is `submitted`, has its inputs and waits for a place to work (`ready`), is `started`, and is `finished` or
    `failed`; one that the memo answers is never started, one that is tried again is started again.
    """

    def submitted(self, label: str) -> None: ...
    def ready(self, label: str) -> None: ...
    def started(self, label: str) -> None: ...
    def progressed(self, label: str, done: int, total: int) -> None: ...
    def finished(self, label: str, is_cached: bool, seconds: float) -> None: ...
    def failed(self, label: str, error: BaseException) -> None: ...


class Future(Protocol):
    def result(self) -> Any: ...


class Work(Generic[R]):
    """A submitted stage: pass it to further stages as if it were its result."""

    def __init__(self, stage: Stage[Any, R], label: str, arguments: tuple[Any, ...], future: Future) -> None:
        self.stage = stage
        self.label = label
        self.arguments = arguments
        self.future = future

    def result(self) -> R:
        """Wait for the stage's record; raises what the stage raised."""
        try:
            result: R = self.future.result()
        except DiscreetError as error:
            raise error.whole from None
        return result

    def seconds(self) -> float:
        """How long the stage's work took when it was done, be it now or in an earlier run."""
        self.result()
        known = self.stage.remembered(*_resolved(self.arguments))
        return known.seconds if known else 0.0


class Settled:
    """A future that has ended: what a Work is sent to another process with."""

    def __init__(self, value: Any, error: DubError | None = None) -> None:
        self._value, self._error = value, error

    def result(self) -> Any:
        if self._error is not None:
            raise self._error
        return self._value


def settled(work: Work[R]) -> Work[R]:
    """Wait for a Work; the same with its end instead of its future, all plain records."""
    try:
        arguments = _resolved(work.arguments)
        return Work(work.stage, work.label, arguments, Settled(work.result()))
    except Exception as error:
        return Work(work.stage, work.label, (), Settled(None, ErrorLine.of(error).error()))


def submit(stage: Stage[Any, R], *arguments: Any, label: str = "") -> Work[R]:
    """Start a stage as soon as its inputs (records, or Work of other stages) are there."""
    label = label or stage.name
    for observer in _observers.get():
        observer.submitted(label)
    conductor = _as_prefect_task if is_in_prefect_flow() and _tally.get() is None else _on_a_thread
    return Work(stage, label, arguments, conductor(stage, label, arguments))


@contextmanager
def on_threads() -> Iterator[list[bool]]:
    """Inside, stages run on threads of this process, also within a flow run: they are part of one task run. Yields a
    list that gets a word per finished stage: did the memo answer?"""
    tally: list[bool] = []
    token = _tally.set(tally)
    try:
        yield tally
    finally:
        _tally.reset(token)


_tally: ContextVar[list[bool] | None] = ContextVar("polydub_tally", default=None)


@contextmanager
def observed_by(observer: Observer) -> Iterator[None]:
    """Show every stage that is submitted inside to `observer`, beside whoever watches already."""
    token = _observers.set((*_observers.get(), observer))
    try:
        yield
    finally:
        _observers.reset(token)


@contextmanager
def unobserved() -> Iterator[None]:
    """Inside, nobody is shown what was shown already."""
    token = _observers.set(())
    try:
        yield
    finally:
        _observers.reset(token)


def observers() -> tuple[Observer, ...]:
    """Who watches here."""
    return _observers.get()


_observers: ContextVar[tuple[Observer, ...]] = ContextVar("polydub_observers", default=())
"""A context's own: of two runs in one process, neither hears the other's stages. Both conductors copy the context."""


@dataclass(frozen=True)
class Ran:
    """A stage that was asked for in this process, and what came of it."""

    stage: Stage[Any, Any]
    arguments: tuple[Any, ...]
    outcome: Outcome[Any]


@contextmanager
def runs_noted() -> Iterator[list[Ran]]:
    """Every stage that comes to a good end in this process meanwhile, in the order of their ends."""
    notes: list[Ran] = []
    _notes.append(notes)
    try:
        yield notes
    finally:
        _notes[:] = [other for other in _notes if other is not notes]


_notes: list[list[Ran]] = []


def run_stage(stage: Stage[Any, R], label: str, arguments: tuple[Any, ...]) -> Outcome[R]:
    """Answer from the memo, or work where the stage belongs, with progress shown. No retries: those are the
    conductor's."""
    observers = _observers.get()
    outcome = stage.remembered(*arguments)
    if outcome is None:
        for observer in observers:
            observer.ready(label)
        with _placed(stage, arguments) as do:
            for observer in observers:
                observer.started(label)
            progress.listen(lambda done, total: _progressed(observers, label, done, total))
            try:
                outcome = do(*arguments)
            except BaseException as error:
                for observer in observers:
                    observer.failed(label, error)
                raise
            finally:
                progress.listen(None)
    for observer in observers:
        observer.finished(label, outcome.is_cached, outcome.seconds)
    for notes in _notes:
        notes.append(Ran(stage, arguments, outcome))
    if (tally := _tally.get()) is not None:
        tally.append(outcome.is_cached)
    return outcome


def _progressed(observers: tuple[Observer, ...], label: str, done: int, total: int) -> None:
    for observer in observers:
        observer.progressed(label, done, total)


@contextmanager
def _placed(stage: Stage[Any, R], arguments: tuple[Any, ...]) -> Iterator[Callable[..., Outcome[R]]]:
    """Hold what the stage works on, and yield how to call it: a GPU's process where the desk says so and this machine
    has GPUs, else CPU slots of this process."""
    if stage.name in gpu_stages_of(arguments) and (devices := gpu_devices()):
        with gpu_slot(devices) as device:
            yield lambda *arguments: work_on_gpu(stage, arguments, device)
    else:
        with cpu_slots().held(stage.n_cpu):
            yield stage.work


def gpu_stages_of(arguments: tuple[Any, ...]) -> tuple[str, ...]:
    """What the desk among the arguments says."""
    return next((argument.gpu_stages for argument in arguments if isinstance(argument, Desk)), ())


def is_retryable(error: BaseException) -> bool:
    error = whole(error)
    return isinstance(error, DubError) and error.retryable


# --- a thread of our own -------------------------------------------------------------------------------------


def _on_a_thread(stage: Stage[Any, R], label: str, arguments: tuple[Any, ...]) -> Future:
    def work() -> R:
        resolved = _resolved(arguments)
        for attempt in range(N_RETRIES + 1):
            try:
                return run_stage(stage, label, resolved).result
            except DubError as error:
                if not is_retryable(error) or attempt == N_RETRIES:
                    raise
                delay_s = RETRY_BASE_S * 2**attempt * random.uniform(0.5, 1.5)
                logger.warning("%s: %s; trying again in %.1f s", label, type(error).__name__, delay_s)
                time.sleep(delay_s)
        raise AssertionError("unreachable")

    return _threads().submit(copy_context().run, work)


@lru_cache(maxsize=1)
def _threads() -> ThreadPoolExecutor:
    # First in, first out: a stage's inputs were submitted before it, so waiting for them cannot deadlock.
    return ThreadPoolExecutor(N_THREADS, thread_name_prefix="stage")


def _resolved(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(_map_work(argument, lambda work: work.result()) for argument in arguments)


def _map_work(value: Any, change: Callable[[Work[Any]], Any]) -> Any:
    if isinstance(value, Work):
        return change(value)
    if isinstance(value, tuple):
        return tuple(_map_work(item, change) for item in value)
    return value


# --- a Prefect task run ----------------------------------------------------------------------------------------


def is_in_prefect_flow() -> bool:
    if "prefect" not in sys.modules:
        return False
    from prefect.context import FlowRunContext

    return FlowRunContext.get() is not None


def _as_prefect_task(stage: Stage[Any, R], label: str, arguments: tuple[Any, ...]) -> Future:
    from tasks.prefect_tasks import submit_stage

    inputs = tuple(_map_work(argument, lambda work: work.future) for argument in arguments)
    return submit_stage(stage, label, inputs)
