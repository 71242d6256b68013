"""Alignment: when each phoneme of a known text is said, for voices that do not tell it themselves."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from engines.tts.contract import TimedPhoneme
from lang.bcp47 import Locale


class Aligner(Protocol):
    def align(
        self, samples: npt.NDArray[np.float32], rate_hz: int, text: str, locale: Locale
    ) -> tuple[TimedPhoneme, ...]:
        """The text's phonemes (IPA, no stress or length marks) in order, with their samples in `samples` (float32
        mono). Deterministic, thread-safe. Raises LanguageNotSupported where the text cannot be read, EngineFailed
        where nothing is heard."""
        ...
