"""espeak-ng: a robot's voice, but in some 110 languages, with exact phoneme times, in milliseconds of work.

It is nobody's voice, so no speaker is ever called cloned with it. The library keeps its state in the process, and
what it said before changes what it says next by a few samples: every call therefore works in a fresh copy of it.
"""

from __future__ import annotations

import ctypes
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from dub.errors import BadInput, EngineFailed, LanguageNotSupported
from engines.spec import EngineSpec
from engines.tts.contract import Speech, TimedPhoneme
from engines.tts.silence import sounding
from lang.bcp47 import Locale

RATE_HZ = 22_050
WORDS_PER_MINUTE = 165
"""espeak-ng's own default is 175; people in the clips that polydub was measured on speak a little slower."""

# Languages of espeak-ng 1.52 whose tag is its own name for them; not Japanese, whose characters it cannot read.
_SAME_NAME = """af am an ar as az ba be bg bn bs ca cs cv cy da de el eo es es-419 et eu fa fi ga gd gn gu haw he hi
hr ht hu hy ia id is it ka kk kl kn ko kok ku ky la lb lt lv mi mk ml mr ms mt my nb ne nl nog om or pa pap pl qu quc
ro ru sd shn si sk sl smj sq sr sv sw ta te th tk tn tr tt ug uk ur uz vi yue"""
_OTHER_NAME = {
    "en": "en-us",
    "en-GB": "en",
    "fr": "fr",
    "fr-BE": "fr-be",
    "fr-CH": "fr-ch",
    "pt": "pt-br",
    "pt-BR": "pt-br",
    "pt-PT": "pt",
    "zh": "cmn",
    "no": "nb",
    "ca-valencia": "ca-va",
}
VOICES: dict[Locale, str] = {Locale(tag): tag for tag in _SAME_NAME.split()} | {
    Locale(tag): name for tag, name in _OTHER_NAME.items()
}

# espeak-ng's speak_lib.h: AUDIO_OUTPUT_SYNCHRONOUS, phoneme events in IPA, never exit; event and parameter numbers.
_SYNCHRONOUS, _INITIALIZE, _PHONEME_EVENT, _RATE_PARAMETER, _UTF8 = 2, 0x8003, 7, 1, 1


class _EventId(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("ipa", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    )


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


@dataclass
class _Heard:
    """What one call gave: blocks of int16 samples, and (ms, ipa) where each phoneme begins."""

    blocks: list[npt.NDArray[np.int16]] = field(default_factory=list)
    begins: list[tuple[int, str]] = field(default_factory=list)

    def take(self, wave: Any, n_samples: int, events: Any) -> int:
        if wave and n_samples > 0:
            self.blocks.append(np.ctypeslib.as_array(wave, (n_samples,)).copy())
        i = 0
        while events[i].type:
            if events[i].type == _PHONEME_EVENT:
                # IPA is cut at 8 bytes, possibly inside a symbol.
                self.begins.append((events[i].audio_position, events[i].id.ipa.decode("utf-8", "ignore")))
            i += 1
        return 0


class Espeak:
    """Calls queue behind one another: one copy of the library speaks at a time."""

    rate_hz = RATE_HZ

    def __init__(self, library: Path, data: Path) -> None:
        self._library, self._data = library, data
        self._lock = Lock()

    def speak(self, text: str, locale: Locale, style: bytes, speed: float = 1.0) -> Speech:
        """See `Synthesizer.speak`. It has one voice per locale: raises BadInput for a style."""
        if style:
            raise BadInput("espeak-ng has no styles", mend="enroll the speakers for espeak")
        said = " ".join(text.split())
        if not any(character.isalnum() for character in said):
            raise EngineFailed(f"there is nothing to say in {text!r} ({locale})")
        if not 0.5 <= speed <= 2.0:
            raise EngineFailed(f"espeak-ng speaks at 0.5..2.0 of its tempo, not {speed}")
        with self._lock:
            heard = self._synthesize(said, _voice(locale), round(WORDS_PER_MINUTE * speed))
        if not heard.blocks:
            raise EngineFailed(f"espeak-ng finds nothing to say in {text!r} ({locale})")
        samples = (np.concatenate(heard.blocks) / 32768).astype(np.float32)
        first, last = sounding(samples, RATE_HZ)
        phonemes = tuple(_timed(heard.begins, samples.size, first, last))
        return Speech(samples[first:last], RATE_HZ, phonemes)

    def _synthesize(self, text: str, voice: str, words_per_minute: int) -> _Heard:
        import _ctypes

        heard = _Heard()
        callback = _CALLBACK(heard.take)
        with tempfile.TemporaryDirectory(prefix="polydub-espeak-") as folder:
            copy = shutil.copy(self._library, folder)
            espeak = ctypes.CDLL(copy)
        try:
            if espeak.espeak_Initialize(_SYNCHRONOUS, 0, str(self._data).encode(), _INITIALIZE) != RATE_HZ:
                raise EngineFailed(f"espeak-ng does not start with the data in {self._data}")
            espeak.espeak_SetSynthCallback(callback)
            if espeak.espeak_SetVoiceByName(voice.encode()) != 0:
                raise EngineFailed(f"this espeak-ng has no voice {voice!r}")
            espeak.espeak_SetParameter(_RATE_PARAMETER, words_per_minute, 0)
            content = text.encode("utf-8") + b"\0"
            espeak.espeak_Synth(content, ctypes.c_size_t(len(content)), 0, 1, 0, _UTF8, None, None)
            espeak.espeak_Synchronize()
        finally:
            espeak.espeak_Terminate()
            _ctypes.dlclose(espeak._handle)
        return heard


def _voice(locale: Locale) -> str:
    for tag in (locale, Locale(locale.language)):
        if tag in VOICES:
            return VOICES[tag]
    raise LanguageNotSupported(f"espeak-ng does not speak {locale}", mend="choose another locale or tts engine")


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
    import unicodedata

    found: list[str] = []
    for symbol in unicodedata.normalize("NFD", name).replace("c\u0327", "\u00e7"):
        kind = unicodedata.category(symbol)
        if kind in ("Ll", "Lo", "Lu"):
            found.append(symbol)
        elif symbol == "\u0303" and found:
            found[-1] += symbol
    return found


def load() -> Espeak:
    import espeakng_loader

    return Espeak(Path(espeakng_loader.get_library_path()), Path(espeakng_loader.get_data_path()))


ENGINE = EngineSpec(
    id="espeak",
    family="tts",
    version=1,
    summary="espeak-ng: a robot's voice in some 110 languages, with exact phoneme times",
    load=load,
    locales=frozenset(VOICES),
    code_licence="GPL-3.0-or-later",
    licence_class="copyleft",
    extra="embedded",
    packages=("espeakng_loader",),
    capabilities={"phoneme_times": True},
)
