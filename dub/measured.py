"""What a review gathers, step by step, before it becomes a Review."""

from __future__ import annotations

from dataclasses import dataclass, field

from dub.artifact import Artifact
from dub.finding import Finding


@dataclass
class Measured:
    """Findings in the order they were made, the numbers behind them, figures by name."""

    findings: list[Finding] = field(default_factory=list)
    metrics: dict[str, float | int | str | None] = field(default_factory=dict)
    figures: dict[str, Artifact] = field(default_factory=dict)
