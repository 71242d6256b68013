"""Whisper by faster-whisper (CTranslate2), any size, with Silero's voice activity detection inside.

https://github.com/SYSTRAN/faster-whisper (MIT); weights of OpenAI (MIT), multilingual, about 99 languages; Cantonese by
large-v3 and its turbo only; the distilled model knows English only. Known faults, measured on base: word times are
+-60-200 ms and the word after a pause is stretched back over it; Chinese comes out in traditional script; a silent or
musical stretch can make it invent a sentence or repeat itself (guarded below).
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from dub import progress
from dub.errors import EngineFailed, EngineUnavailable, LanguageNotSupported
from engines import weights
from engines.asr.contract import HeardWord, Recognition, Segment
from engines.spec import EngineSpec
from lang import registry
from lang.bcp47 import Locale

RATE_HZ = 16_000
SPEECH_LEVEL_DB = -20.0
"""Whisper hears worse below about -30 dBFS: every piece is brought to this speech level first."""
MOST_GAIN_DB = 50.0
PIECE_S = 300
"""Long files are heard in pieces of about this length, cut at their quietest moment: memory stays bounded."""
SURE_ENOUGH = 0.5
"""Below this probability the likeliest languages are each tried, and the one that reads best is taken."""
_RIVAL = 0.4
"""A language with less than this share of the likeliest one's probability is not tried."""
MOST_COMPRESSIBLE = 2.4
LEAST_LOGPROB = -1.3
"""Mean log probability per token: with no_speech_prob > 0.6 below -1.0, or below this at all, nothing was said."""


MODELS = (
    "whisper-base",
    "whisper-tiny",
    "whisper-small",
    "whisper-medium",
    "whisper-large-v2",
    "whisper-large-v3",
    "whisper-large-v3-turbo",
    "whisper-distil-large-v3",
)
"""Ids in models.lock; the first is what the embedded profile runs."""
_ENGLISH_ONLY = frozenset({"whisper-distil-large-v3"})
_NOT_TRANSLATING = _ENGLISH_ONLY | {"whisper-large-v3-turbo"}
"""Not taught to translate: asked to, they write down what is said in its own language."""


class Options(BaseModel):
    """`model`: id in models.lock. `device`: `auto` takes a GPU where there is one. `compute_type`: `auto` is int8 on a
    CPU and float16 on a GPU. `n_threads` 0: all CPUs."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    model: str = MODELS[0]
    device: Literal["auto", "cpu", "cuda"] = "auto"
    compute_type: Literal["auto", "int8", "int8_float16", "int8_bfloat16", "float16", "bfloat16", "float32"] = "auto"
    beam_size: int = Field(5, ge=1, le=10)
    n_threads: int = Field(0, ge=0)


class FasterWhisper:
    """Meets `contract.Recogniser`. One model, one caller at a time."""

    def __init__(self, options: Options) -> None:
        from faster_whisper import WhisperModel

        device, compute_type = _where(options)
        n_threads = options.n_threads or int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)
        folder = weights.folder(options.model)
        try:
            self._model = WhisperModel(str(folder), device=device, compute_type=compute_type, cpu_threads=n_threads)
        except (RuntimeError, ValueError) as error:
            raise EngineUnavailable(
                f"{options.model} cannot be loaded on {device}: {error}",
                mend=f"polydub models pull {options.model}, or choose another device or a smaller model",
            ) from error
        self._name = options.model
        self._beam_size = options.beam_size
        self._one_at_a_time = Lock()

    def find_language(self, speech: Path) -> tuple[Locale, float] | None:
        with self._one_at_a_time:
            for _, samples, _ in _pieces(speech):
                if (louder := _at_speech_level(samples)) is not None:
                    code, probability = self._find_language(louder)
                    if code is not None:
                        return registry.locale_of_whisper(code), probability
        return None

    def recognise(self, speech: Path, locale: Locale | None = None, *, into_english: bool = False) -> Recognition:
        if into_english and self._name in _NOT_TRANSLATING:
            raise EngineUnavailable(
                f"{self._name} does not translate into English", mend="choose another model, e.g. whisper-large-v3"
            )
        code = None if locale is None else self._code(locale)
        probability = 1.0
        segments: list[Segment] = []
        with self._one_at_a_time:
            for start_s, samples, total_s in _pieces(speech):
                if (louder := _at_speech_level(samples)) is not None:
                    if code is None:
                        code, probability = self._find_language(louder)
                        self._require_known(code or "en")
                    if code is not None:
                        segments += self._hear(louder, start_s, code, into_english)
                progress.report(round(start_s + len(samples) / RATE_HZ), round(total_s))
        if code is None:
            return Recognition(locale or Locale("und"), 0.0, ())
        return Recognition(locale or registry.locale_of_whisper(code), probability, tuple(segments))

    def _code(self, locale: Locale) -> str:
        code = registry.whisper_code(locale)
        if code is None or code not in self._model.supported_languages:
            raise LanguageNotSupported(
                f"Whisper does not recognise {locale}", mend="give a timed script in the source's language instead"
            )
        self._require_known(code)
        return code

    def _require_known(self, code: str) -> None:
        if self._name in _ENGLISH_ONLY and code != "en":
            raise LanguageNotSupported(
                f"{self._name} knows English only, not {code}", mend="choose another model, e.g. whisper-large-v3"
            )

    def _find_language(self, samples: npt.NDArray[np.float32]) -> tuple[str | None, float]:
        """Whisper code and probability; (None, 0.0) where nobody speaks."""
        from faster_whisper.vad import VadOptions, collect_chunks, get_speech_timestamps

        chunks = get_speech_timestamps(samples, VadOptions())
        if not chunks:
            return None, 0.0
        speech = np.concatenate(collect_chunks(samples, chunks)[0])[: 120 * RATE_HZ]
        code, probability, ranking = self._model.detect_language(
            speech, language_detection_segments=4, language_detection_threshold=0.8
        )
        if probability >= SURE_ENOUGH:
            return code, float(probability)
        rivals = [(name, share) for name, share in ranking[:3] if share >= _RIVAL * ranking[0][1]]
        first = speech[: 30 * RATE_HZ]
        best = max(rivals, key=lambda rival: self._fluency(first, rival[0]) + 0.5 * math.log(rival[1]))
        return best[0], float(best[1])

    def _fluency(self, samples: npt.NDArray[np.float32], code: str) -> float:
        """Mean log probability per token of the text heard as this language; a loop is fluent and means nothing."""
        segments, _ = self._model.transcribe(
            samples, language=code, beam_size=1, temperature=0.0, condition_on_previous_text=False
        )
        heard = list(segments)
        if any(_is_loop(segment) for segment in heard):
            return float("-inf")
        scores = [(segment.avg_logprob, len(segment.tokens)) for segment in heard]
        return sum(score * n for score, n in scores) / max(1, sum(n for _, n in scores)) if scores else float("-inf")

    def _hear(self, samples: npt.NDArray[np.float32], start_s: float, code: str, into_english: bool) -> list[Segment]:
        heard = self._transcribe(samples, code, into_english)
        if any(_is_loop(segment) for segment in heard):
            # Greedy repetition: forbid repeated word groups, then drop whatever still loops.
            heard = self._transcribe(samples, code, into_english, no_repeat_ngram_size=4, repetition_penalty=1.1)
        return [_moved(segment, start_s) for segment in heard if not _is_loop(segment) and not _is_unlikely(segment)]

    def _transcribe(self, samples: npt.NDArray[np.float32], code: str, into_english: bool, **more: Any) -> list[Any]:
        try:
            segments, _ = self._model.transcribe(
                samples,
                language=code,
                task="translate" if into_english else "transcribe",
                beam_size=self._beam_size,
                temperature=0.0,
                condition_on_previous_text=False,
                # A translation's words have no times of their own in the sound.
                word_timestamps=not into_english,
                vad_filter=True,
                hallucination_silence_threshold=None if into_english else 2.0,
                **more,
            )
            return list(segments)
        except RuntimeError as error:
            raise EngineFailed(f"faster-whisper failed: {error}") from error


def _where(options: Options) -> tuple[str, str]:
    """Device and compute type. Raises EngineUnavailable for one that this machine lacks."""
    import ctranslate2

    n_gpus = ctranslate2.get_cuda_device_count()
    if options.device == "cuda" and not n_gpus:
        raise EngineUnavailable(
            f"{options.model} is to run on cuda, and CTranslate2 finds no CUDA device here",
            mend='set device = "cpu" (or "auto") for faster-whisper in the profile, or install the NVIDIA driver',
        )
    device = "cuda" if n_gpus and options.device != "cpu" else "cpu"
    if options.compute_type == "auto":
        return device, "float16" if device == "cuda" else "int8"
    supported = sorted(ctranslate2.get_supported_compute_types(device))
    if options.compute_type not in supported:  # CTranslate2 itself would take another in silence
        raise EngineUnavailable(
            f"{options.model}: this {device} does not compute in {options.compute_type}",
            mend=f'set compute_type to "auto" or one of: {", ".join(supported)}',
        )
    return device, options.compute_type


def _pieces(speech: Path) -> Iterator[tuple[float, npt.NDArray[np.float32], float]]:
    """(start in s, mono 16 kHz float32, the file's length in s) of each piece, cut where it is quiet near its end."""
    held: list[npt.NDArray[np.float32]] = []
    n_held, start = 0, 0
    for block, total_s in _blocks(speech):
        held.append(block)
        n_held += len(block)
        if n_held >= (PIECE_S + 30) * RATE_HZ:
            samples = np.concatenate(held)
            cut = _quietest(samples, PIECE_S * RATE_HZ)
            yield start / RATE_HZ, samples[:cut], total_s
            held, n_held, start = [samples[cut:]], len(samples) - cut, start + cut
    if n_held:
        yield start / RATE_HZ, np.concatenate(held), (start + n_held) / RATE_HZ


def _blocks(speech: Path) -> Iterator[tuple[npt.NDArray[np.float32], float]]:
    import av
    from av.audio.frame import AudioFrame

    try:
        with av.open(str(speech), metadata_errors="ignore") as container:
            total_s = (container.duration or 0) / 1_000_000
            resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE_HZ)
            for frame in container.decode(audio=0):
                assert isinstance(frame, AudioFrame)
                frame.pts = None
                for out in resampler.resample(frame):
                    yield out.to_ndarray().reshape(-1).astype(np.float32, copy=False), total_s
            for out in resampler.resample(None):
                yield out.to_ndarray().reshape(-1).astype(np.float32, copy=False), total_s
    except (av.FFmpegError, IndexError) as error:
        raise EngineFailed(f"cannot read sound from {speech.name}: {error}") from error


def _quietest(samples: npt.NDArray[np.float32], first: int) -> int:
    """Sample after `first` in the middle of the quietest 0.3 s."""
    hop = RATE_HZ // 100
    tail = samples[first : len(samples) - (len(samples) - first) % hop].reshape(-1, hop)
    power = np.convolve((tail.astype(np.float64) ** 2).mean(axis=1), np.ones(30), mode="valid")
    return first + (int(power.argmin()) + 15) * hop


def _at_speech_level(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32] | None:
    """Samples brought to -20 dBFS of speech; None for a piece that is silent."""
    hop = RATE_HZ // 100
    frames = samples[: len(samples) // hop * hop].reshape(-1, hop).astype(np.float64)
    if not len(frames):
        return None
    power = (frames**2).mean(axis=1)
    # What is within 20 dB of the loudest, however rare: the speech, not the silence around it.
    level_db = 10 * np.log10(power[power >= np.percentile(power, 99.5) / 100].mean() + 1e-12)
    gain_db = SPEECH_LEVEL_DB - level_db
    if gain_db > MOST_GAIN_DB:
        return None
    louder: npt.NDArray[np.float32] = np.clip(samples * np.float32(10 ** (gain_db / 20)), -1, 1)
    return louder


def _is_loop(segment: Any) -> bool:
    """Whisper's sign of a repetition: text that gzip shrinks too well, or one word over and over."""
    tokens = segment.text.split()
    return segment.compression_ratio > MOST_COMPRESSIBLE or (len(tokens) >= 6 and len(set(tokens)) <= len(tokens) // 4)


def _is_unlikely(segment: Any) -> bool:
    is_no_speech = segment.no_speech_prob > 0.6 and segment.avg_logprob < -1.0
    return is_no_speech or segment.avg_logprob < LEAST_LOGPROB or not segment.text.strip()


def _moved(segment: Any, start_s: float) -> Segment:
    words = tuple(
        HeardWord(
            word.word,
            start_s + float(word.start),
            start_s + float(word.end),
            min(1.0, max(0.0, float(word.probability))),
        )
        for word in segment.words or ()
    )
    return Segment(segment.text.strip(), start_s + float(segment.start), start_s + float(segment.end), words)


MEASURED_IN = frozenset(map(Locale, ("de", "en", "es", "fr", "it", "ja", "pt", "ru", "zh")))
"""Languages whose speech Whisper base was measured to hear: recordings, or the voice of a native engine."""


def load(**options: Any) -> FasterWhisper:
    return FasterWhisper(Options(**options))


ENGINE = EngineSpec(
    id="faster-whisper",
    family="asr",
    version=2,
    summary="Whisper tiny to large-v3, on CPU or GPU, with word times and translation into English",
    load=load,
    locales=registry.whisper_locales(),
    code_licence="MIT",
    weights_licence="MIT",
    models=MODELS,
    extra="embedded",
    packages=("faster_whisper",),
    capabilities={"into_english": True, "measured_in": MEASURED_IN},
)
