"""What test_xtts, test_omnivoice and test_chatterbox ask of a real package on random weights of the real architecture.

Random weights say nothing that could be judged: that they load, speak, repeat themselves and follow the tempo is all.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from dub.errors import EngineUnavailable
from engines import worker_venv
from engines.tts.worker_voice import REFERENCE_RATE_HZ, Reference, WorkerVoice
from lang.bcp47 import Locale

ENGLISH = Locale("en")
SENTENCE = "The boats came home before the storm."


def make_weights(venv: str, script: str, folder: Path, *options: str) -> None:
    """Run a script beside this one inside the worker's environment; skips where that is not installed."""
    try:
        python = worker_venv.python_of(venv)
    except EngineUnavailable as error:
        pytest.skip(str(error))
    command = [str(python), "-s", "-E", str(Path(__file__).with_name(script)), *options, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]


def a_hum(transcript: str = "A voice that hums.") -> bytes:
    """Four seconds of a tone that swells and fades three times a second, as a style."""
    seconds = np.arange(4 * REFERENCE_RATE_HZ) / REFERENCE_RATE_HZ
    hum = 0.3 * np.sin(2 * np.pi * 150 * seconds) * (1 + np.sin(2 * np.pi * 3 * seconds)) / 2
    noise = 0.01 * np.random.default_rng(0).standard_normal(seconds.size)
    return Reference((hum + noise).astype(np.float32), transcript).to_bytes()


def check_speech(voice: WorkerVoice) -> None:
    """It speaks, and says the same again after something else was said."""
    style = a_hum()
    first = voice.speak(SENTENCE, ENGLISH, style)
    assert first.rate_hz == voice.rate_hz == 24_000
    assert first.samples.size > 2_000
    assert 0.0001 < np.abs(first.samples).max() <= 1.0
    voice.speak("Something else.", ENGLISH, style)
    assert np.array_equal(first.samples, voice.speak(SENTENCE, ENGLISH, style).samples)


def tempo_at(voice: WorkerVoice, speed: float) -> float:
    style = a_hum()
    natural = voice.speak(SENTENCE, ENGLISH, style).samples.size
    return natural / voice.speak(SENTENCE, ENGLISH, style, speed).samples.size
