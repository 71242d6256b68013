"""Enrolment for an engine that clones: the speaker's recording is the style, with its words where it asks for them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from dub.cast import Cast, CastEntry, Casting
from dub.script import DubScript, Utterance
from dub.source import Stems
from dub.stage import Desk, EngineChoice
from dub.timecode import MASTER_RATE_HZ, Span
from dub.wav import WAV, write_wav
from engines import registry
from engines.spec import EngineSpec
from engines.tts.worker_voice import REFERENCE_RATE_HZ, Reference, WorkerVoice
from engines.worker import Worker
from lang.bcp47 import Locale
from tasks.enroll import cast_for, enroll

TOY = Path(__file__).parents[1] / "engines" / "tts" / "toy_voice_worker.py"
SCRIPT = DubScript(
    source_locale=Locale("en"),
    duration=Fraction(40),
    utterances=(
        Utterance(id="u0000", speaker="A", span=Span.of_seconds(0, 6), text="six seconds of it"),
        Utterance(id="u0001", speaker="A", span=Span.of_seconds(7, 15), text="and eight"),
        Utterance(id="u0002", speaker="A", span=Span.of_seconds(16, 36), text="too long to be heard whole"),
    ),
)


@pytest.fixture(params=[True, False], ids=["with words", "without words"])
def choice(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[EngineChoice]:
    """A cloning engine on the toy worker, in the registry for the length of a test."""
    worker = Worker("toy-voice", [sys.executable, str(TOY)], {"folder": "x", "device": "cpu", "n_threads": 1})
    spec = EngineSpec(
        id="toy-voice",
        family="tts",
        version=1,
        summary="toy",
        load=lambda: WorkerVoice("toy-voice", worker, {Locale("en"): "en", Locale("es"): "es"}, 24_000),
        capabilities={"clones": True, "fits_voices": True, "needs_transcript": request.param},
    )
    monkeypatch.setitem(registry.specs(), ("tts", "toy-voice"), spec)
    yield EngineChoice(family="tts", id="toy-voice", fingerprint=f"{spec.fingerprint()}{request.param}")
    registry._loaded.pop(("tts", "toy-voice", "[]"), None)
    worker.close()


def _encoder() -> EngineChoice:
    spec = registry.spec("speaker", "long-term-spectrum")
    return EngineChoice(family="speaker", id=spec.id, fingerprint=spec.fingerprint())


@pytest.fixture
def cast(desk: Desk, choice: EngineChoice) -> Cast:
    at = np.arange(40 * MASTER_RATE_HZ) / MASTER_RATE_HZ
    store = desk.open_store()
    with store.scratch() as folder:
        write_wav(folder / "dialogue.wav", (0.1 * np.sin(2 * np.pi * 110 * at)).astype(np.float32), MASTER_RATE_HZ)
        stem = store.put(folder / "dialogue.wav", WAV)
    return enroll(desk, SCRIPT, Stems(dialogue=stem, bed=stem), choice, _encoder())


def test_the_style_is_the_recording_and_is_measured_anew_in_each_locale(
    desk: Desk, choice: EngineChoice, cast: Cast
) -> None:
    (voice,) = cast.voices
    reference = Reference.from_bytes(desk.open_store().read_bytes(voice.style))
    needs_words = registry.spec("tts", "toy-voice").capabilities["needs_transcript"]
    assert reference.transcript == ("six seconds of it and eight" if needs_words else "")
    assert reference.samples.size / REFERENCE_RATE_HZ == (14 if needs_words else 25)
    assert "long-term-spectrum" in voice.similarity
    assert not [name for name in voice.similarity if "stock" in name]

    recogniser = EngineChoice(family="asr", id="scripted", fingerprint="none")
    (spanish,) = cast_for(desk, cast, Locale("es"), choice, _encoder(), recogniser).voices
    assert spanish.style == voice.style
    assert "long-term-spectrum in es" in spanish.similarity
    assert "misheard" not in spanish.made_of


def test_the_casts_recording_is_what_the_engine_hears_in_every_title(
    desk: Desk, choice: EngineChoice, cast: Cast
) -> None:
    """Not the title's own speech: with its words where the engine asks for them, else without its pauses."""
    at = np.arange(10 * MASTER_RATE_HZ) / MASTER_RATE_HZ
    loud = (at < 4) | (at >= 6)
    store = desk.open_store()
    with store.scratch() as folder:
        write_wav(folder / "a.wav", (0.1 * np.sin(2 * np.pi * 330 * at) * loud).astype(np.float32), MASTER_RATE_HZ)
        recording = store.put(folder / "a.wav", WAV)
    entry = CastEntry(name="A", reference=recording, reference_name="a.wav", says="what A says there")
    casting = Casting(names={"A": "A"}, entries=(entry,), identified={"A": "fixed by cast.toml"})
    stems = Stems(dialogue=cast.voices[0].reference, bed=cast.voices[0].reference)
    (voice,) = enroll(desk, SCRIPT, stems, choice, _encoder(), None, casting).voices
    heard = Reference.from_bytes(store.read_bytes(voice.style))
    needs_words = registry.spec("tts", "toy-voice").capabilities["needs_transcript"]
    assert heard.transcript == ("what A says there" if needs_words else "")
    assert heard.samples.size / REFERENCE_RATE_HZ == pytest.approx(10 if needs_words else 8.3, abs=0.1)
    crossings = int(np.sum(np.diff(np.signbit(heard.samples[: 2 * REFERENCE_RATE_HZ]))))
    assert crossings / 4 == pytest.approx(330, abs=2), "the recording's voice, not the title's 110 Hz"
    assert voice.identified == "fixed by cast.toml"
