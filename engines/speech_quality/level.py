"""Toy judge: the louder, the better, so that a flow's review has a number that follows its sound."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engines.spec import EngineSpec
from engines.speech_quality.contract import SpeechQuality


class LevelJudge:
    """-60 dBFS and less is 1, full scale is 5; all three scores are the same."""

    def judge(self, samples: npt.NDArray[np.float32], rate_hz: int) -> SpeechQuality:
        if samples.ndim != 1 or samples.size < 0.4 * rate_hz:
            raise ValueError(f"speech of shape {samples.shape} cannot be judged: 0.4 s mono is the least")
        power = float(np.mean(np.square(samples, dtype=np.float64)))
        if power < 1e-10:
            raise ValueError("silence has no speech quality")
        score = float(np.clip(5 + 10 * np.log10(power) / 15, 1, 5))
        return SpeechQuality(overall=score, signal=score, background=score)


ENGINE = EngineSpec(
    id="level",
    family="speech_quality",
    version=1,
    summary="Toy: scores speech by its level.",
    load=LevelJudge,
    is_toy=True,
)
