"""Rubber Band keeps pitch and words, gives the asked length, and moves sounds in proportion."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from dub import time_stretch
from dub.errors import EngineUnavailable
from dub.time_stretch import resampled, stretched
from tests.clips import clicks, level_db, speechlike


@pytest.mark.parametrize("ratio", [Fraction(20, 27), Fraction(9, 10), Fraction(50, 41)])
def test_length_is_exact_and_the_end_is_there(tmp_path: Path, ratio: Fraction) -> None:
    take = speechlike(1.9)
    take[:, -4800:] = 0.2 * np.sin(2 * np.pi * 300 * np.arange(4800) / 48_000)
    out = stretched(take, ratio, tmp_path)
    assert abs(out.shape[1] - take.shape[1] * ratio) <= 2
    assert abs(level_db(out) - level_db(take)) < 2
    tail = round(4800 * ratio)
    for last in (tail, tail // 5):
        assert abs(level_db(out[:, -last:]) - level_db(take[:, -4800:])) < 6, "the very end is heard"


@pytest.mark.parametrize("n_samples", [61_440, 61_440 - 9_600, 61_441])
def test_a_take_that_ends_with_a_frame_keeps_its_end(tmp_path: Path, n_samples: int) -> None:
    """61,440 = 60 x 1,024 samples at 133/128 came out 41 ms short."""
    take = np.zeros((1, n_samples), np.float32)
    take[:, -2400:] = 0.2 * np.sin(2 * np.pi * 300 * np.arange(2400) / 48_000)
    out = stretched(take, Fraction(133, 128), tmp_path)
    assert out.shape[1] == round(n_samples * Fraction(133, 128))
    assert level_db(out[:, -1200:]) > -24


def test_sounds_move_in_proportion_and_pitch_stays(tmp_path: Path) -> None:
    t = np.arange(96_000) / 48_000
    tone = np.where((t >= 1.0) & (t < 1.5), 0.5 * np.sin(2 * np.pi * 440 * t), 0).astype(np.float32)[None]
    out = stretched(tone, Fraction(4, 5), tmp_path)
    heard = np.flatnonzero(np.abs(out[0]) > 0.25)
    assert abs(heard[0] / 48_000 - 0.8) < 0.01
    assert abs(heard[-1] / 48_000 - 1.2) < 0.01
    steady = out[0, 42_000:54_000]
    assert abs(np.argmax(np.abs(np.fft.rfft(steady * np.hanning(12_000), 480_000))) / 10 - 440) < 4


def test_no_stretch_is_no_change(tmp_path: Path) -> None:
    take = speechlike(0.5)
    assert stretched(take, Fraction(1), tmp_path) is take


def test_a_build_without_rubberband_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = tmp_path / "ffmpeg"
    bare.write_text("#!/bin/sh\necho ' ... atempo  A->A  Adjust audio tempo.'\n")
    bare.chmod(0o755)
    monkeypatch.setattr(time_stretch, "ffmpeg_exe", lambda: str(bare))
    with pytest.raises(EngineUnavailable, match="rubberband"):
        stretched(speechlike(0.2), Fraction(9, 10), tmp_path)


def test_resampling_keeps_time(tmp_path: Path) -> None:
    out = resampled(clicks([0.5], 1.0, 24_000), 24_000)
    assert out.shape == (1, 48_000)
    assert abs(int(np.argmax(np.abs(out[0]) > 0.25)) - 24_000) <= 2
