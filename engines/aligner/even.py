"""Toy aligner: a text's letters share the sound equally. For tests of what stands around an aligner."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dub.errors import EngineFailed
from engines.spec import EngineSpec
from engines.tts.contract import TimedPhoneme
from lang.bcp47 import Locale


class EvenAligner:
    """Meets `contract.Aligner`: the tone voice's phonemes at the times that the tone voice gives them."""

    def align(
        self, samples: npt.NDArray[np.float32], rate_hz: int, text: str, locale: Locale
    ) -> tuple[TimedPhoneme, ...]:
        said = " ".join(text.split()).strip(" .,;:!?…¡¿\"'()-—")
        if not samples.any():
            raise EngineFailed(f"nothing is heard of {text!r}")
        edges = [round(i * samples.size / len(said)) for i in range(len(said) + 1)]
        return tuple(
            TimedPhoneme(character.lower(), edges[i], edges[i + 1])
            for i, character in enumerate(said)
            if character.isalpha()
        )


def load() -> EvenAligner:
    return EvenAligner()


ENGINE = EngineSpec(
    id="even", family="aligner", version=1, summary="toy: letters share the sound equally", load=load, is_toy=True
)
