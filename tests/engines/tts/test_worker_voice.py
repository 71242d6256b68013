"""What the cloning engines share: a recording goes to the worker as it was enrolled, and its sound comes back whole."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from dub.errors import BadInput, EngineFailed, LanguageNotSupported
from dub.script import Utterance
from dub.timecode import Span
from dub.voice_reference import TRANSCRIBED_REFERENCE_S, whole_lines
from engines.tts import chatterbox
from engines.tts.worker_voice import REFERENCE_RATE_HZ, Reference, WorkerVoice
from engines.worker import Worker
from lang.bcp47 import Locale

TOY = Path(__file__).with_name("toy_voice_worker.py")
ENGLISH, SPANISH = Locale("en"), Locale("es")
CODES = {ENGLISH: "en", SPANISH: "es", Locale("fr"): "fr"}
SENTENCE = "The boats came home before the storm."


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    made = Worker("toy-voice", [sys.executable, str(TOY)], {"folder": "x", "device": "cpu", "n_threads": 1})
    yield made
    made.close()


@pytest.fixture(scope="module")
def voice(worker: Worker) -> WorkerVoice:
    return WorkerVoice("toy-voice", worker, CODES, 24_000)


def _style(loudness: float = 0.5, transcript: str = "") -> bytes:
    seconds = np.arange(REFERENCE_RATE_HZ) / REFERENCE_RATE_HZ
    return Reference((loudness * np.sin(700 * seconds)).astype(np.float32), transcript).to_bytes()


def _hear(samples: np.ndarray, rate_hz: int) -> np.ndarray:
    """Tells tones apart by how much of them is below 160 Hz."""
    power = np.abs(np.fft.rfft(samples)) ** 2
    low = float(power[: 160 * samples.size // rate_hz].sum() / power.sum())
    return np.array([low, 1 - low], np.float32) / np.hypot(low, 1 - low)


def test_the_worker_hears_the_recording_and_its_sound_comes_back(voice: WorkerVoice) -> None:
    speech = voice.speak(SENTENCE, ENGLISH, _style(0.5))
    assert speech.samples.dtype == np.float32
    assert speech.samples.size == pytest.approx(len(SENTENCE) * 0.05 * 24_000, abs=2_000)
    assert np.abs(speech.samples).max() == pytest.approx(0.5, abs=0.01)
    assert np.abs(voice.speak(SENTENCE, ENGLISH, _style(0.25)).samples).max() == pytest.approx(0.25, abs=0.01)
    assert speech.phonemes == ()


def test_a_region_is_spoken_by_its_language_and_others_are_refused(voice: WorkerVoice) -> None:
    assert voice.speak("hola", Locale("es-MX"), _style()).samples.size
    with pytest.raises(LanguageNotSupported):
        voice.speak("hej", Locale("sv"), _style())
    with pytest.raises(BadInput, match="does not speak 'fr'"):
        voice.speak("salut", Locale("fr"), _style())


def test_it_has_no_voice_of_its_own(voice: WorkerVoice) -> None:
    with pytest.raises(BadInput, match="no recording of the speaker"):
        voice.speak(SENTENCE, ENGLISH, b"")


@pytest.mark.parametrize("nothing", ["", "  ", "...", "?!"])
def test_nothing_to_say_is_an_error(voice: WorkerVoice, nothing: str) -> None:
    with pytest.raises(EngineFailed, match="nothing to say"):
        voice.speak(nothing, ENGLISH, _style())


@pytest.mark.parametrize(
    ("text", "why"),
    [("endless", "not finite"), ("missing", "no sound file"), ("longer", "no sound file"), ("other rate", "16000 Hz")],
)
def test_sound_that_is_not_what_was_told_is_an_error(voice: WorkerVoice, worker: Worker, text: str, why: str) -> None:
    with pytest.raises(EngineFailed, match=why):
        voice.speak(text, ENGLISH, _style())
    assert not list(worker.scratch.glob("*.f32"))


def test_a_style_is_the_same_bytes_for_the_same_recording_and_holds_its_words() -> None:
    assert _style(transcript="día 1") == _style(transcript="día 1")
    assert Reference.from_bytes(_style(transcript="día 1")).transcript == "día 1"
    assert np.array_equal(Reference.from_bytes(_style()).samples, Reference.from_bytes(_style()).samples)


def _npz(**arrays: np.ndarray) -> bytes:
    import io

    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


@pytest.mark.parametrize(
    "style",
    [
        b"RIFF",
        pickle.dumps({"samples": [1.0]}),
        _npz(samples=np.array([{}], object), transcript=np.zeros(0, np.uint8)),
        _npz(samples=np.zeros((2, 5), np.float32), transcript=np.zeros(0, np.uint8)),
        _npz(samples=np.full(5, np.nan, np.float32), transcript=np.zeros(0, np.uint8)),
        _npz(samples=np.zeros(31 * REFERENCE_RATE_HZ, np.float32), transcript=np.zeros(0, np.uint8)),
        _npz(samples=np.zeros(0, np.float32), transcript=np.zeros(0, np.uint8)),
        _npz(samples=np.zeros(5, np.float32)),
    ],
)
def test_what_is_no_recording_is_refused(voice: WorkerVoice, style: bytes) -> None:
    with pytest.raises(BadInput, match="no reference recording"):
        voice.speak(SENTENCE, ENGLISH, style)


def test_enrolling_keeps_the_recording_and_measures_its_likeness(voice: WorkerVoice) -> None:
    low = (0.5 * np.sin(2 * np.pi * 110 * np.arange(5 * 48_000) / 48_000)).astype(np.float32)
    fitted = voice.fit_voice(low, 48_000, _hear, transcript="hm")
    reference = Reference.from_bytes(fitted.style)
    assert reference.transcript == "hm"
    assert reference.samples.size == 5 * REFERENCE_RATE_HZ
    assert (fitted.nearest_similarity, fitted.others_similarity) == (None, None)
    assert fitted.similarity < 0.1  # the toy speaks English an octave above the reference, and this is measured
    in_spanish = voice.fit_locale(fitted.style, SPANISH, _hear, lambda samples, rate_hz, locale: "")
    assert in_spanish.style == fitted.style
    assert in_spanish.similarity is not None
    assert in_spanish.similarity > 0.9
    assert (in_spanish.error_rate, in_spanish.native_error_rate, in_spanish.share_of_native) == (None, None, 0.0)


def test_half_a_minute_of_a_long_recording_is_kept(voice: WorkerVoice) -> None:
    long = np.full(60 * 16_000, 0.1, np.float32)
    fitted = voice.fit_voice(long, 16_000, _hear)
    assert 29 < Reference.from_bytes(fitted.style).samples.size / REFERENCE_RATE_HZ <= 30


@pytest.mark.parametrize("speed", [0.85, 1.3])
def test_chatterbox_is_given_another_tempo_by_stretching(worker: Worker, speed: float) -> None:
    engine = chatterbox.Chatterbox(worker)
    text = f"{SENTENCE} {SENTENCE}"
    natural = engine.speak(text, ENGLISH, _style())
    other = engine.speak(text, ENGLISH, _style(), speed)
    assert other.rate_hz == natural.rate_hz
    assert other.samples.dtype == np.float32
    assert natural.samples.size / other.samples.size == pytest.approx(speed, rel=0.02)
    spectrum = np.abs(np.fft.rfft(other.samples))
    assert np.argmax(spectrum) * other.rate_hz / other.samples.size == pytest.approx(220, abs=3)
    with pytest.raises(EngineFailed, match="tempo"):
        engine.speak(text, ENGLISH, _style(), 3.0)


def _line(number: int, start: int, seconds: int) -> Utterance:
    span = Span(start=Fraction(start), end=Fraction(start + seconds))
    return Utterance(id=f"u{number:04}", speaker="A", span=span, text=f"line {number}")


def test_a_reference_with_words_is_of_whole_lines() -> None:
    lines = [_line(0, 0, 4), _line(1, 5, 9), _line(2, 20, 7), _line(3, 30, 2)]
    chosen = whole_lines(lines)
    assert [line.id for line in chosen] == ["u0000", "u0001", "u0003"]
    assert sum(line.span.duration for line in chosen) <= TRANSCRIBED_REFERENCE_S
    assert [line.id for line in whole_lines([_line(0, 0, 40), _line(1, 50, 20)])] == ["u0001"]
