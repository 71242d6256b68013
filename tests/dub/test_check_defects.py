"""Waves that are cut off and holes are found, before and after AAC; clean sound, and what the source did, are not."""

from __future__ import annotations

import subprocess

import numpy as np
import numpy.typing as npt
import pytest

from dub.check_defects import check_defects, largest_hole, pile_up
from dub.finding import Finding, Level
from dub.gates import Gates
from dub.media import ffmpeg_exe
from tests.clips import speechlike

RATE_HZ = 48_000
Samples = npt.NDArray[np.float32]


@pytest.fixture(scope="module")
def clean() -> Samples:
    """12 s that swell and fall like speech, over soft noise: float32 (2, n)."""
    noise = 0.002 * np.random.default_rng(1).standard_normal((2, 12 * RATE_HZ))
    return (speechlike(12) + noise).astype(np.float32)


def cut_off(sound: Samples, under_peak_db: float) -> Samples:
    ceiling = np.abs(sound).max() / 10 ** (under_peak_db / 20)
    return np.clip(sound, -ceiling, ceiling)


def through_aac(sound: Samples) -> Samples:
    def ffmpeg(content: bytes, *arguments: str) -> bytes:
        command = [ffmpeg_exe(), "-v", "error", *arguments]
        return subprocess.run(command, input=content, capture_output=True, check=True).stdout

    raw = ("-f", "f32le", "-ar", str(RATE_HZ), "-ac", "2")
    coded = ffmpeg(sound.T.tobytes(), *raw, "-i", "-", "-c:a", "aac", "-b:a", "192k", "-f", "adts", "-")
    return np.frombuffer(ffmpeg(coded, "-f", "aac", "-i", "-", *raw, "-"), np.float32).reshape(-1, 2).T


def judged(sound: Samples, source: Samples) -> dict[str, Finding]:
    return {found.check: found for found in check_defects(sound, source, RATE_HZ, Gates())}


def test_clean_sound_is_let_pass(clean: Samples) -> None:
    for sound in (clean, through_aac(clean)):
        assert {found.level for found in judged(sound, clean).values()} == {Level.OK}


@pytest.mark.parametrize("gain", [1.0, 0.05])
def test_cut_off_waves_are_found_however_loud(clean: Samples, gain: float) -> None:
    rattling = gain * through_aac(cut_off(clean, 12))
    assert judged(rattling, clean)["clipping"].level is not Level.OK
    assert pile_up(rattling) == pytest.approx(pile_up(through_aac(cut_off(clean, 12))), rel=0.05)


def test_what_the_source_cut_off_is_no_fault_of_the_dub(clean: Samples) -> None:
    source = cut_off(clean, 12)
    found = judged(source, source)["clipping"]
    assert found.level is Level.OK
    assert "the source's own are cut off as much" in found.message


def test_a_hole_is_found_where_the_source_has_sound(clean: Samples) -> None:
    broken = clean.copy()
    broken[:, 3 * RATE_HZ : 5 * RATE_HZ] = 0
    found = judged(broken, clean)["sound_holes"]
    assert found.level is Level.DEGRADED
    assert found.value == pytest.approx(1.0, abs=0.15), "half of the two seconds are between syllables"
    assert "From 0:03.0 on" in found.message
    assert largest_hole(broken, broken, RATE_HZ) == (0.0, 0.0), "the source is as silent there"


def test_silence_and_nothing_at_all(clean: Samples) -> None:
    for silent in (np.zeros_like(clean), np.zeros((2, 0), np.float32)):
        assert pile_up(silent) == 0.0
        assert largest_hole(silent, silent, RATE_HZ) == (0.0, 0.0)
