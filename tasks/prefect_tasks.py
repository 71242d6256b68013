"""Stages as Prefect task runs; and several stages as one (`submit_whole`). Imported inside flow runs only."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache, partial
from typing import Any, Protocol

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.context import FlowRunContext
from prefect.states import Completed, Failed
from prefect.tasks import exponential_backoff

from dub.discreet import DiscreetError
from dub.discreet import whole as whole_error
from dub.stage import Stage
from tasks import policy
from tasks.relay import RelayAddress, Teller, relay_to
from tasks.task_runner import cluster_of, placed

_make_task: Any = task  # its overloads cannot see through a callable name

LOCALES_PER_GPU = 4
"""How many locales share a GPU of a cluster when a locale is one task run: while one is on it, the others translate,
mix and encode."""


class Whole(Protocol):
    """What a body of several stages ends with, on its way back from wherever it ran."""

    @property
    def failed(self) -> tuple[str, ...]: ...


def submit_stage(stage: Stage[Any, Any], label: str, inputs: tuple[Any, ...]) -> policy.Future:
    """One stage, one task run, named `Cached` on a memo hit."""
    n_gpus = 1.0 if stage.name in policy.gpu_stages_of(inputs) else 0.0
    with placed(_runner(), n_cpu=stage.n_cpu, n_gpus=n_gpus):
        future: policy.Future = _task_of(stage).submit(label, inputs, _relay())
    return future


def submit_whole(body: Callable[..., Whole], label: str, arguments: tuple[Any, ...], *, on_gpu: bool) -> Any:
    """One task run for all the stages that `body`, a function of a module, runs on threads. The future's state tells
    what failed; its result is there all the same."""
    with placed(_runner(), n_cpu=2, n_gpus=1 / LOCALES_PER_GPU if on_gpu else 0.0):
        # A partial: nobody looks into it on its way.
        return _whole_task().submit(label, partial(body, *arguments), _relay())


def whole_result(future: Any) -> Any:
    """What the body gave, be it that parts of it failed. Raises what broke the task run itself."""
    whole = future.result(raise_on_failure=False)
    if isinstance(whole, BaseException):
        raise whole_error(whole)
    return whole


def _runner() -> Any:
    context = FlowRunContext.get()
    return context.task_runner if context else None


def _relay() -> RelayAddress | None:
    """Where those who watch hear, when the stages work in other processes."""
    cluster = cluster_of(_runner())
    return None if cluster is None else relay_to(policy.observers(), cluster)


def _told(address: RelayAddress | None) -> AbstractContextManager[None]:
    return nullcontext() if address is None else policy.observed_by(Teller(address))


@lru_cache(maxsize=64)
def _task_of(stage: Stage[Any, Any]) -> Any:
    def run(label: str, inputs: tuple[Any, ...], watched_at: RelayAddress | None) -> Any:
        try:
            with _told(watched_at):
                outcome = policy.run_stage(stage, label, inputs)
        except Exception as error:  # Prefect logs what is raised and keeps it on its server
            raise DiscreetError.of(error) from None
        return Completed(name="Cached" if outcome.is_cached else "Completed", data=outcome.result)

    def may_retry(task: Any, task_run: Any, state: Any) -> bool:
        try:
            state.result()
        except BaseException as error:
            return policy.is_retryable(error)
        return False

    return _make_task(
        run,
        name=stage.name,
        description=stage.__doc__,
        task_run_name="{label}",
        retries=policy.N_RETRIES,
        retry_delay_seconds=exponential_backoff(backoff_factor=policy.RETRY_BASE_S),
        retry_jitter_factor=1,
        retry_condition_fn=may_retry,
        cache_policy=NO_CACHE,
        persist_result=False,
    )


@lru_cache(maxsize=1)
def _whole_task() -> Any:
    def run(label: str, body: Callable[[], Whole], watched_at: RelayAddress | None) -> Any:
        with policy.on_threads() as tally, _told(watched_at):
            try:
                whole = body()
            except Exception as error:
                raise DiscreetError.of(error) from None
        if whole.failed:
            return Failed(message=f"failed: {', '.join(whole.failed)}", data=whole)
        return Completed(name="Cached" if all(tally) else "Completed", data=whole)

    # No retries here: the stages inside have their own.
    return _make_task(run, name="dub", task_run_name="{label}", cache_policy=NO_CACHE, persist_result=False)
