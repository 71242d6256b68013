"""What the review says: findings and the verdict that follows from them."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from dub.artifact import Artifact, Record
from dub.timecode import Span
from lang.bcp47 import Locale

AWAITING_APPROVAL = "awaiting approval"
"""Neither good nor bad: a language that stops before speech until people have approved its lines."""


class Level(StrEnum):
    """`ok`: within the limit; `degraded`: usable, a human should look; `failed`: do not publish."""

    OK = "ok"
    DEGRADED = "degraded"
    FAILED = "failed"


class Finding(Record):
    """One check's result: a number beside its limit, in words a localization manager understands."""

    level: Level
    check: str
    message: str
    value: float | None = None
    limit: float | None = None
    unit: str = ""
    utterance_id: str = ""
    span: Span | None = None


class Review(Record):
    """All that was measured on one locale's dub. `figures`: plots and contact sheets by name (PNG, WebP).
    `awaits_approval`: nothing was spoken yet, because people have still to approve the lines."""

    schema_version: Literal[1] = 1
    locale: Locale
    findings: tuple[Finding, ...]
    metrics: dict[str, float | int | str | None] = {}
    lines: tuple[dict[str, str | float | int | None], ...] = ()
    figures: dict[str, Artifact] = {}
    awaits_approval: bool = False

    @property
    def verdict(self) -> Level:
        """The worst level among the findings; `ok` when there are none."""
        levels = {finding.level for finding in self.findings}
        return next((level for level in (Level.FAILED, Level.DEGRADED) if level in levels), Level.OK)

    @property
    def ending(self) -> str:
        """How it ended, for people and tables: the verdict, or AWAITING_APPROVAL in its place."""
        return AWAITING_APPROVAL if self.awaits_approval else str(self.verdict)
