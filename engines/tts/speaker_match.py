"""What is known of a speaker, and what brings a synthetic voice nearer to them by pitch and spectrum alone."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path

import numpy as np

from engines.tts.voice_fitting import Hear, Samples
from engines.tts.voice_polish import (
    RATE_HZ,
    Analysis,
    PitchMap,
    Polish,
    matching_curve,
    mean_log_envelope,
    pitch_of,
)

N_REFERENCE_S = 25
POLISH_GAIN = 0.01
"""Cosine that a polish must bring on the sentences it is chosen on: every resynthesis costs some naturalness."""


@lru_cache(maxsize=1)
def sentences() -> dict[str, list[str]]:
    """Per language: short sentences to try voices on."""
    table: dict[str, list[str]] = tomllib.loads((Path(__file__).parent / "data" / "sentences.toml").read_text("utf-8"))
    return table


class Speaker:
    """What is known of the person: embedding, pitch and mean spectrum of up to 25 s of speech. Takes are at 24 kHz."""

    def __init__(self, reference: Samples, rate_hz: int, hear: Hear) -> None:
        import soxr

        self.samples = np.asarray(
            soxr.resample(reference[: N_REFERENCE_S * rate_hz], rate_hz, RATE_HZ), dtype=np.float32
        )
        self.hear = hear
        self.embedding = hear(self.samples, RATE_HZ)
        self.pitch = pitch_of(self.samples)
        self.curve = mean_log_envelope(self.samples)

    def likeness(self, takes: list[Samples]) -> float:
        """Mean cosine of the takes to the speaker."""
        return float(np.mean([self.hear(take, RATE_HZ) @ self.embedding for take in takes]))

    def best_polish(self, takes: list[Samples]) -> Polish:
        """What brings a voice that sounds like `takes` nearest: spectrum, pitch, both or, unless that clearly wins,
        nothing. Right pitch alone often takes a voice further away: its timbre belongs to its own pitch."""
        nothing = Polish(None, None)
        joined = np.concatenate(takes)
        source_pitch = pitch_of(joined)
        if not (self.pitch[0] and source_pitch[0] and self.curve.any()):
            return nothing
        pitch = PitchMap.between(source_pitch, self.pitch)
        curve = matching_curve(self.curve, mean_log_envelope(joined))
        ways = [Polish(None, curve, 0.5), Polish(None, curve), Polish(pitch, None), Polish(pitch, curve)]
        frames = [Analysis.of(take) for take in takes]
        likeness = [
            self.likeness([way.apply(take, each) for take, each in zip(takes, frames, strict=True)]) for way in ways
        ]
        best = int(np.argmax(likeness))
        return ways[best] if likeness[best] > self.likeness(takes) + POLISH_GAIN else nothing


def in_words(polish: Polish) -> str:
    """What the polish changes."""
    matched = ["pitch"] if polish.pitch is not None else []
    if polish.curve is not None:
        matched.append("spectrum" if polish.strength == 1 else f"spectrum {polish.strength:.0%}")
    return f"{' and '.join(matched)} matched" if matched else "no polish"
