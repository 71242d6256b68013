"""RunMetrics: what one run did, stage by stage: for machines that watch many runs, not for the report of a dub."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal

from dub.artifact import Record
from dub.effort import Effort
from lang.bcp47 import Locale

if TYPE_CHECKING:
    import pandas

Ending = Literal["worked", "cached", "failed"]


class StageMetrics(Record):
    """One stage of one run. `locale`: None for what is done once per source.

    `work_s`: seconds that its work took when it was done (`cached`: in an earlier run). `waited_s`: from when its
    inputs were there until it had a place to work. `n_retries`: how often it was started again. `media_s`: seconds of
    film that it worked on, 0 where that is not known.
    """

    stage: str
    locale: Locale | None
    label: str
    ending: Ending
    work_s: float = 0.0
    waited_s: float = 0.0
    n_retries: int = 0
    media_s: float = 0.0
    error: str = ""

    @property
    def real_time_factor(self) -> float | None:
        """Seconds of work per second of film: under 1 is faster than it plays."""
        return self.work_s / self.media_s if self.media_s and self.ending != "failed" else None


class LocaleMetrics(Record):
    """One language's end. `verdict`: ok, degraded, failed or awaiting approval."""

    locale: Locale
    verdict: str
    effort: Effort


class RunMetrics(Record):
    """A whole run. `verdict`: the worst of its languages, or failed. `seconds`: by the clock, from start to end.

    Peaks of resident memory in bytes are of the process that ran the flow since it began, and of the largest child it
    has waited for: stages share a process, so one stage's own peak cannot be told.
    """

    schema_version: Literal[1] = 1
    title: str
    verdict: str
    error: str = ""
    started: datetime
    seconds: float
    source_s: float = 0.0
    stages: tuple[StageMetrics, ...]
    locales: tuple[LocaleMetrics, ...]
    peak_rss_bytes: int
    largest_child_rss_bytes: int

    @property
    def worked_s(self) -> float:
        """Seconds of work done in this run, and not in an earlier one."""
        return sum(stage.work_s for stage in self.stages if stage.ending == "worked")

    @property
    def cached_share(self) -> float:
        """Share of the stages that the memo answered; 0 when there were none."""
        return sum(stage.ending == "cached" for stage in self.stages) / max(1, len(self.stages))


def stage_table(metrics: RunMetrics) -> pandas.DataFrame:
    """One row per stage: tables of many runs can be put under one another."""
    import pandas

    rows = [
        {"title": metrics.title, "started": metrics.started.isoformat()}
        | stage.model_dump(mode="json")
        | {"real_time_factor": stage.real_time_factor}
        for stage in metrics.stages
    ]
    return pandas.DataFrame(rows)
