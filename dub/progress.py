"""Progress: a stage says how far it is, whoever conducts the run decides where that shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

ProgressSink = Callable[[int, int], None]
"""Called with (done, total) in the stage's own unit; total 0 means not known yet."""

_sink: ContextVar[ProgressSink | None] = ContextVar("polydub_progress", default=None)


def report(done: int, total: int) -> None:
    """Tell the conductor how far the running stage is. Cheap; silent when nobody listens."""
    sink = _sink.get()
    if sink is not None:
        sink(done, total)


def listen(sink: ProgressSink | None) -> None:
    """Send this context's progress (this thread's, and what it copies its context to) to `sink`."""
    _sink.set(sink)


@contextmanager
def part(start: float, end: float) -> Iterator[None]:
    """What is reported inside fills this share of the whole, 0 <= start <= end <= 1, whatever its own unit."""
    outer = _sink.get()
    if outer is None:
        yield
        return

    def scaled(done: int, total: int) -> None:
        if total:
            outer(round(1000 * (start + (end - start) * min(1.0, done / total))), 1000)

    _sink.set(scaled)
    try:
        yield
    finally:
        _sink.set(outer)
        outer(round(1000 * end), 1000)
