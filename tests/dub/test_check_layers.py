"""What sounds beside the dub's voice is measured as it was mixed."""

from __future__ import annotations

import numpy as np
import pytest

from dub.check_layers import Layers, Piece, check_layers, layers_of
from dub.finding import Finding, Level
from dub.gates import Gates
from dub.wav import Samples

RATE_HZ = 48_000
N = 4 * RATE_HZ


def speech(seed: int, n: int = RATE_HZ) -> Samples:
    """Noise that swells, of level 0.1."""
    swell = 1 + np.sin(2 * np.pi * 3 * np.arange(n) / RATE_HZ)
    sound = np.random.default_rng(seed).standard_normal(n) * swell
    return np.asarray(0.1 * sound / np.sqrt(np.mean(sound**2)), np.float32)


TAKES = (Piece("u1", RATE_HZ // 2, speech(1)), Piece("u2", 2 * RATE_HZ, speech(2)))
SOURCE = np.concatenate([np.zeros(RATE_HZ // 4, np.float32), speech(3, N - RATE_HZ // 4)])[None]
SPOKEN = ((RATE_HZ // 4, 2 * RATE_HZ), (2 * RATE_HZ, 3 * RATE_HZ))


def mixed(*, gains: tuple[float, float] = (1.0, 1.0), bed: float = 0.0, source: float = 0.0) -> Samples:
    """Stereo: the takes at their gains, noise and the source's voice at theirs."""
    sound = source * SOURCE[0] + bed * speech(4, N)
    for take, gain in zip(TAKES, gains, strict=True):
        sound[take.start : take.end] += gain * take.sound
    return np.asarray(np.stack([sound, sound]), np.float32)


def measured(sound: Samples, source: Samples = SOURCE) -> Layers:
    return layers_of(sound, TAKES, source, SPOKEN, RATE_HZ)


def level_of(layers: Layers) -> dict[str, Level]:
    findings: tuple[Finding, ...] = check_layers(layers, Gates())
    return {finding.check: finding.level for finding in findings}


@pytest.mark.parametrize("under_db", [3.0, 12.0, 20.0])
def test_a_bed_is_as_far_under_the_voice_as_it_was_mixed(under_db: float) -> None:
    layers = measured(mixed(bed=10 ** (-under_db / 20)))
    assert layers.voice_over_rest == pytest.approx(under_db, abs=0.5)


@pytest.mark.parametrize("under_db", [6.0, 12.0, 20.0])
def test_the_sources_voice_is_told_from_other_sound(under_db: float) -> None:
    layers = measured(mixed(bed=0.1, source=10 ** (-under_db / 20)))
    assert layers.source_voice == pytest.approx(-under_db, abs=1.0)
    assert measured(mixed(bed=0.3)).source_voice == pytest.approx(-60, abs=25), "none is there"


def test_takes_at_gains_of_their_own_leave_nothing() -> None:
    assert measured(mixed(gains=(0.5, 3.0))).voice_over_rest == 60.0


def test_what_is_said_of_it() -> None:
    checks = ("words_lost", "speech_over_rest", "source_voice_left")
    assert level_of(measured(mixed(bed=0.1))) == dict.fromkeys(checks, Level.OK)
    assert level_of(measured(mixed(bed=0.7)))["speech_over_rest"] is Level.DEGRADED
    assert level_of(measured(mixed(bed=1.5)))["speech_over_rest"] is Level.FAILED
    assert level_of(measured(mixed(source=0.2)))["source_voice_left"] is Level.DEGRADED
    assert level_of(measured(mixed(source=0.7)))["source_voice_left"] is Level.FAILED


def test_nothing_to_measure_is_said_and_no_fault() -> None:
    silent = layers_of(mixed(), [], SOURCE, SPOKEN, RATE_HZ)
    assert silent == Layers(None, None)
    assert level_of(silent) == {"speech_over_rest": Level.OK}
    assert measured(mixed(), np.zeros_like(SOURCE)).source_voice is None
    assert layers_of(mixed(), [Piece("u3", N + 5, speech(1))], SOURCE, SPOKEN, RATE_HZ) == Layers(None, None), (
        "a take after the end"
    )


def test_a_take_over_the_end_counts_as_far_as_it_sounds() -> None:
    sound = mixed()
    late = Piece("u3", N - RATE_HZ // 2, speech(5))
    sound[:, late.start :] += late.sound[: RATE_HZ // 2]
    assert layers_of(sound, [*TAKES, late], SOURCE, (), RATE_HZ).voice_over_rest == 60.0


@pytest.mark.parametrize(
    ("lost_s", "level"), [(0.0, Level.OK), (0.1, Level.OK), (0.4, Level.DEGRADED), (1.0, Level.DEGRADED)]
)
@pytest.mark.parametrize("bed", [0.0, 0.4])
def test_words_that_are_cut_off_are_missed(lost_s: float, level: Level, bed: float) -> None:
    sound = mixed(gains=(0.7, 1.4), bed=bed)
    end, n = TAKES[1].end, round(lost_s * RATE_HZ)
    without = mixed(gains=(0.7, 0.0), bed=bed)
    sound[:, end - n : end] = without[:, end - n : end]
    found = measured(sound)
    assert found.lost_s.get("u2", 0.0) == pytest.approx(lost_s, abs=0.11)
    assert "u1" not in found.lost_s
    assert level_of(found)["words_lost"] is level


def test_a_pause_is_no_loss() -> None:
    """What a take itself leaves silent need not be there."""
    pausing = speech(6)
    pausing[RATE_HZ // 3 : 2 * RATE_HZ // 3] *= 1e-4
    sound = 0.2 * np.stack([speech(4, N)] * 2)
    sound[:, RATE_HZ : 2 * RATE_HZ] += pausing
    assert layers_of(sound, [Piece("u1", RATE_HZ, pausing)], SOURCE, (), RATE_HZ).lost_s == {}
