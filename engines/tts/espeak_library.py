"""espeak-ng's C library by ctypes: sound, and the millisecond at which each phoneme begins.

The library keeps its state in the process, and what it said before changes what it says next by a few samples: every
call therefore loads a copy of its own (a few milliseconds) and lets it go. Numbers are those of espeak-ng's
speak_lib.h.
"""

from __future__ import annotations

import ctypes
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from dub.errors import EngineFailed

RATE_HZ = 22_050

# AUDIO_OUTPUT_SYNCHRONOUS; phoneme events in IPA and never exit; the event; parameters; text and phoneme modes.
_SYNCHRONOUS, _INITIALIZE, _PHONEME_EVENT, _UTF8, _IPA = 2, 0x8003, 7, 1, 2
_RATE, _PITCH = 1, 3


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
class Heard:
    """What one call gave: blocks of int16 samples, and (ms, ipa) where each phoneme begins."""

    blocks: list[npt.NDArray[np.int16]] = field(default_factory=list)
    begins: list[tuple[int, str]] = field(default_factory=list)

    @property
    def samples(self) -> npt.NDArray[np.float32]:
        """Mono in [-1, 1]; empty where nothing was said."""
        joined = np.concatenate(self.blocks or [np.zeros(0, np.int16)])
        return (joined / 32768).astype(np.float32)

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


class EspeakLibrary:
    """Calls queue behind one another: one copy of the library speaks at a time."""

    def __init__(self, library: Path, data: Path) -> None:
        self._library, self._data = library, data
        self._lock = Lock()

    def read(self, text: str, voice: str, words_per_minute: int, pitch: int = 50) -> Heard:
        """Say a text. `voice`: its own name, with a variant ("de+f2"); `pitch` 0..99. Raises EngineFailed for a voice
        that it does not have."""
        heard = Heard()
        callback = _CALLBACK(heard.take)
        with self._fresh(voice) as espeak:
            espeak.espeak_SetSynthCallback(callback)
            espeak.espeak_SetParameter(_RATE, words_per_minute, 0)
            espeak.espeak_SetParameter(_PITCH, pitch, 0)
            content = text.encode("utf-8") + b"\0"
            espeak.espeak_Synth(content, ctypes.c_size_t(len(content)), 0, 1, 0, _UTF8, None, None)
            espeak.espeak_Synchronize()
        return heard

    def phonemes(self, text: str, voice: str) -> str:
        """IPA of a text, with a flag in brackets where another language's voice reads: "(en)name(de)"."""
        lines = []
        with self._fresh(voice) as espeak:
            espeak.espeak_TextToPhonemes.restype = ctypes.c_char_p
            rest = ctypes.c_void_p(ctypes.cast(kept := ctypes.c_char_p(text.encode("utf-8")), ctypes.c_void_p).value)
            while rest.value:
                lines.append((espeak.espeak_TextToPhonemes(ctypes.byref(rest), _UTF8, _IPA) or b"").decode("utf-8"))
            del kept
        return " ".join(lines)

    @contextmanager
    def _fresh(self, voice: str) -> Iterator[Any]:
        import _ctypes

        with self._lock:
            with tempfile.TemporaryDirectory(prefix="polydub-espeak-") as folder:
                espeak = ctypes.CDLL(shutil.copy(self._library, folder))
            try:
                if espeak.espeak_Initialize(_SYNCHRONOUS, 0, str(self._data).encode(), _INITIALIZE) != RATE_HZ:
                    raise EngineFailed(f"espeak-ng does not start with the data in {self._data}")
                if espeak.espeak_SetVoiceByName(voice.encode()) != 0:
                    raise EngineFailed(f"this espeak-ng has no voice {voice!r}")
                yield espeak
            finally:
                espeak.espeak_Terminate()
                _ctypes.dlclose(espeak._handle)
