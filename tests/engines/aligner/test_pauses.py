"""Pauses leave the comparison and come back into the times."""

from __future__ import annotations

import numpy as np
import pytest

from engines import registry
from engines.aligner.contract import Aligner
from engines.aligner.pauses import squeeze
from engines.tts.espeak import Espeak
from lang.bcp47 import Locale
from tests.clips import speechlike

RATE = 16_000
SENTENCES = ("The boats came home before the storm.", "My brother bought a big umbrella.", "Bring the map, please.")


def with_pauses(pieces: list[np.ndarray], pauses_s: list[float], rate_hz: int) -> tuple[np.ndarray, list[int]]:
    """Pieces each after its pause; where each begins."""
    parts, begins, n = [], [], 0
    for piece, pause_s in zip(pieces, pauses_s, strict=True):
        parts += [np.zeros(round(pause_s * rate_hz), np.float32), piece]
        begins.append(n + parts[-2].size)
        n = begins[-1] + piece.size
    return np.concatenate(parts), begins


def test_long_pauses_become_short_and_times_find_back() -> None:
    burst = speechlike(1.0, RATE, seed=1)[0] + np.float32(0.05) * speechlike(1.0, RATE, 97.0, seed=2)[0]
    sound, begins = with_pauses([burst, burst], [1.0, 2.0], RATE)
    short = squeeze(sound, RATE)
    assert sound.size / RATE == pytest.approx(5.0)
    assert short.samples.size / RATE < 2.4
    assert len(short.pieces) >= 2
    for begin in begins:
        there = np.array([begin / RATE + 0.2])
        assert short.starts(short.squeezed(there)) == pytest.approx(there, abs=1e-3)
    in_the_pause = short.squeezed(np.array([2.5]))
    assert short.starts(in_the_pause) >= begins[1] / RATE - 0.05
    assert short.ends(in_the_pause) <= begins[0] / RATE + 1.05


def test_silence_and_noise_stay_whole() -> None:
    for sound in (np.zeros(RATE, np.float32), np.full(RATE // 20, 0.1, np.float32)):
        assert squeeze(sound, RATE).samples.size == sound.size


@pytest.mark.parametrize("pauses_s", [(0.0, 0.0, 0.0), (1.5, 3.0, 0.1)])
def test_sentences_with_pauses_between_them_align_as_well_as_without(pauses_s: tuple[float, ...]) -> None:
    espeak: Espeak = registry.load("tts", "espeak")
    aligner: Aligner = registry.load("aligner", "dtw")
    said = [espeak.say(sentence, Locale("en"), 1.15, "f4") for sentence in SENTENCES]
    sound, begins = with_pauses([speech.samples for speech in said], list(pauses_s), said[0].rate_hz)
    truth = [
        (p.ipa, (begin + p.start_sample) / said[0].rate_hz)
        for speech, begin in zip(said, begins, strict=True)
        for p in speech.phonemes
    ]
    found = aligner.align(sound, said[0].rate_hz, " ".join(SENTENCES), Locale("en"))
    assert [p.ipa for p in found] == [ipa for ipa, _ in truth]
    errors_s = np.abs([p.start_sample / said[0].rate_hz - at for p, (_, at) in zip(found, truth, strict=True)])
    assert np.median(errors_s) < 0.02
    assert np.quantile(errors_s, 0.95) < 0.09
