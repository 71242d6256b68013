"""espeak-ng: a robot's voice, but in some 110 languages, with exact phoneme times, in milliseconds of work.

It may take a speaker's pitch and colour (espeak_fit), yet is nobody's voice: no speaker is ever called cloned with it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from pathlib import Path
from threading import Lock

import numpy as np

from dub.errors import EngineFailed
from engines.spec import EngineSpec
from engines.tts.contract import Speech, TimedPhoneme
from engines.tts.espeak_fit import ENGLISH, GUARD_LOCALES, fit_voice, guarded
from engines.tts.espeak_library import RATE_HZ, EspeakLibrary
from engines.tts.espeak_style import PLAIN, EspeakStyle
from engines.tts.espeak_voices import VOICES, respell, voice_of
from engines.tts.silence import sounding
from engines.tts.voice_fitting import FittedVoice, Hear, LocaleVoice, Samples, Understand
from engines.tts.voice_polish import RATE_HZ as POLISH_HZ
from lang.bcp47 import Locale
from lang.scripts import is_in_script

WORDS_PER_MINUTE = 165
"""espeak-ng's own default is 175; people in the clips that polydub was measured on speak a little slower."""

# Its own mnemonics that some voices (Kyrgyz, Uzbek, Danish, Lule Sami) leave in the IPA.
_MNEMONICS = str.maketrans({"Z": "ʒ", "N": "ŋ", "S": "ʃ", "ε": "ɛ", "Φ": "ɸ", "K": "χ", "A": "ɑ"})


class Espeak:
    """Meets `Synthesizer`, and `VoiceFitter`. Thread-safe, deterministic."""

    rate_hz = RATE_HZ

    def __init__(self, library: EspeakLibrary) -> None:
        self.library = library
        self._guarding = Lock()
        self._guarded: dict[bytes, tuple[EspeakStyle, float, float]] = {}

    def speak(self, text: str, locale: Locale, style: bytes, speed: float = 1.0) -> Speech:
        """See `Synthesizer.speak`. Raises BadInput for bytes that are no style."""
        if not style:
            return self.say(text, locale, speed)
        voice = EspeakStyle.from_bytes(style)
        speech = self.say(text, locale, speed, voice.variant)
        if voice.polish.is_nothing:
            return speech
        polished = _resampled(voice.polish.apply(_resampled(speech.samples, RATE_HZ, POLISH_HZ)), POLISH_HZ, RATE_HZ)
        n = speech.samples.size
        return Speech(np.pad(polished, (0, max(0, n - polished.size)))[:n], RATE_HZ, speech.phonemes)

    def fit_voice(self, reference: Samples, rate_hz: int, hear: Hear) -> FittedVoice:
        """See `VoiceFitter.fit_voice`. 5 to 10 s of work."""
        return fit_voice(self._say, reference, rate_hz, hear)

    def fit_locale(self, style: bytes, locale: Locale, hear: Hear, understand: Understand) -> LocaleVoice:
        """See `VoiceFitter.fit_locale`. One guard serves every locale: it listens once per style, in three languages,
        and its answer is kept; `similarity` is not measured again."""
        voice_of(locale)
        with self._guarding:
            if style not in self._guarded:
                self._guarded[style] = guarded(self._say, EspeakStyle.from_bytes(style), understand)
        voice, error, plain_error = self._guarded[style]
        return LocaleVoice(
            style=voice.to_bytes(),
            made_of=f"{voice.made_of}; heard in {', '.join(GUARD_LOCALES)}",
            share_of_native=float(voice == PLAIN),
            similarity=None,
            error_rate=error,
            native_error_rate=plain_error,
        )

    def _say(self, text: str, style: EspeakStyle, locale: Locale = ENGLISH) -> Samples:
        speech = self.say(text, locale, variant=style.variant)
        return style.polish.apply(_resampled(speech.samples, RATE_HZ, POLISH_HZ))

    def say(self, text: str, locale: Locale, speed: float = 1.0, variant: str = "") -> Speech:
        """Speech in a variant of the locale's voice as the library gives it, trimmed. A line in Latin letters is let
        through everywhere: most voices leave it to the English one, as names are read."""
        how = voice_of(locale)
        said = " ".join(respell(text, how.respellings).split())
        if not any(character.isalnum() for character in said):
            raise EngineFailed(f"there is nothing to say in {text!r} ({locale})")
        if not any(is_in_script(said, script) for script in (*how.scripts, "Latn")):
            raise EngineFailed(
                f"espeak-ng would name the letters of {text!r}: it reads {locale} in {' or '.join(how.scripts)}",
                mend="give the line in that script",
            )
        if not 0.5 <= speed <= 2.0:
            raise EngineFailed(f"espeak-ng speaks at 0.5..2.0 of its tempo, not {speed}")
        voice = f"{how.voice}+{variant}" if variant else how.voice
        heard = self.library.read(said, voice, round(WORDS_PER_MINUTE * speed))
        samples = heard.samples
        if not samples.size:
            raise EngineFailed(f"espeak-ng finds nothing to say in {text!r} ({locale})")
        first, last = sounding(samples, RATE_HZ)
        phonemes = tuple(_timed(heard.begins, samples.size, first, last))
        return Speech(samples[first:last], RATE_HZ, phonemes)


def _resampled(samples: Samples, from_hz: int, to_hz: int) -> Samples:
    import soxr

    return np.asarray(soxr.resample(samples, from_hz, to_hz), dtype=np.float32)


def _timed(begins: list[tuple[int, str]], n_samples: int, first: int, last: int) -> Iterator[TimedPhoneme]:
    """Symbols with their samples; a name of several symbols (a diphthong, an affricate) shares its time equally."""
    ends = [ms * RATE_HZ // 1000 for ms, _ in begins[1:]] + [n_samples]
    for (ms, name), end in zip(begins, ends, strict=True):
        symbols = _symbols(name)
        start = ms * RATE_HZ // 1000
        for i, symbol in enumerate(symbols):
            a = start + (end - start) * i // len(symbols) - first
            b = start + (end - start) * (i + 1) // len(symbols) - first
            a, b = max(a, 0), min(b, last - first)
            if b > a:
                yield TimedPhoneme(symbol, a, b)


def _symbols(name: str) -> list[str]:
    """IPA letters with their combining marks; no stress, length, tone or tie."""
    found: list[str] = []
    for symbol in unicodedata.normalize("NFD", name.translate(_MNEMONICS)).replace("c\u0327", "\u00e7"):
        kind = unicodedata.category(symbol)
        if kind in ("Ll", "Lo", "Lu"):
            found.append(symbol)
        elif symbol == "\u0303" and found:
            found[-1] += symbol
    return found


def load() -> Espeak:
    import espeakng_loader

    return Espeak(EspeakLibrary(Path(espeakng_loader.get_library_path()), Path(espeakng_loader.get_data_path())))


ENGINE = EngineSpec(
    id="espeak",
    family="tts",
    version=3,
    summary=f"espeak-ng: a robot's voice in {len(VOICES)} locales, with exact phoneme times",
    load=load,
    locales=frozenset(VOICES),
    code_licence="GPL-3.0-or-later",
    licence_class="copyleft",
    extra="embedded",
    packages=("espeakng_loader", "pyworld", "soxr"),
    capabilities={"fits_voices": True, "clones": False, "phoneme_times": True, "reads_numbers": True},
)
