"""Chatterbox Multilingual: clones a speaker from seconds of them, in 21 languages, in an environment of its own.

Not the other two of its 23: Hebrew is read with vowel points and Chinese in words, and both are made by packages that
fetch models of their own from elsewhere at run time. Russian is said without the stress marks that another such package
would add, as upstream does where that is not installed.
"""

from __future__ import annotations

import tempfile
from fractions import Fraction
from pathlib import Path

from dub.time_stretch import resampled, stretched
from dub.timecode import MASTER_RATE_HZ
from engines.spec import EngineSpec
from engines.tts.contract import Speech
from engines.tts.worker_voice import WorkerVoice, start_worker
from engines.worker import Worker
from lang.bcp47 import Locale
from lang.engine_codes import codes_of

RATE_HZ = 24_000
UNREAD = ("he", "zh")
CODES = {locale: code for locale, code in codes_of("chatterbox_mtl").items() if code not in UNREAD}


class Chatterbox(WorkerVoice):
    """The model has one tempo: another is made of its speech by Rubber Band, on the master clock."""

    def __init__(self, worker: Worker) -> None:
        super().__init__("chatterbox", worker, CODES, RATE_HZ)

    def speak(self, text: str, locale: Locale, style: bytes, speed: float = 1.0) -> Speech:
        """See `WorkerVoice.speak`."""
        speech = super().speak(text, locale, style, 1.0 if 0.5 <= speed <= 2.0 else speed)
        if speed == 1.0:
            return speech
        import soxr

        with tempfile.TemporaryDirectory(prefix="polydub-chatterbox-") as scratch:
            ratio = 1 / Fraction(speed).limit_denominator(1000)
            other = stretched(resampled(speech.samples[None], RATE_HZ), ratio, Path(scratch))
        return Speech(soxr.resample(other[0], MASTER_RATE_HZ, RATE_HZ, quality="VHQ"), RATE_HZ, ())


def load(device: str = "auto") -> Chatterbox:
    """Starts nothing: the worker is started by the first line. `device`: cpu, cuda, or auto for a GPU where there is
    one. Raises EngineUnavailable, WeightsMissing."""
    from engines import weights

    return Chatterbox(start_worker("chatterbox", "chatterbox", weights.folder("chatterbox-multilingual"), device))


ENGINE = EngineSpec(
    id="chatterbox",
    family="tts",
    version=1,
    summary="Chatterbox: clones a speaker, 21 languages, marks all it says with an inaudible PerTh watermark; "
    "not yet run with its real weights",
    load=load,
    locales=frozenset(CODES),
    code_licence="MIT",
    weights_licence="MIT",
    licence_class="permissive",
    weights=("chatterbox-multilingual",),
    worker="chatterbox",
    # It reads digits as it finds them, in no way that is told.
    capabilities={
        "reads_numbers": False,
        "clones": True,
        "fits_voices": True,
        "phoneme_times": False,
        "watermark": "PerTh",
    },
)
