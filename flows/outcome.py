"""How a run ended: per language the verdict, why, and its files; and what any story needs to tell it."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from dub.artifact import Record
from dub.dubbed_locale import DubbedLocale
from dub.effort import Effort, StageWork, shared_out
from dub.errors import DubError
from dub.finding import AWAITING_APPROVAL, Finding, Level, Review
from dub.location import Location, S3Url
from dub.report_rows import bad_checks, worst_findings
from dub.stage import EngineChoice
from lang.bcp47 import Locale
from tasks.policy import Work


class LocaleOutcome(Record):
    """One target's end: its verdict, why, the files under the output folder, the voice engine, and the seconds of work
    that this language alone cost. `awaits_approval`: it stopped before speech; its verdict is of the wording alone.
    `worst`: the finding to read first. `bad_checks`: the worst level of each check that is not ok. `mouths`: the file
    with pictures of its mouths, "" where there is none."""

    locale: Locale
    verdict: Level
    reasons: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    voice: str = ""
    seconds: float = 0.0
    awaits_approval: bool = False
    worst: Finding | None = None
    bad_checks: dict[str, Level] = {}
    effort: Effort = Effort()
    mouths: str = ""

    @property
    def ending(self) -> str:
        """The verdict, or AWAITING_APPROVAL in its place."""
        return AWAITING_APPROVAL if self.awaits_approval else str(self.verdict)


class RunReport(Record):
    """A whole run's end. `html`: the report's path; `source_s`: seconds of film that were dubbed, 0 where none was.
    `flow_run`: the id of the Prefect flow run that it ended, "" without Prefect."""

    title: str
    outcomes: tuple[LocaleOutcome, ...]
    html: Location
    source_s: float = 0.0
    flow_run: str = ""

    @property
    def verdict(self) -> Level:
        """The worst of the languages that came to their end; `ok` when all await approval."""
        verdicts = {outcome.verdict for outcome in self.outcomes if not outcome.awaits_approval}
        return next((level for level in (Level.FAILED, Level.DEGRADED) if level in verdicts), Level.OK)

    @property
    def awaits_approval(self) -> bool:
        """Whether a language does."""
        return any(outcome.awaits_approval for outcome in self.outcomes)

    @property
    def ending(self) -> str:
        """The verdict; AWAITING_APPROVAL where no language failed and one waits for it."""
        return AWAITING_APPROVAL if self.awaits_approval and self.verdict is not Level.FAILED else str(self.verdict)

    @classmethod
    def of(
        cls,
        title: str,
        finished: Iterable[DubbedLocale],
        voices: Mapping[Locale, EngineChoice],
        html: Path | S3Url,
        source_s: float = 0.0,
    ) -> RunReport:
        outcomes = tuple(
            LocaleOutcome(
                locale=dub.locale,
                verdict=dub.review.verdict,
                reasons=tuple(finding.message for finding in dub.review.findings if finding.level is not Level.OK),
                files=tuple(name for name in (dub.video, dub.srt, dub.vtt) if name),
                voice=voices[dub.locale].id,
                seconds=sum(dub.seconds.values()),
                awaits_approval=dub.review.awaits_approval,
                worst=next(iter(worst_findings(dub.review, 1)), None),
                bad_checks=bad_checks(dub.review),
                effort=dub.effort,
                mouths=dub.mouths,
            )
            for dub in finished
        )
        return cls(title=title, outcomes=outcomes, html=html, source_s=source_s)


def works_of(*stories: object, gpu_stages: Collection[str] = ()) -> tuple[StageWork, ...]:
    """What was done of the stories, in their order; stages that failed are left out. A story is a dataclass whose
    fields are Works, or dicts of them."""
    done = []
    for work in {id(work): work for work in works_in(*stories)}.values():  # one work may stand in two places
        with contextlib.suppress(Exception):
            stage, seconds = work.stage, work.seconds()
            on_gpu = stage.name in gpu_stages
            done.append(StageWork(stage=stage.name, seconds=seconds, n_cpu=stage.n_cpu, on_gpu=on_gpu))
    return tuple(done)


def seconds_of(*stories: object) -> dict[str, float]:
    """Seconds of work per stage, in the stories' order."""
    return by_stage(works_of(*stories))


def by_stage(works: Iterable[StageWork]) -> dict[str, float]:
    """Seconds per stage, in the works' order."""
    seconds: dict[str, float] = {}
    for work in works:
        seconds[work.stage] = seconds.get(work.stage, 0.0) + work.seconds
    return seconds


def sharing(finished: Iterable[DubbedLocale], once: Effort) -> list[DubbedLocale]:
    """The languages, each with its share of what was done once for all of them."""
    dubs = list(finished)
    efforts = shared_out((dub.effort for dub in dubs), once)
    return [dub.model_copy(update={"effort": effort}) for dub, effort in zip(dubs, efforts, strict=True)]


def failed_review(locale: Locale, cause: Exception) -> Review:
    message = str(cause) if isinstance(cause, DubError) else f"{type(cause).__name__}: {cause}"
    return Review(locale=locale, findings=(Finding(level=Level.FAILED, check="pipeline", message=message),))


def root_cause(error: Exception, *stories: object) -> Exception:
    """The first stage's own error: a later stage only knows that its input never came."""
    for work in works_in(*stories):
        try:
            work.result()
        except Exception as cause:
            return cause
    return error


def works_in(*stories: object) -> Iterator[Work[Any]]:
    for story in stories:
        for value in vars(story).values():
            yield from (
                work for work in (value.values() if isinstance(value, dict) else (value,)) if isinstance(work, Work)
            )
