"""How a run ended: per language the verdict, why, and its files; and what any story needs to tell it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from dub.artifact import Record
from dub.errors import DubError
from dub.finding import AWAITING_APPROVAL, Finding, Level, Review
from dub.location import Location, S3Url
from dub.stage import EngineChoice
from lang.bcp47 import Locale
from tasks.policy import Work
from tasks.report import DubbedLocale


class LocaleOutcome(Record):
    """One target's end: its verdict, why, the files under the output folder, the voice engine, and the seconds of work
    that this language alone cost. `awaits_approval`: it stopped before speech; its verdict is of the wording alone."""

    locale: Locale
    verdict: Level
    reasons: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    voice: str = ""
    seconds: float = 0.0
    awaits_approval: bool = False

    @property
    def ending(self) -> str:
        """The verdict, or AWAITING_APPROVAL in its place."""
        return AWAITING_APPROVAL if self.awaits_approval else str(self.verdict)


class RunReport(Record):
    """A whole run's end. `html`: the report's path; `minutes`: the source's length."""

    title: str
    outcomes: tuple[LocaleOutcome, ...]
    html: Location
    minutes: float = 0.0

    @property
    def verdict(self) -> Level:
        """The worst of the languages that came to their end; `ok` when all await approval."""
        verdicts = {outcome.verdict for outcome in self.outcomes if not outcome.awaits_approval}
        return next((level for level in (Level.FAILED, Level.DEGRADED) if level in verdicts), Level.OK)

    @property
    def awaits_approval(self) -> bool:
        """Whether a language does."""
        return any(outcome.awaits_approval for outcome in self.outcomes)

    @classmethod
    def of(
        cls,
        title: str,
        finished: Iterable[DubbedLocale],
        voices: Mapping[Locale, EngineChoice],
        html: Path | S3Url,
        *,
        minutes: float = 0.0,
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
            )
            for dub in finished
        )
        return cls(title=title, outcomes=outcomes, html=html, minutes=minutes)


def seconds_of(*stories: object) -> dict[str, float]:
    """Seconds of work per stage, in the stories' order. A story is a dataclass whose fields are Works, or dicts of
    them."""
    seconds: dict[str, float] = {}
    for work in {id(work): work for work in works_of(*stories)}.values():  # one work may stand in two places
        seconds[work.stage.name] = seconds.get(work.stage.name, 0.0) + work.seconds()
    return seconds


def failed_review(locale: Locale, cause: Exception) -> Review:
    message = str(cause) if isinstance(cause, DubError) else f"{type(cause).__name__}: {cause}"
    return Review(locale=locale, findings=(Finding(level=Level.FAILED, check="pipeline", message=message),))


def root_cause(error: Exception, *stories: object) -> Exception:
    """The first stage's own error: a later stage only knows that its input never came."""
    for work in works_of(*stories):
        try:
            work.result()
        except Exception as cause:
            return cause
    return error


def works_of(*stories: object) -> Iterator[Work[Any]]:
    for story in stories:
        for value in vars(story).values():
            yield from (
                work for work in (value.values() if isinstance(value, dict) else (value,)) if isinstance(work, Work)
            )
