"""Speech quality: how good speech sounds to people, estimated without a reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class SpeechQuality:
    """Mean opinion scores, 1 (bad) to 5 (excellent), after ITU-T P.835."""

    overall: float
    signal: float
    background: float


class SpeechQualityJudge(Protocol):
    def judge(self, samples: npt.NDArray[np.float32], rate_hz: int) -> SpeechQuality:
        """Score mono speech in [-1, 1], pauses included. Raises ValueError below 0.4 s and for digital silence.

        Deterministic, thread-safe.
        """
        ...
