"""The real package in its own environment, on random weights; see tiny_chatterbox.py for what is cut down."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dub.errors import BadInput
from engines import worker_venv
from engines.tts import chatterbox
from engines.tts.worker_voice import WorkerVoice
from engines.worker import Worker
from lang.bcp47 import Locale
from tests.engines.tts.worker_checks import a_hum, check_speech, make_weights, tempo_at

pytestmark = [pytest.mark.workers, pytest.mark.slow, pytest.mark.timeout(2400)]


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerVoice]:
    folder = tmp_path_factory.mktemp("chatterbox")
    make_weights("chatterbox", "tiny_chatterbox.py", folder, "save")
    script = Path(__file__).with_name("tiny_chatterbox.py")
    command = [str(worker_venv.python_of("chatterbox")), "-s", "-E", str(script), "serve"]
    worker = Worker("chatterbox", command, {"folder": str(folder), "device": "cpu", "n_threads": 2}, deadline_s=1200.0)
    yield chatterbox.Chatterbox(worker)
    worker.close()


def test_it_speaks_and_repeats_itself(voice: WorkerVoice) -> None:
    check_speech(voice)
    assert voice._worker.package == "chatterbox-tts 0.1.7"


def test_tempo(voice: WorkerVoice) -> None:
    assert tempo_at(voice, 1.25) == pytest.approx(1.25, rel=0.06)


def test_languages_whose_text_it_cannot_prepare_are_refused(voice: WorkerVoice) -> None:
    for code in ("he", "zh", "xx"):
        engine = WorkerVoice("chatterbox", voice._worker, {Locale("sv"): code}, 24_000)
        with pytest.raises(BadInput, match=f"does not speak '{code}'"):
            engine.speak("hej", Locale("sv"), a_hum())
