"""The offset meter on the shipped sample: its lips' intended opening against its sound, right and wrong."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from dub.av_offset import ROWS_PER_S, SHORTEST_S, av_offset
from dub.media import read_audio
from dub.mfcc import mfcc

RATE = Fraction(25)
HZ = 16_000


@pytest.fixture(scope="module")
def sound(sample_video: Path) -> np.ndarray:
    return read_audio(sample_video, HZ, 1)[0]


@pytest.fixture(scope="module")
def lips(sample_video: Path) -> np.ndarray:
    return np.array(json.loads(sample_video.with_suffix(".json").read_text())["intended_aperture"], np.float32)


def cepstra(sound: np.ndarray) -> np.ndarray:
    return mfcc(sound, HZ, ROWS_PER_S)


def late(sound: np.ndarray, ms: int) -> np.ndarray:
    return np.roll(sound, ms * HZ // 1000)


def test_lips_and_sound_in_sync(sound: np.ndarray, lips: np.ndarray) -> None:
    found = av_offset(cepstra(sound), lips, RATE)
    assert found is not None
    assert found.is_clear
    assert abs(found.frames) < 1
    assert found.r_in_sync > 0.4


@pytest.mark.parametrize("ms", [-500, -200, 80, 500])
def test_a_shift_is_found_to_a_frame(sound: np.ndarray, lips: np.ndarray, ms: int) -> None:
    found = av_offset(cepstra(late(sound, ms)), lips, RATE)
    assert found is not None
    assert found.is_clear
    assert found.ms == pytest.approx(ms, abs=40)


def test_other_words_give_no_clear_peak(sound: np.ndarray, lips: np.ndarray) -> None:
    for other in (late(sound, 4_500), sound[::-1].copy()):
        found = av_offset(cepstra(other), lips, RATE)
        assert found is not None
        assert not found.is_clear
        assert found.r_in_sync < 0.2


def test_frames_without_a_face_are_not_counted(sound: np.ndarray, lips: np.ndarray) -> None:
    hidden = lips.copy()
    hidden[100:130] = np.nan
    found = av_offset(cepstra(sound), hidden, RATE)
    assert found is not None
    assert abs(found.frames) < 1.5


def test_what_is_too_short_or_never_moves_is_not_measured(sound: np.ndarray, lips: np.ndarray) -> None:
    n = int(SHORTEST_S * RATE) - 10
    assert av_offset(cepstra(sound), lips[:n], RATE) is None
    assert av_offset(cepstra(sound), np.full_like(lips, 0.1), RATE) is None
    assert av_offset(cepstra(np.zeros_like(sound)), lips, RATE) is None


def test_a_long_title_is_measured_where_it_speaks(sound: np.ndarray, lips: np.ndarray) -> None:
    n_silent = 130 * 25
    silence = np.random.default_rng(0).normal(0, 1e-5, n_silent * HZ // 25).astype(np.float32)
    long_lips = np.concatenate([np.full(n_silent, np.nan, np.float32), lips])
    whole = sound[: len(lips) * HZ // 25]
    found = av_offset(cepstra(np.concatenate([silence, whole])), long_lips, RATE)
    assert found is not None
    assert abs(found.frames) < 1.5
