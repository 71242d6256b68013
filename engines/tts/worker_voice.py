"""A voice that clones a speaker from their recording, spoken by a worker: what xtts, omnivoice and chatterbox share.

The style that `enroll` stores is the recording itself, so nothing is fitted: the model hears it with every line.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dub.errors import BadInput, EngineFailed, LanguageNotSupported
from dub.wav import write_wav
from engines.tts.contract import Speech
from engines.tts.silence import sounding
from engines.tts.voice_fitting import FittedVoice, Hear, LocaleVoice, Samples, Understand
from engines.worker import Worker
from engines.worker_process import Parameter
from engines.worker_venv import command_of
from lang.bcp47 import Locale
from lang.udhr import article_1

REFERENCE_RATE_HZ = 24_000
"""What all three models work at, or above it."""

MAX_REFERENCE_S = 30.0
_ENOUGH_CHARACTERS = 45
_DEADLINE_S = 1200.0
"""For one line. These models are made for a GPU: on two busy cores a line of ten seconds takes minutes."""

_TEST_LOCALE = Locale("en")
_TEST_SENTENCES = "The boats came home before the storm. Nobody had thought that they would all be there by six."


@dataclass(frozen=True)
class Reference:
    """A speaker's recording: float32 (n,) mono at 24 kHz, and what is said in it ("" = not known)."""

    samples: Samples
    transcript: str

    def to_bytes(self) -> bytes:
        """An .npz file; the same reference gives the same bytes."""
        file = io.BytesIO()
        transcript = np.frombuffer(self.transcript.encode("utf-8"), np.uint8)
        np.savez(file, samples=self.samples.astype("<f4"), transcript=transcript)
        return file.getvalue()

    @classmethod
    def from_bytes(cls, style: bytes) -> Reference:
        """Raises BadInput for anything but what `to_bytes` gives; nothing is unpickled."""
        try:
            with np.load(io.BytesIO(style), allow_pickle=False) as file:
                samples, transcript = file["samples"], file["transcript"]
            is_sound = samples.dtype == np.float32 and samples.ndim == 1 and bool(np.isfinite(samples).all())
            if not is_sound or not 0 < samples.size <= MAX_REFERENCE_S * REFERENCE_RATE_HZ:
                raise ValueError(f"samples are {samples.dtype}, {samples.shape}")
            return cls(samples, bytes(transcript).decode("utf-8"))
        except (ValueError, KeyError, OSError, EOFError) as error:
            raise BadInput(f"this is no reference recording: {error}", mend="enroll the speaker again") from error


class WorkerVoice:
    """Meets `Synthesizer` and `VoiceFitter`. It has no voice of its own: every style is somebody's recording."""

    def __init__(self, engine: str, worker: Worker, codes: Mapping[Locale, str], rate_hz: int) -> None:
        """`codes`: the model's own code by locale. `rate_hz`: of the model's sound."""
        self.rate_hz = rate_hz
        self._engine, self._worker, self._codes = engine, worker, codes

    def speak(self, text: str, locale: Locale, style: bytes, speed: float = 1.0) -> Speech:
        """See `Synthesizer.speak`; `phonemes` is empty. Raises BadInput without a style, and what `Worker.call`
        raises."""
        said = " ".join(text.split())
        if not any(character.isalnum() for character in said):
            raise EngineFailed(f"there is nothing to say in {text!r} ({locale})")
        if not 0.5 <= speed <= 2.0:
            raise EngineFailed(f"{self._engine} speaks at 0.5..2.0 of its tempo, not {speed}")
        if not style:
            raise BadInput(
                f"{self._engine} has no voice of its own, and no recording of the speaker was enrolled",
                mend="give a source in which the speaker says at least a few seconds, or choose another tts engine",
            )
        samples = self._said(said, self._code(locale), style, speed)
        first, last = sounding(samples, self.rate_hz)
        return Speech(samples[first:last], self.rate_hz, ())

    def fit_voice(self, reference: Samples, rate_hz: int, hear: Hear, transcript: str = "") -> FittedVoice:
        """The recording as a style; its likeness is measured on sentences that the recording does not hold."""
        style = Reference(_at_24_khz(reference, rate_hz), transcript).to_bytes()
        speech = self.speak(_TEST_SENTENCES, _TEST_LOCALE, style)
        similarity = float(hear(speech.samples, speech.rate_hz) @ hear(reference, rate_hz))
        made_of = f"cloned by {self._engine} from {reference.size / rate_hz:.0f} s"
        return FittedVoice(style, made_of, similarity, None, None, speech.samples, speech.rate_hz)

    def fit_locale(self, style: bytes, locale: Locale, hear: Hear, understand: Understand) -> LocaleVoice:
        """The same style, and how near its speech in this locale is to the recording. Whether it is understood is the
        review's question: there is no native voice to fall back on."""
        reference = Reference.from_bytes(style)
        text = article_1().get(locale) or article_1().get(Locale(locale.language)) or _TEST_SENTENCES
        spoken_in = _TEST_LOCALE if text == _TEST_SENTENCES else locale
        speech = self.speak(_first_sentence(text), spoken_in, style)
        similarity = float(hear(speech.samples, speech.rate_hz) @ hear(reference.samples, REFERENCE_RATE_HZ))
        made_of = f"cloned by {self._engine} from {reference.samples.size / REFERENCE_RATE_HZ:.0f} s"
        return LocaleVoice(style, made_of, 0.0, similarity, None, None)

    def _code(self, locale: Locale) -> str:
        for tag in (locale, Locale(locale.language)):
            if tag in self._codes:
                return self._codes[tag]
        raise LanguageNotSupported(
            f"{self._engine} does not speak {locale}", mend="choose another locale or tts engine"
        )

    def _said(self, text: str, code: str, style: bytes, speed: float) -> npt.NDArray[np.float32]:
        path, transcript = self._reference_file(style)
        out = self._worker.scratch / f"{uuid.uuid4().hex}.f32"
        try:
            told = self._worker.call(
                "speak", text=text, language=code, reference=str(path), transcript=transcript, speed=speed, out=str(out)
            )
            return _read_samples(out, told, self.rate_hz, self._engine)
        finally:
            out.unlink(missing_ok=True)

    def _reference_file(self, style: bytes) -> tuple[Path, str]:
        """The recording as a WAV file in the worker's scratch folder, one per style, and its transcript."""
        reference = Reference.from_bytes(style)
        path = self._worker.scratch / f"{hashlib.sha256(style).hexdigest()[:32]}.wav"
        if not path.exists():
            unfinished = path.with_suffix(f".{uuid.uuid4().hex}")
            write_wav(unfinished, reference.samples, REFERENCE_RATE_HZ)
            unfinished.replace(path)
        return path, reference.transcript


def _first_sentence(text: str) -> str:
    """Of a text for measuring a likeness: three seconds or more, which encoders need, and no longer than that takes."""
    sentences = re.split(r"(?<=[.!?।။።。।៖؟])\s*", text.strip())
    return sentences[0] if len(sentences[0]) >= _ENOUGH_CHARACTERS else text


def start_worker(engine: str, venv: str, folder: Path, device: str) -> Worker:
    """The worker of an engine, not yet running. Raises EngineUnavailable where its environment is not installed."""
    n_threads = len(os.sched_getaffinity(0))
    load: dict[str, Parameter] = {"folder": str(folder), "device": device, "n_threads": n_threads}
    return Worker(engine, command_of(venv, f"{engine}_worker"), load, deadline_s=_DEADLINE_S)


def _read_samples(path: Path, told: Mapping[str, object], rate_hz: int, engine: str) -> npt.NDArray[np.float32]:
    """The worker's sound, where the file is what it told."""
    if told.get("rate_hz") != rate_hz:
        raise EngineFailed(f"{engine} gave sound at {told.get('rate_hz')} Hz, not {rate_hz}")
    n_samples = told.get("n_samples")
    if not isinstance(n_samples, int) or not path.is_file() or path.stat().st_size != 4 * n_samples:
        raise EngineFailed(f"{engine} gave no sound file of {n_samples} samples")
    samples = np.fromfile(path, "<f4").astype(np.float32)
    if not samples.size or not np.isfinite(samples).all():
        raise EngineFailed(f"{engine} gave sound that is not finite")
    return np.clip(samples, -1.0, 1.0)


def _at_24_khz(samples: Samples, rate_hz: int) -> Samples:
    """At most 30 s of a recording, mono float32 (n,), at the style's rate."""
    import soxr

    short = samples[: round((MAX_REFERENCE_S - 0.1) * rate_hz)]
    if rate_hz == REFERENCE_RATE_HZ:
        return np.ascontiguousarray(short, np.float32)
    return np.asarray(soxr.resample(short, rate_hz, REFERENCE_RATE_HZ, quality="VHQ"), np.float32)
