"""What a review gathers, step by step, before it becomes a Review."""

from __future__ import annotations

from dataclasses import dataclass, field

from dub.artifact import Artifact
from dub.finding import Finding
from dub.gates import DEFAULT_GATES, Gates


@dataclass
class Measured:
    """Findings in the order they were made, the numbers behind them, figures by name; `gates`: what they are judged
    by."""

    gates: Gates = DEFAULT_GATES
    findings: list[Finding] = field(default_factory=list)
    metrics: dict[str, float | int | str | None] = field(default_factory=dict)
    figures: dict[str, Artifact] = field(default_factory=dict)
