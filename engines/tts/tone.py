"""Toy voice: a tone of exactly known length, one phoneme per letter. For tests of everything around a
voice."""

from __future__ import annotations

import json

import numpy as np

from dub.errors import BadInput, EngineFailed
from engines.spec import EngineSpec
from engines.tts.contract import Speech, TimedPhoneme
from engines.tts.voice_fitting import FittedVoice, Hear, LocaleVoice, Samples, Understand
from lang.bcp47 import Locale

RATE_HZ = 24_000
CHARACTER_MS = 60
DEFAULT_PITCH_HZ = 150.0


class Tone:
    """Says a text as a tone of 60 ms per character, silent at spaces and marks; a style is its pitch."""

    rate_hz = RATE_HZ

    def speak(self, text: str, locale: Locale, style: bytes, speed: float = 1.0) -> Speech:
        """Exactly round(len(text) * 60 ms / speed) long; letters are named by themselves as IPA, in lower
        case."""
        said = " ".join(text.split()).strip(" .,;:!?…¡¿\"'()-—")
        if not any(character.isalpha() for character in said):
            raise EngineFailed(f"there is nothing to say in {text!r}")
        if not 0.5 <= speed <= 2.0:
            raise EngineFailed(f"speed is 0.5..2.0, not {speed}")
        edges = [round(i * CHARACTER_MS * RATE_HZ / 1000 / speed) for i in range(len(said) + 1)]
        phonemes = tuple(
            TimedPhoneme(character.lower(), edges[i], edges[i + 1])
            for i, character in enumerate(said)
            if character.isalpha()
        )
        seconds = np.arange(edges[-1]) / RATE_HZ
        samples = (0.2 * np.sin(2 * np.pi * _pitch_hz(style) * seconds)).astype(np.float32)
        for i, character in enumerate(said):
            if not character.isalnum():
                samples[edges[i] : edges[i + 1]] = 0
        return Speech(samples, RATE_HZ, phonemes)

    def fit_voice(self, reference: Samples, rate_hz: int, hear: Hear) -> FittedVoice:
        """The tone nearest to the reference's own (by zero crossings); never anybody's voice."""
        n_rises = int(np.count_nonzero((reference[:-1] < 0) & (reference[1:] >= 0)))
        pitch_hz = float(np.clip(round(n_rises * rate_hz / max(reference.size, 1)), 80, 400))
        style = json.dumps({"pitch_hz": pitch_hz}).encode()
        speech = self.speak("the toy voice says this sentence", Locale("en"), style)
        similarity = float(hear(speech.samples, RATE_HZ) @ hear(reference, rate_hz))
        return FittedVoice(
            style, f"a tone of {pitch_hz:.0f} Hz", similarity, similarity, similarity, speech.samples, RATE_HZ
        )

    def fit_locale(self, style: bytes, locale: Locale, hear: Hear, understand: Understand) -> LocaleVoice:
        """A tone is equally unintelligible everywhere."""
        return LocaleVoice(style, f"a tone of {_pitch_hz(style):.0f} Hz", 0.0, 0.0, 1.0, 1.0)


def _pitch_hz(style: bytes) -> float:
    if not style:
        return DEFAULT_PITCH_HZ
    try:
        return float(json.loads(style)["pitch_hz"])
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"this is no tone style: {error}", mend="enroll the speaker again") from error


def load() -> Tone:
    return Tone()


ENGINE = EngineSpec(
    id="tone",
    family="tts",
    version=1,
    summary="toy: a tone of exactly known length, in any locale",
    load=load,
    is_toy=True,
    capabilities={"fits_voices": True, "phoneme_times": True},
)
