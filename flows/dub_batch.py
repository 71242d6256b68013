"""The story of a batch: every title of a manifest whose results are not what they would be now.

What is done is passed over without starting anything; what fails, fails alone; the summary says how each title and
language ended. The same function is the command line's and the deployment's (flows/batch_flow.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from dub.artifact import Record
from dub.errors import BadInput, DubError, StoreUnavailable
from dub.finding import Level
from dub.location import Location
from dub.manifest import Batch, ManifestTitle, read_manifest
from flows import dub_title as story
from flows.batch_preflight import check_titles
from flows.done_marker import (
    DoneMarker,
    digest_of,
    facts_of,
    missing_files,
    read_marker,
    why_changed,
    write_marker,
)
from flows.outcome import LocaleOutcome
from flows.publish import check_writable

Status = Literal["new", "changed", "incomplete", "unchanged", "broken"]
N_LOOKED_UP_AT_ONCE = 16
"""Titles whose sources and markers are looked up in S3 at a time."""


@dataclass(frozen=True)
class PlannedTitle:
    """What is to be done with a title, and why. `facts`: what it is made of now; {} when it is broken."""

    title: ManifestTitle
    status: Status
    why: str
    facts: dict[str, str]
    marker: DoneMarker | None = None

    @property
    def is_to_run(self) -> bool:
        return self.status in ("new", "changed", "incomplete")

    @property
    def digest(self) -> str:
        return digest_of(self.facts)


class TitleOutcome(Record):
    """How a title ended. `minutes`: the source's length; `took_s`: from its start to its end in this run."""

    title: str
    status: Status
    why: str
    out: Location
    outcomes: tuple[LocaleOutcome, ...]
    minutes: float = 0.0
    took_s: float = 0.0

    @property
    def verdict(self) -> Level:
        """The worst of the languages that came to their end."""
        verdicts = {outcome.verdict for outcome in self.outcomes if not outcome.awaits_approval}
        return next((level for level in (Level.FAILED, Level.DEGRADED) if level in verdicts), Level.OK)

    @property
    def awaits_approval(self) -> bool:
        """Whether a language does."""
        return any(outcome.awaits_approval for outcome in self.outcomes)


class BatchReport(Record):
    """A whole batch's end, its titles in the manifest's order. `started`, `ended`: ISO 8601, UTC."""

    schema_version: Literal[1] = 1
    manifest: Location
    out: Location
    started: str
    ended: str
    titles: tuple[TitleOutcome, ...]

    @property
    def failed(self) -> list[TitleOutcome]:
        return [title for title in self.titles if title.verdict is Level.FAILED]


@dataclass(frozen=True)
class Ended:
    """How a title's run ended, as whoever ran it found."""

    planned: PlannedTitle
    outcomes: tuple[LocaleOutcome, ...]
    minutes: float
    took_s: float


RunTitles = Callable[[Sequence[PlannedTitle]], Iterator[Ended]]
"""Runs titles, and yields each when it has ended, in any order. It never raises for what is one title's own fault."""


def dub_batch(
    batch: Batch, run: RunTitles | None = None, told: Callable[[TitleOutcome], None] | None = None
) -> BatchReport:
    """Dub what is not done. `run`: who does the work (default: this process, one title after another); `told` hears of
    every title when it has ended.

    Raises BadInput for a manifest that is wrong, before anything is started.
    """
    started = _now()
    planned = plan_batch(batch, works_here=run is None)
    check_writable(batch.out)
    ends = {id(each): _passed_over(each) for each in planned if not each.is_to_run}
    for end in (run or one_after_another)([each for each in planned if each.is_to_run]):
        ends[id(end.planned)] = outcome = _finished(end)
        if told is not None:
            told(outcome)
    titles = tuple(ends[id(each)] for each in planned)
    return BatchReport(manifest=batch.manifest, out=batch.out, started=started, ended=_now(), titles=titles)


def plan_batch(batch: Batch, *, works_here: bool = True) -> list[PlannedTitle]:
    """What would be run now, and why; starts and writes nothing. Raises BadInput for a manifest that is wrong."""
    titles = read_manifest(batch)
    check_titles(titles, batch.manifest, works_here=works_here)
    with ThreadPoolExecutor(N_LOOKED_UP_AT_ONCE, thread_name_prefix="look up") as threads:
        return list(threads.map(_planned, titles))


def one_after_another(planned: Iterable[PlannedTitle]) -> Iterator[Ended]:
    """In this process: the stages of one title fill the machine as it is."""
    for each in planned:
        started = datetime.now(UTC)
        try:
            report = story.dub_title(each.title.job)
            outcomes, minutes = report.outcomes, report.source_s / 60
        except Exception as error:
            outcomes, minutes = failed_everywhere(each, _in_words(error)), 0.0
        yield Ended(each, outcomes, minutes, (datetime.now(UTC) - started).total_seconds())


def failed_everywhere(planned: PlannedTitle, reason: str) -> tuple[LocaleOutcome, ...]:
    targets = planned.title.job.targets
    return tuple(LocaleOutcome(locale=locale, verdict=Level.FAILED, reasons=(reason,)) for locale in targets)


def _planned(title: ManifestTitle) -> PlannedTitle:
    job = title.job
    try:
        facts, marker = facts_of(job), read_marker(job.out, title.name)
        if marker is None:
            return PlannedTitle(title, "new", "not done yet", facts)
        if marker.digest != digest_of(facts):
            return PlannedTitle(title, "changed", why_changed(marker.facts, facts), facts, marker)
        if missing := missing_files(marker, job.out):
            return PlannedTitle(title, "incomplete", f"no longer there: {', '.join(missing)}", facts, marker)
        return PlannedTitle(title, "unchanged", f"done {marker.finished}", facts, marker)
    except (BadInput, StoreUnavailable) as error:
        return PlannedTitle(title, "broken", _in_words(error), {})


def _passed_over(planned: PlannedTitle) -> TitleOutcome:
    marker = planned.marker
    outcomes = marker.outcomes if marker else failed_everywhere(planned, planned.why)
    return _outcome(planned, outcomes, marker.minutes if marker else 0.0, 0.0)


def _finished(end: Ended) -> TitleOutcome:
    """The marker is the last thing that is written, and only where every language has its files."""
    planned, outcomes = end.planned, end.outcomes
    if all(outcome.verdict is not Level.FAILED and outcome.files for outcome in outcomes):
        marker = DoneMarker(
            title=planned.title.name, digest=planned.digest, facts=planned.facts, outcomes=outcomes,
            minutes=end.minutes, finished=_now(),
        )  # fmt: skip
        try:
            write_marker(marker, planned.title.job.out)
        except DubError as error:  # the dubs are there; the next run will find them in the memo
            outcomes = failed_everywhere(planned, f"dubbed, but not marked as done: {_in_words(error)}")
    return _outcome(planned, outcomes, end.minutes, end.took_s)


def _outcome(planned: PlannedTitle, outcomes: tuple[LocaleOutcome, ...], minutes: float, took_s: float) -> TitleOutcome:
    return TitleOutcome(
        title=planned.title.name, status=planned.status, why=planned.why, out=planned.title.job.out,
        outcomes=outcomes, minutes=minutes, took_s=took_s,
    )  # fmt: skip


def _in_words(error: Exception) -> str:
    said = str(error).replace("\n  mend: ", "; ")
    return said if isinstance(error, DubError) else f"{type(error).__name__}: {said}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
