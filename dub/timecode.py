"""Time: rational until it is printed. A Span is in seconds on the title's master clock; audio positions are samples."""

from __future__ import annotations

from fractions import Fraction

from pydantic import BaseModel, ConfigDict, model_validator

MASTER_RATE_HZ = 48_000
"""The one audio clock: every position on it is a whole sample at 48 kHz."""


class Span(BaseModel):
    """A half-open stretch of time [start, end) in seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: Fraction
    end: Fraction

    @model_validator(mode="after")
    def _ordered(self) -> Span:
        if self.end < self.start:
            raise ValueError(f"span ends ({float(self.end):.3f} s) before it starts ({float(self.start):.3f} s)")
        return self

    @classmethod
    def of_seconds(cls, start_s: float, end_s: float) -> Span:
        """From engine output in float seconds, kept to the millisecond."""
        return cls(start=Fraction(round(start_s * 1000), 1000), end=Fraction(round(end_s * 1000), 1000))

    @property
    def duration(self) -> Fraction:
        return self.end - self.start

    def overlap(self, other: Span) -> Fraction:
        """Seconds that both spans share; 0 when they do not touch."""
        return max(Fraction(0), min(self.end, other.end) - max(self.start, other.start))


def sample_at(seconds: Fraction | float, rate_hz: int = MASTER_RATE_HZ) -> int:
    """Nearest whole sample to a time in seconds."""
    return round(seconds * rate_hz)


def timecode(seconds: Fraction | float, *, decimal: str = ".") -> str:
    """`HH:MM:SS.mmm`, rounded half up to the millisecond; `decimal=","` for SRT. Raises ValueError below zero."""
    if seconds < 0:
        raise ValueError(f"a timecode cannot be negative: {float(seconds)}")
    milliseconds = int(Fraction(seconds) * 1000 + Fraction(1, 2))
    whole, ms = divmod(milliseconds, 1000)
    minutes, s = divmod(whole, 60)
    h, m = divmod(minutes, 60)
    return f"{h:02}:{m:02}:{s:02}{decimal}{ms:03}"
