"""The real package in its own environment, on a tiny model with random weights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dub.errors import BadInput, EngineFailed
from engines.tts import omnivoice
from engines.tts.worker_voice import WorkerVoice, start_worker
from lang.bcp47 import Locale
from tests.engines.tts.worker_checks import SENTENCE, a_hum, check_speech, make_weights, tempo_at

pytestmark = [pytest.mark.workers, pytest.mark.slow]


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerVoice]:
    folder = tmp_path_factory.mktemp("omnivoice")
    make_weights("omnivoice", "tiny_omnivoice.py", folder)
    worker = start_worker("omnivoice", "omnivoice", folder, "cpu")
    yield WorkerVoice("omnivoice", worker, omnivoice.CODES, omnivoice.RATE_HZ)
    worker.close()


def test_it_speaks_and_repeats_itself(voice: WorkerVoice) -> None:
    check_speech(voice)
    assert voice._worker.package == "omnivoice 0.2.1"


@pytest.mark.parametrize("speed", [0.8, 1.25])
def test_tempo(voice: WorkerVoice, speed: float) -> None:
    assert tempo_at(voice, speed) == pytest.approx(speed, rel=0.03)


def test_every_locales_code_is_one_that_the_model_knows(voice: WorkerVoice, tmp_path: Path) -> None:
    for code in sorted(set(omnivoice.CODES.values())):
        # An unknown language is refused before anything else is looked at, a missing transcript next.
        with pytest.raises(BadInput, match="no transcript"):
            voice._worker.call(
                "speak", text="a", language=code, reference="x", transcript="", speed=1.0, out=str(tmp_path / "out")
            )


def test_a_recording_without_its_words_is_refused(voice: WorkerVoice) -> None:
    with pytest.raises(BadInput, match="no transcript"):
        voice.speak(SENTENCE, Locale("en"), a_hum(transcript=""))


def test_weights_that_are_not_there_are_named(voice: WorkerVoice, tmp_path: Path) -> None:
    worker = start_worker("omnivoice", "omnivoice", tmp_path, "cpu")
    with pytest.raises(EngineFailed, match="fails"):
        WorkerVoice("omnivoice", worker, omnivoice.CODES, 24_000).speak(SENTENCE, Locale("en"), a_hum())
    worker.close()
