"""Engines whose packages clash with ours: each in a process of its own, spoken to by lines of JSON over pipes.

Nothing is ever unpickled, and sound never goes over the line: it goes by files in the worker's scratch folder. The
other end is engines/workers/worker_protocol.py; the virtual environment is made by engines/worker_venv.py.
"""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import tempfile
import threading
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dub.errors import BadInput, EngineFailed
from engines.worker_process import Died, Parameter, WorkerProcess

log = logging.getLogger(__name__)

# What a worker is told of our environment: no keys, no tokens, nothing that points Python elsewhere.
_PASSED_ON = (
    "PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES",
    "CUDA_DEVICE_ORDER", "NVIDIA_VISIBLE_DEVICES",
)  # fmt: skip
_NO_HUB = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}


class Worker:
    """One worker process, started by the first call; calls queue behind one another.

    It is loaded anew after `max_jobs` calls (libraries leak) and after a crash, when the call is tried once more. It
    ends with this process, however this process ends.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        load: Mapping[str, Parameter],
        *,
        deadline_s: float = 300.0,
        load_deadline_s: float = 900.0,
        max_jobs: int = 500,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """`load`: parameters of its method `load`, called after every start. Deadlines are per call, in seconds."""
        self._name, self._command, self._load = name, list(command), dict(load)
        self._deadline_s, self._load_deadline_s, self._max_jobs = deadline_s, load_deadline_s, max_jobs
        passed_on = {key: os.environ[key] for key in _PASSED_ON if key in os.environ}
        self._environment = passed_on | _NO_HUB | dict(environment or {})
        self._lock = threading.Lock()
        self._process: WorkerProcess | None = None
        self._n_jobs = 0
        self.package = ""
        """Distribution and version that the worker told in its hello; "" before the first call."""
        self.scratch = Path(tempfile.mkdtemp(prefix=f"polydub-{name}-"))
        """For the files that requests and replies name."""
        _living.add(self)

    def call(self, method: str, **parameters: Parameter) -> dict[str, Any]:
        """Ask and wait for the answer.

        Raises BadInput for what the worker refuses, EngineFailed where the method fails or the process dies twice
        (with the last lines of its stderr), ToolTimedOut at the deadline, when the process is killed with all it
        started.
        """
        with self._lock:
            try:
                try:
                    return self._try(method, parameters)
                except Died:
                    log.warning("the worker %s died and is started again", self._name)  # its last lines may quote
                    self._end()
                    return self._try(method, parameters)
            except Died as death:
                self._end()
                raise EngineFailed(f"the worker {self._name} {death}") from None
            except (EngineFailed, BadInput):
                raise
            except BaseException:  # the line may hold half a message
                self._end()
                raise

    def close(self) -> None:
        """End the process, with all it started, and remove its scratch folder."""
        with self._lock:
            self._end()
            shutil.rmtree(self.scratch, ignore_errors=True)

    def _try(self, method: str, parameters: Mapping[str, Parameter]) -> dict[str, Any]:
        if self._process is not None and self._n_jobs >= self._max_jobs:
            self._end()
        if self._process is None:
            self._start()
        assert self._process is not None
        self._n_jobs += 1
        return self._process.ask(method, parameters, self._deadline_s)

    def _start(self) -> None:
        self._process = WorkerProcess(self._name, self._command, self._environment, self.scratch)
        self._n_jobs = 0
        self.package = self._process.hello(self._load_deadline_s)
        try:
            self._process.ask("load", self._load, self._load_deadline_s)
        except (EngineFailed, BadInput):
            self._end()
            raise

    def _end(self) -> None:
        if self._process is not None:
            self._process.end()
            self._process = None


_living: weakref.WeakSet[Worker] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    for worker in list(_living):
        worker.close()
