"""Enrolment with toy engines: who speaks, what is kept, and what must not be called cloned."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest

from dub.cast import Cast
from dub.script import DubScript, Utterance
from dub.source import Stems
from dub.stage import Desk, EngineChoice
from dub.timecode import MASTER_RATE_HZ, Span
from dub.wav import WAV, open_wav, write_wav
from engines import registry
from engines.spec import Family
from lang.bcp47 import Locale
from tasks.enroll import enroll


def _choice(family: Family, engine_id: str) -> EngineChoice:
    return EngineChoice(family=family, id=engine_id, fingerprint=registry.spec(family, engine_id).fingerprint())


def _tone(pitch_hz: float, seconds: float, level: float = 0.1) -> npt.NDArray[np.float32]:
    at = np.arange(round(seconds * MASTER_RATE_HZ)) / MASTER_RATE_HZ
    return (level * np.sin(2 * np.pi * pitch_hz * at)).astype(np.float32)


def _utterance(i: int, speaker: str, start_s: float, end_s: float) -> Utterance:
    return Utterance(id=f"u{i:04}", speaker=speaker, span=Span.of_seconds(start_s, end_s), text="said")


def _stems(desk: Desk, dialogue: npt.NDArray[np.float32]) -> Stems:
    store = desk.open_store()
    with store.scratch() as folder:
        write_wav(folder / "dialogue.wav", dialogue, MASTER_RATE_HZ)
        stem = store.put(folder / "dialogue.wav", WAV)
    return Stems(dialogue=stem, bed=stem)


@pytest.fixture
def cast(desk: Desk) -> Cast:
    """A low voice of 6 s in two pieces and a high one of 2 s."""
    dialogue = np.concatenate([_tone(110, 3), _tone(220, 2), _tone(110, 3, level=0.01), np.zeros(48_000, np.float32)])
    lines = (_utterance(0, "low", 0, 3), _utterance(1, "high", 3, 5), _utterance(2, "low", 5, 8))
    script = DubScript(source_locale=Locale("en"), duration=Fraction(9), utterances=lines)
    return enroll(
        desk,
        script,
        _stems(desk, dialogue),
        _choice("tts", "tone"),
        _choice("speaker", "long-term-spectrum"),
        _choice("speaker", "long-term-spectrum"),
    )


def test_every_speaker_gets_the_voice_of_their_own_speech(desk: Desk, cast: Cast) -> None:
    assert [voice.speaker for voice in cast.voices] == ["low", "high"]
    assert [voice.made_of for voice in cast.voices] == ["a tone of 110 Hz", "a tone of 220 Hz"]
    samples, rate_hz = open_wav(desk.open_store().path(cast.voice_of("low").reference))
    assert samples.shape[1] / rate_hz == 6
    # The quiet utterance counts as much as the loud one.
    halves = np.split(samples[0], 2)
    assert [float(np.sqrt(np.mean(half**2))) for half in halves] == pytest.approx([0.05, 0.05], rel=0.01)


def test_little_speech_is_used_but_never_called_cloned(cast: Cast) -> None:
    encoder = "long-term-spectrum"
    low, high = cast.voices
    assert low.similarity[encoder] > low.similarity[f"{encoder} threshold"]
    assert low.is_cloned
    assert high.similarity[encoder] > high.similarity[f"{encoder} threshold"]
    assert not high.is_cloned
    assert low.similarity[f"{encoder} same speaker"] > 0.99


def test_silence_gets_the_default_voice_and_says_so(desk: Desk) -> None:
    script = DubScript(source_locale=Locale("en"), duration=Fraction(5), utterances=(_utterance(0, "mute", 0, 5),))
    cast = enroll(
        desk,
        script,
        _stems(desk, np.zeros(5 * MASTER_RATE_HZ, np.float32)),
        _choice("tts", "tone"),
        _choice("speaker", "long-term-spectrum"),
    )
    assert cast.voices[0].made_of == "the default voice of tone: only 0.0 s of speech"
    assert not cast.voices[0].is_cloned
    assert desk.open_store().read_bytes(cast.voices[0].style) == b""
