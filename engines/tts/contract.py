"""Speech: text in a locale, in a voice, with the times of its phonemes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from lang.bcp47 import Locale


@dataclass(frozen=True)
class TimedPhoneme:
    """One IPA symbol (stress and length marks stripped) with its samples in the speech it belongs to."""

    ipa: str
    start_sample: int
    end_sample: int


@dataclass(frozen=True)
class Speech:
    """`samples`: float32 (n,), mono in [-1, 1]; phonemes in order, within [0, n]."""

    samples: npt.NDArray[np.float32]
    rate_hz: int
    phonemes: tuple[TimedPhoneme, ...]


class Synthesizer(Protocol):
    rate_hz: int

    def speak(self, text: str, locale: Locale, style: bytes, speed: float = 1.0) -> Speech:
        """Say `text`. `style`: the engine's own voice parameters as `enroll` stored them (b"" = the engine's default
        voice for the locale). `speed` 0.5..2.0 multiplies the tempo. Leading and trailing silence is trimmed (<= 50 ms
        stays) and the phoneme times move with it. Deterministic. Raises EngineFailed when nothing can be said."""
        ...
