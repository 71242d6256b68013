"""The other half of some tts engines: making a style from a speaker's recording
(`capabilities["fits_voices"]`;
`capabilities["clones"]` is False where what comes of it is never that person's voice)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from lang.bcp47 import Locale

Samples = npt.NDArray[np.float32]

Hear = Callable[[Samples, int], npt.NDArray[np.float32]]
"""Mono samples and their rate to a unit-length speaker embedding (a speaker encoder's `embed`)."""

Understand = Callable[[Samples, int, Locale], str]
"""Mono samples, their rate and the locale they are spoken in to what a recogniser hears."""


@dataclass(frozen=True)
class FittedVoice:
    """`style`: for `Synthesizer.speak`. `made_of`: in words. `similarity`: cosine of its speech to the
    reference, on sentences that chose nothing. `nearest_similarity`: the same for the nearest voice that the
    engine comes with. `others_similarity`: mean cosine of the reference to all the voices that the engine
    comes with. Both None for an engine that comes with none."""

    style: bytes
    made_of: str
    similarity: float
    nearest_similarity: float | None
    others_similarity: float | None
    samples: Samples
    rate_hz: int


@dataclass(frozen=True)
class LocaleVoice:
    """A style for one locale. `share_of_native` 0..1: how much of a native voice's timbre it took to be
    understood. `error_rate`: characters misheard of the test sentences; `native_error_rate`: the same for the
    native voice. Both None for an engine that has no native voice to take from."""

    style: bytes
    made_of: str
    share_of_native: float
    similarity: float | None
    error_rate: float | None
    native_error_rate: float | None


class VoiceFitter(Protocol):
    def fit_voice(self, reference: Samples, rate_hz: int, hear: Hear) -> FittedVoice:
        """A style as near as can be to the speaker of `reference` (mono, up to 25 s are used).
        Deterministic. An engine whose capabilities say `needs_transcript` takes a fourth argument `transcript`: what
        is said in the reference, word for word."""
        ...

    def fit_locale(self, style: bytes, locale: Locale, hear: Hear, understand: Understand) -> LocaleVoice:
        """That style made intelligible in `locale`. Raises LanguageNotSupported. Deterministic."""
        ...


class StockVoiced(Protocol):
    """An engine that comes with voices of its own which can be chosen by name (`capabilities["stock_voices"]`)."""

    def stock_voice(self, name: str) -> bytes:
        """The style of the voice `name`. Raises BadInput, which names those that there are, for one it has not."""
        ...
