"""Observer that keeps one progress artifact per language, and one for the source, on the page of a Prefect flow run."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Any

from flows.meter import parts_of
from lang.bcp47 import Locale
from tasks.policy import Observer, observed_by

PERIOD_S, LONGEST_PERIOD_S = 3.0, 300.0
SHARE = 0.02
"""Of the time that updates may take. One costs 9 ms here and a row's write on the server: three languages are told
every 3 s, 140 every minute."""

logger = logging.getLogger("dub")


def artifact_key(*parts: str) -> str:
    """What Prefect takes for a key: lower-case letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-")


@dataclass
class _Line:
    """One artifact: the share done of every stage that was submitted, and what the server was last told."""

    done: dict[str, float] = field(default_factory=dict)
    at_work: str = ""
    told: tuple[float, str] = (0.0, "")
    artifact_id: Any = None

    def now(self) -> tuple[float, str]:
        """Percent, which never falls (stages are submitted as the story goes on), and words."""
        percent = 100 * sum(self.done.values()) / max(1, len(self.done))
        n_done = sum(share >= 1 for share in self.done.values())
        words = f"{n_done} of {len(self.done)} stages" + (f", at work: {self.at_work}" if self.at_work else "")
        return max(percent, self.told[0]), words


class ProgressArtifacts(Observer):
    """Collects what is done; `push` tells the server what has changed."""

    def __init__(self, targets: Collection[Locale]) -> None:
        self.targets = targets
        self._lines: dict[Locale | None, _Line] = {locale: _Line() for locale in (None, *targets)}
        self._lock = threading.Lock()

    def submitted(self, label: str) -> None:
        self._note(label, 0.0)

    def started(self, label: str) -> None:
        self._note(label, 0.0, at_work=label.split()[0])

    def progressed(self, label: str, done: int, total: int) -> None:
        if total:
            self._note(label, min(1.0, done / total))

    def finished(self, label: str, is_cached: bool, seconds: float) -> None:
        self._note(label, 1.0, at_work="")

    def failed(self, label: str, error: BaseException) -> None:
        self._note(label, 0.0, at_work=f"{label.split()[0]} failed")

    def _note(self, label: str, share: float, at_work: str | None = None) -> None:
        _, locale = parts_of(label, self.targets)
        with self._lock:
            line = self._lines[locale]
            line.done[label] = share
            line.at_work = line.at_work if at_work is None else at_work

    def push(self) -> None:
        """Create or update what has changed since the last push."""
        from prefect.artifacts import create_progress_artifact, update_progress_artifact

        with self._lock:
            known = [(locale, line, line.now()) for locale, line in self._lines.items() if line.done]
        changed = [(locale, line, now) for locale, line, now in known if now != line.told]
        for locale, line, (percent, words) in changed:
            name = locale or "source"
            described = f"{name}: {words}"
            if line.artifact_id is None:
                key = artifact_key("progress", name)
                line.artifact_id = create_progress_artifact(progress=percent, key=key, description=described)
            else:
                update_progress_artifact(line.artifact_id, progress=percent, description=described)
            line.told = (percent, words)


def pause_after(seconds: float, period_s: float) -> float:
    """How long to wait after an update that took `seconds`. Bounded: a server that did not answer in time is asked
    again."""
    return max(period_s, min(LONGEST_PERIOD_S, seconds / SHARE))


@contextmanager
def progress_artifacts(targets: Collection[Locale], period_s: float = PERIOD_S) -> Iterator[None]:
    """Show what is done inside, every `period_s` or less often where updates take long, and at the end. To be entered
    in a flow run. A server that does not answer is a warning: it never stops the work."""
    progress, is_over = ProgressArtifacts(targets), threading.Event()

    def push() -> float:
        """Returns the seconds it took."""
        begun = time.monotonic()
        try:
            progress.push()
        except Exception as error:
            logger.warning("progress could not be told to Prefect: %s", type(error).__name__)
        return time.monotonic() - begun

    def keep_pushing() -> None:
        pause_s = period_s
        while not is_over.wait(pause_s):
            pause_s = pause_after(push(), period_s)

    thread = threading.Thread(target=copy_context().run, args=(keep_pushing,), name="progress-artifacts", daemon=True)
    thread.start()
    try:
        with observed_by(progress):
            yield
    finally:
        is_over.set()
        thread.join()
        push()
