"""Where a flow run's task runs work: on threads of its own process, or on a Dask or Ray cluster. A setting of the place
that runs the flow (a machine, a work pool's job variables), never of the title: the results are the same.

POLYDUB_TASK_RUNNER   threads (default)
                      dask, dask:4            a cluster of 2 (4) worker processes on this machine, for this run
                      dask://host:8786        an existing scheduler (dask+tls:// for an encrypted one)
                      ray, ray:4              likewise with Ray
                      ray://host:10001        an existing Ray cluster

What crosses are names of stages, records and artifacts; cluster and flow run must have the same code and store.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dub.errors import BadInput, EngineUnavailable
from tasks.gpu_slots import gpu_devices

SETTING = "POLYDUB_TASK_RUNNER"
N_LOCAL_WORKERS = 2
_ROOT = Path(__file__).resolve().parents[1]


def task_runner(n_threads: int, setting: str | None = None) -> Any:
    """A Prefect task runner, from the environment's setting. `n_threads`: of the thread runner.

    Raises BadInput for a setting that is none, EngineUnavailable when its package is missing. Starts nothing.
    """
    said = (os.environ.get(SETTING, "") if setting is None else setting).strip() or "threads"
    if said == "threads":
        from prefect.task_runners import ThreadPoolTaskRunner

        return ThreadPoolTaskRunner(max_workers=n_threads)
    if here := re.fullmatch(r"(dask|ray)(?::([1-9][0-9]*))?", said):
        make = _dask if here[1] == "dask" else _ray
        return make("", int(here[2] or N_LOCAL_WORKERS))
    if there := re.fullmatch(r"(dask|dask\+tls|ray)(://[^/\s]+)", said):
        scheme = {"dask": "tcp", "dask+tls": "tls", "ray": "ray"}[there[1]]
        make = _ray if scheme == "ray" else _dask
        return make(scheme + there[2], 0)
    raise BadInput(f"{SETTING}={said!r} is no task runner", mend="threads, dask, dask:4, dask://host:8786, ray, ...")


def _dask(address: str, n_workers: int) -> Any:
    try:
        from prefect_dask.task_runners import DaskTaskRunner
    except ModuleNotFoundError as error:
        raise _missing("dask", error) from error
    if address:
        return DaskTaskRunner(address=address)
    # One thread each: a stage fills its process's CPU slots, and workers share the cores.
    workers: dict[str, Any] = {"n_workers": n_workers, "threads_per_worker": 1, "dashboard_address": None}
    workers |= {"env": _worker_environment(), "silence_logs": logging.ERROR}
    if devices := gpu_devices():
        workers["resources"] = {"GPU": len(devices)}  # the slots on this machine hold them apart
    return DaskTaskRunner(cluster_kwargs=workers)


def _ray(address: str, n_workers: int) -> Any:
    try:
        import ray  # noqa: F401
        from prefect_ray import RayTaskRunner
    except ModuleNotFoundError as error:
        raise _missing("ray", error) from error
    if address:
        return RayTaskRunner(address=address, init_kwargs={"runtime_env": {"env_vars": {"OPENBLAS_NUM_THREADS": "1"}}})
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    return RayTaskRunner(
        init_kwargs={
            "num_cpus": n_workers,
            "num_gpus": len(gpu_devices()),
            "include_dashboard": False,
            "log_to_driver": False,
            "runtime_env": {"env_vars": _worker_environment() | {"PYTHONPATH": str(_ROOT)}},
        }
    )


def _worker_environment() -> dict[str, str]:
    """For a worker process on this machine: one of several that share the cores."""
    return {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "POLYDUB_CPU_SLOTS": "1"}


def _missing(extra: str, error: ModuleNotFoundError) -> EngineUnavailable:
    return EngineUnavailable(
        f"{SETTING} asks for {extra}, which needs the Python package {error.name!r}",
        mend=f"pip install '.[{extra}]'",
    )


def cluster_of(runner: Any) -> str | None:
    """The address of the cluster that a runner's tasks work on, "" for one on this machine; None for threads of this
    process."""
    if type(runner).__module__.partition(".")[0] not in ("prefect_dask", "prefect_ray"):
        return None
    return str(runner.address or "")


@contextmanager
def placed(runner: Any, *, n_cpu: int, n_gpus: float) -> Iterator[None]:
    """What is submitted inside goes where it has room: to a worker with the resource GPU where it wants one. On threads
    nothing is to be said: the process's own CPU and GPU slots do it.

    Raises EngineUnavailable when a GPU is wanted and no worker of the cluster offers one: it would wait for ever.
    """
    kind = type(runner).__module__.partition(".")[0]
    if cluster_of(runner) == "" and not gpu_devices():  # a machine without GPUs works as it does on threads
        n_gpus = 0.0
    if kind == "prefect_dask" and n_gpus:
        import dask

        _check_offered(
            any("GPU" in worker["resources"] for worker in runner.client.scheduler_info()["workers"].values())
        )
        with dask.annotate(resources={"GPU": n_gpus}):  # type: ignore[attr-defined]
            yield
    elif kind == "prefect_ray":
        import ray
        from prefect_ray.context import remote_options

        if not runner.address:  # on this machine a worker is a CPU to Ray, whatever it does
            n_cpu = 1
        options: dict[str, Any] = {"num_cpus": n_cpu}
        if n_gpus:
            _check_offered("GPU" in ray.cluster_resources())  # type: ignore[no-untyped-call]
            options |= {"num_gpus": n_gpus, "max_calls": 0}  # 0: the process is kept, and its model
        with remote_options(**options):
            yield
    else:
        yield


def _check_offered(is_offered: bool) -> None:
    if not is_offered:
        raise EngineUnavailable(
            "the plan's gpu_stages ask for a GPU, and no worker of the cluster offers the resource GPU",
            mend="start its workers with it (Dask: --resources GPU=1), set POLYDUB_GPUS, or empty gpu_stages",
        )
