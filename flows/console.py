"""What a person sees in the terminal: a bar per stage, the verdicts, the tables."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from dub.effort import total
from dub.effort_rows import duration, money, sentence
from tasks.policy import Observer, observed_by

if TYPE_CHECKING:
    from flows.outcome import RunReport

VERDICT_STYLE = {"ok": "green", "degraded": "yellow", "failed": "red", "awaiting approval": "cyan"}


class RunConsole(Observer):
    """Observer that draws a bar per stage at work and leaves a line per finished stage."""

    def __init__(self, console: Console, progress: Progress) -> None:
        self.console = console
        self.progress = progress
        self._bars: dict[str, TaskID] = {}
        self._lock = threading.Lock()
        self.n_cached = 0

    def started(self, label: str) -> None:
        with self._lock:
            self._bars[label] = self.progress.add_task(label, total=None)

    def progressed(self, label: str, done: int, total: int) -> None:
        self.progress.update(self._bars[label], completed=done, total=total or None)

    def finished(self, label: str, is_cached: bool, seconds: float) -> None:
        with self._lock:
            if is_cached:
                self.n_cached += 1
            if (bar := self._bars.pop(label, None)) is not None:
                self.progress.remove_task(bar)
            how = "from the memo" if is_cached else f"{seconds:.1f} s"
            self.console.print(f"  [green]✓[/] {label} [dim]{how}[/]", highlight=False)

    def failed(self, label: str, error: BaseException) -> None:
        with self._lock:
            if (bar := self._bars.pop(label, None)) is not None:
                self.progress.remove_task(bar)
            self.console.print(f"  [red]✗[/] {label}: {error}", highlight=False)


@contextmanager
def native_noise_in(log: Path) -> Iterator[TextIO]:
    """Send what C++ libraries print to file descriptor 2 into `log`; Python's own stderr goes on where it was.

    MediaPipe and its kin ignore every setting that should quiet them. Yields the stream that a person still sees.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stderr.flush()
    before, kept = sys.stderr, os.dup(2)
    with log.open("ab") as noise, os.fdopen(kept, "w", buffering=1) as seen:
        os.dup2(noise.fileno(), 2)
        sys.stderr = seen
        try:
            yield seen
        finally:
            seen.flush()
            os.dup2(kept, 2)
            sys.stderr = before


@contextmanager
def show_run(log: Path) -> Iterator[None]:
    """Draw progress on stderr while a run goes on; with POLYDUB_LOG=json write nothing but its events there."""
    from flows import json_log

    if json_log.is_wanted():
        with json_log.json_on_stderr(log):
            yield
        return
    with native_noise_in(log) as seen, _bars_on(Console(file=seen)) as run, observed_by(run):
        yield


@contextmanager
def _bars_on(console: Console) -> Iterator[RunConsole]:
    columns = (
        TextColumn("  {task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as progress:
        yield RunConsole(console, progress)


def print_verdicts(report: RunReport) -> None:
    """The run's end on stdout: a row per language, what the run took, and where the report is."""
    console = Console()
    whole = total(outcome.effort for outcome in report.outcomes)
    has_prices = whole.cost is not None
    table = Table("locale", "verdict", "video", "why", "work", *(["cost"] if has_prices else []), title=report.title)
    for outcome in report.outcomes:
        style = VERDICT_STYLE[outcome.ending]
        why = "\n".join(outcome.reasons[:3])
        video = outcome.files[0] if outcome.files else "-"
        row = [outcome.locale, f"[{style}]{outcome.ending}[/]", video, why, duration(outcome.effort.work_s)]
        table.add_row(*row, *([money(outcome.effort.cost, whole.currency)] if has_prices else []))
    console.print(table)
    if took := sentence(whole):
        console.print(f"Took: {took}", soft_wrap=True, highlight=False)
    console.print(f"Report: {report.html}", soft_wrap=True, highlight=False)
