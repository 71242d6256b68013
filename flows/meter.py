"""Observer that counts what the stages of one run do."""

from __future__ import annotations

import resource
import sys
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from dub.discreet import whole
from dub.run_metrics import Ending, LocaleMetrics, RunMetrics, StageMetrics
from flows.outcome import RunReport
from lang.bcp47 import Locale
from tasks.policy import Observer


@dataclass(frozen=True)
class _Seen:
    ready_at: float | None = None
    waited_s: float = 0.0
    n_starts: int = 0
    ending: Ending | None = None
    work_s: float = 0.0
    error: str = ""


class Meter(Observer):
    """Counts per label; `metrics` gives the record. A clock is read and a dict is written per event: microseconds."""

    def __init__(self, title: str, targets: Collection[Locale]) -> None:
        self.title = title
        self.targets = targets
        self._started = datetime.now(UTC)
        self._at_start = time.monotonic()
        self._seen: dict[str, _Seen] = {}
        self._lock = threading.Lock()

    def submitted(self, label: str) -> None:
        with self._lock:
            self._seen.setdefault(label, _Seen())

    def ready(self, label: str) -> None:
        self._note(label, ready_at=time.monotonic())

    def started(self, label: str) -> None:
        now = time.monotonic()
        with self._lock:
            seen = self._seen.get(label, _Seen())
            waited_s = seen.waited_s + (now - seen.ready_at if seen.ready_at is not None else 0.0)
            self._seen[label] = replace(seen, waited_s=waited_s, n_starts=seen.n_starts + 1, ready_at=None)

    def finished(self, label: str, is_cached: bool, seconds: float) -> None:
        self._note(label, ending="cached" if is_cached else "worked", work_s=seconds, error="")

    def failed(self, label: str, error: BaseException) -> None:
        self._note(label, ending="failed", error=type(whole(error)).__name__)

    def _note(self, label: str, **facts: object) -> None:
        with self._lock:
            self._seen[label] = replace(self._seen.get(label, _Seen()), **facts)  # type: ignore[arg-type]

    def metrics(self, report: RunReport | None, error: BaseException | None = None) -> RunMetrics:
        """The run so far. Stages that never had their inputs are left out."""
        output_s = {outcome.locale: outcome.effort.output_s for outcome in report.outcomes} if report else {}
        source_s = report.source_s if report else 0.0
        with self._lock:
            seen = dict(self._seen)
        return RunMetrics(
            title=self.title,
            verdict=report.ending if report else "failed",
            error=type(whole(error)).__name__ if error else "",
            started=self._started,
            seconds=time.monotonic() - self._at_start,
            source_s=source_s,
            stages=tuple(
                self._stage(label, each, output_s, source_s) for label, each in seen.items() if each.ending is not None
            ),
            locales=tuple(
                LocaleMetrics(locale=outcome.locale, verdict=outcome.ending, effort=outcome.effort)
                for outcome in (report.outcomes if report else ())
            ),
            peak_rss_bytes=_peak_rss_bytes(resource.RUSAGE_SELF),
            largest_child_rss_bytes=_peak_rss_bytes(resource.RUSAGE_CHILDREN),
        )

    def _stage(self, label: str, seen: _Seen, output_s: dict[Locale, float], source_s: float) -> StageMetrics:
        stage, locale = parts_of(label, self.targets)
        assert seen.ending is not None
        return StageMetrics(
            stage=stage,
            locale=locale,
            label=label,
            ending=seen.ending,
            work_s=seen.work_s,
            waited_s=seen.waited_s,
            n_retries=max(0, seen.n_starts - 1),
            media_s=source_s if locale is None else output_s.get(locale, 0.0) or source_s,
            error=seen.error,
        )


def parts_of(label: str, targets: Collection[Locale]) -> tuple[str, Locale | None]:
    """(stage, locale) of a label such as `speak pt-BR`; the locale is None for what is done once per source."""
    stage, *rest = label.split()
    return stage, next((target for target in targets if target in rest), None)


def _peak_rss_bytes(whose: int) -> int:
    peak = resource.getrusage(whose).ru_maxrss
    return int(peak) if sys.platform == "darwin" else int(peak) * 1024
