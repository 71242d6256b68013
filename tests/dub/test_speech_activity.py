"""Speech islands on made sound: what is found, to the hundredth, and what is not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from dub.speech_activity import levels_db, speech_islands

RATE_HZ = 16_000


def stem(
    spans: list[tuple[float, float]], length_s: float, level: float = 0.1, noise: float = 0.0
) -> npt.NDArray[np.float32]:
    """Bursts of noise on a quiet floor."""
    random = np.random.default_rng(7)
    samples = random.normal(0, noise, int(length_s * RATE_HZ)) if noise else np.zeros(int(length_s * RATE_HZ))
    for start, end in spans:
        first, last = int(start * RATE_HZ), int(end * RATE_HZ)
        samples[first:last] += random.normal(0, level, last - first)
    return samples.astype(np.float32)


@pytest.mark.parametrize("level", [0.1, 0.003])
@pytest.mark.parametrize("noise", [0.0, 0.03])
def test_islands_lie_where_the_speech_is(level: float, noise: float) -> None:
    spans = [(0.5, 1.2), (1.8, 3.0)]
    islands = speech_islands(levels_db([stem(spans, 4.0, level, noise * level)], RATE_HZ))
    assert len(islands) == 2
    for island, (start, end) in zip(islands, spans, strict=True):
        assert abs(float(island.start) - start) <= 0.03
        assert abs(float(island.end) - end) <= 0.03


def test_a_speaker_far_from_the_microphone_is_found_and_a_breath_is_not() -> None:
    """26 dB below the first speaker, half a minute later; a breath 30 dB below in between."""
    samples = stem([(1.0, 5.0)], 40.0, 0.2, noise=1e-5)
    samples += stem([(30.0, 34.0)], 40.0, 0.01)
    samples += stem([(5.6, 5.9)], 40.0, 0.2 / 32)
    islands = speech_islands(levels_db([samples], RATE_HZ))
    assert [round(float(island.start), 1) for island in islands] == [1.0, 30.0]


def test_one_sentence_in_ten_minutes_is_found() -> None:
    levels = np.full(60_000, -75, np.float32) + np.random.default_rng(2).normal(0, 1, 60_000).astype(np.float32)
    levels[30_000:30_150] = -25
    [island] = speech_islands(levels)
    assert abs(float(island.start) - 300) <= 0.15
    assert abs(float(island.end) - 301.5) <= 0.15


def test_a_stop_inside_a_word_is_no_pause_and_a_click_is_no_speech() -> None:
    islands = speech_islands(levels_db([stem([(0.5, 0.9), (1.0, 1.5), (2.5, 2.52)], 3.0)], RATE_HZ))
    assert len(islands) == 1
    assert islands[0].duration > 0.9


@pytest.mark.parametrize("samples", [np.zeros(0, np.float32), np.zeros(RATE_HZ, np.float32), stem([], 2.0, noise=1e-5)])
def test_silence_has_no_islands(samples: npt.NDArray[np.float32]) -> None:
    assert speech_islands(levels_db([samples], RATE_HZ)) == ()


def test_levels_do_not_depend_on_how_the_stem_is_cut() -> None:
    samples = stem([(0.2, 0.7)], 1.005, noise=0.001)
    whole = levels_db([samples], RATE_HZ)
    pieces = levels_db([samples[:333], samples[333:5000], samples[5000:]], RATE_HZ)
    assert len(whole) == 101
    np.testing.assert_array_equal(whole, pieces)
