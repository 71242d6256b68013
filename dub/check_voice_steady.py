"""Does a speaker keep one voice? A line that another voice slipped into is unlike all the others."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dub.finding import Finding, Level
from dub.gates import Gates, not_measured

LEAST_LINES = 4
"""Of three, two of which must be the right ones, too little is known to call one the odd one."""


@dataclass(frozen=True)
class OneLine:
    """`embedding`: unit length (d,), as a speaker encoder hears the line."""

    utterance_id: str
    seconds: float
    embedding: npt.NDArray[np.float32]


def standing_out(lines: Sequence[OneLine]) -> dict[str, float]:
    """Cosine of each line with the mean of its speaker's others, weighed by their length; {} for fewer than four."""
    if len(lines) < LEAST_LINES:
        return {}
    weighed = np.stack([line.seconds * line.embedding for line in lines])
    others = weighed.sum(axis=0) - weighed
    others /= np.maximum(np.linalg.norm(others, axis=1, keepdims=True), 1e-9)
    return {line.utterance_id: float(line.embedding @ other) for line, other in zip(lines, others, strict=True)}


def check_steadiness(speaker: str, alike: Mapping[str, float], gates: Gates) -> tuple[Finding, ...]:
    """Each line that is much less like the others than the speaker's lines are by half."""
    if not alike:
        why = f"{speaker} has fewer than {LEAST_LINES} lines long enough to compare"
        return (not_measured("voice_steady", why, matters=False),)
    usual = statistics.median(alike.values())
    findings = [
        gates.finding(
            "voice_steady",
            usual - value,
            f"This line is like {speaker}'s others by {value:.2f}, they among themselves by {usual:.2f}.",
            todo="It may be in another voice: listen, and speak it again.",
            utterance_id=id_,
        )
        for id_, value in alike.items()
    ]
    told = tuple(finding for finding in findings if finding.level is not Level.OK)
    if told:
        return told
    lowest = min(alike.values())
    steady = f"{speaker} keeps one voice: {len(alike)} lines are like their others by {lowest:.2f} and more."
    return (gates.finding("voice_steady", usual - lowest, steady),)
