"""Which frames to keep, in the language of ffmpeg's `select` filter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Steps(NamedTuple):
    """Frames `first`, `first + step` ... `last`."""

    first: int
    last: int
    step: int

    @property
    def expression(self) -> str:
        if self.first == self.last:
            return f"eq(n,{self.first})"
        every = "" if self.step == 1 else f"*not(mod(n-{self.first},{self.step}))"
        return f"between(n,{self.first},{self.last}){every}"


def expression_of(frames: Sequence[int]) -> str:
    """True for these frames: at least one, rising. ffmpeg refuses a sum of more than 100 terms, so halves are asked
    for in turn, and frames in even steps are one term."""
    return _halved(steps_of(frames))


def steps_of(frames: Sequence[int]) -> list[Steps]:
    """As few as an eye would see: a step is kept up for as long as it fits."""
    runs: list[Steps] = []
    for frame in frames:
        if runs and (runs[-1].first == runs[-1].last or frame - runs[-1].last == runs[-1].step):
            runs[-1] = Steps(runs[-1].first, frame, frame - runs[-1].last)
        else:
            runs.append(Steps(frame, frame, 1))
    return runs


def _halved(runs: list[Steps]) -> str:
    if len(runs) == 1:
        return runs[0].expression
    middle = len(runs) // 2
    return f"if(lt(n,{runs[middle].first}),{_halved(runs[:middle])},{_halved(runs[middle:])})"
