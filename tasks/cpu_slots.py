"""CPU slots: as many stages at work at once in this process as the machine has cores for."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache


class CpuSlots:
    """A wide stage takes several slots, and none starves: first come, first served."""

    def __init__(self, n_slots: int) -> None:
        self.n_slots = n_slots
        self._n_free = n_slots
        self._turn = threading.Condition()
        self._queue: list[object] = []

    @contextmanager
    def held(self, n_wanted: int) -> Iterator[None]:
        n_taken = min(n_wanted, self.n_slots)
        ticket = object()
        with self._turn:
            self._queue.append(ticket)
            self._turn.wait_for(lambda: self._queue[0] is ticket and self._n_free >= n_taken)
            self._queue.pop(0)
            self._n_free -= n_taken
            self._turn.notify_all()
        try:
            yield
        finally:
            with self._turn:
                self._n_free += n_taken
                self._turn.notify_all()


@lru_cache(maxsize=1)
def cpu_slots() -> CpuSlots:
    """This process's slots: $POLYDUB_CPU_SLOTS, or the cores that it may use."""
    return CpuSlots(int(os.environ.get("POLYDUB_CPU_SLOTS", 0)) or len(os.sched_getaffinity(0)))
