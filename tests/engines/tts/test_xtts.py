"""The real package in its own environment, on a tiny model with random weights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dub.errors import BadInput, EngineFailed
from engines.tts import xtts
from engines.tts.worker_voice import WorkerVoice, start_worker
from lang.bcp47 import Locale
from tests.engines.tts.worker_checks import SENTENCE, a_hum, check_speech, make_weights, tempo_at

pytestmark = [pytest.mark.workers, pytest.mark.slow]


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerVoice]:
    folder = tmp_path_factory.mktemp("xtts")
    make_weights("xtts", "tiny_xtts.py", folder)
    worker = start_worker("xtts", "xtts", folder, "cpu")
    yield WorkerVoice("xtts", worker, xtts.CODES, xtts.RATE_HZ)
    worker.close()


def test_it_speaks_and_repeats_itself(voice: WorkerVoice) -> None:
    check_speech(voice)
    assert voice._worker.package == "coqui-tts 0.28.0"


def test_tempo(voice: WorkerVoice) -> None:
    assert tempo_at(voice, 0.8) == pytest.approx(0.8, abs=0.08)


@pytest.mark.parametrize(("locale", "text"), [("es-MX", "Los barcos, 3."), ("zh", "今天天气很好"), ("ja", "今日は")])
def test_every_way_of_reading_a_text_is_installed(voice: WorkerVoice, locale: str, text: str) -> None:
    assert voice.speak(text, Locale(locale), a_hum()).samples.size


def test_weights_that_are_not_there_are_named(voice: WorkerVoice, tmp_path: Path) -> None:
    worker = start_worker("xtts", "xtts", tmp_path, "auto")
    with pytest.raises(EngineFailed, match=r"config\.json"):
        WorkerVoice("xtts", worker, xtts.CODES, xtts.RATE_HZ).speak(SENTENCE, Locale("en"), a_hum())
    worker.close()


def test_a_device_that_is_not_there_is_refused(voice: WorkerVoice, tmp_path: Path) -> None:
    worker = start_worker("xtts", "xtts", tmp_path, "tpu")
    with pytest.raises(BadInput, match="not 'tpu'"):
        WorkerVoice("xtts", worker, xtts.CODES, xtts.RATE_HZ).speak(SENTENCE, Locale("en"), a_hum())
    worker.close()


def test_the_worker_refuses_a_language_that_the_model_lacks(voice: WorkerVoice) -> None:
    with pytest.raises(BadInput, match="does not speak 'xx'"):
        WorkerVoice("xtts", voice._worker, {Locale("sv"): "xx"}, 24_000).speak("hej", Locale("sv"), a_hum())
