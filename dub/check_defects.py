"""Checks of the sound itself: waves with their tops cut off, and holes where the source has sound."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dub.finding import Finding, Level
from dub.gates import Gates

Samples = npt.NDArray[np.float32]

SHORTEST_HALF_WAVE = 8
"""Samples; shorter ones are noise and coding."""
TOP_DB, STEP_DB = 12.0, 0.5
"""The tops of half-waves are counted from 12 dB under the highest on, in bins of half a decibel."""
LEAST_TOPS = 20
CHUNK = 1 << 21
"""Samples looked at together: a film's would take gigabytes."""
BLOCK_S = 0.05
SILENT_DBFS, SOUNDING_DBFS = -70.0, -50.0


def pile_up(sound: Samples) -> float:
    """How much the tops of the waves pile up at one height: the most tops within 1 dB, against those 2 dB lower.

    The higher, the fewer: 0.8 to 1.3 in eight clean recordings, also after AAC. What was cut off at a ceiling stands
    there together: 1.3 to 3.8 when cut off 6 dB under its highest peak, 3 to 8 at 12 dB. `sound`: float32
    (n_channels, n_samples); the worst channel counts.
    """
    return max((_pile_up(wave) for wave in sound if np.any(wave)), default=0.0)


def _pile_up(wave: npt.NDArray[np.float32]) -> float:
    tops = np.concatenate([_tops(wave[at : at + CHUNK]) for at in range(0, len(wave), CHUNK)])
    if not np.any(tops):
        return 0.0
    tops_db = 20 * np.log10(tops[tops > 0] / tops.max())
    counts, _ = np.histogram(tops_db, round(TOP_DB / STEP_DB), (-TOP_DB, 0.0))
    within_1_db = counts[:-1] + counts[1:]
    higher, lower = within_1_db[4:], within_1_db[:-4]
    ratios = np.where(higher >= LEAST_TOPS, higher / np.maximum(lower, LEAST_TOPS / 2), 0.0)
    return float(ratios.max())


def _tops(wave: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The highest sample of every half-wave long enough."""
    starts = np.concatenate([[0], np.flatnonzero(np.diff(np.signbit(wave))) + 1])
    lengths = np.diff(np.append(starts, len(wave)))
    return np.maximum.reduceat(np.abs(wave), starts)[lengths >= SHORTEST_HALF_WAVE]


def largest_hole(sound: Samples, source: Samples, rate_hz: int) -> tuple[float, float]:
    """(seconds of the source's sound that are missing, start in seconds) of the worst stretch of dead silence; (0, 0)
    for none. Both float32 (n_channels, n_samples) on the same clock."""
    block = round(BLOCK_S * rate_hz)
    n_blocks = min(sound.shape[1], source.shape[1]) // block
    is_silent = _level_db(sound, n_blocks, block) < SILENT_DBFS
    n_sounding = np.cumsum(np.concatenate([[0], _level_db(source, n_blocks, block) > SOUNDING_DBFS]))
    edges = np.flatnonzero(np.diff(np.concatenate([[0], is_silent.astype(np.int8), [0]])))
    starts, ends = edges[::2], edges[1::2]
    lost = n_sounding[ends] - n_sounding[starts]
    if not lost.any():
        return 0.0, 0.0
    worst = int(np.argmax(lost))
    return float(lost[worst] * BLOCK_S), float(starts[worst] * BLOCK_S)


def check_defects(sound: Samples, source: Samples, rate_hz: int, gates: Gates) -> tuple[Finding, ...]:
    """The dub's sound as decoded from the file, against the source's programme. What the source itself cuts off is no
    fault of the dub."""
    own, before = pile_up(sound), pile_up(source)
    is_sources_own = gates.clipping.level(before) is not Level.OK and own <= before
    beside = " (the source's own are cut off as much)" if is_sources_own else ""
    seconds, start_s = largest_hole(sound, source, rate_hz)
    hole = f"From {_clock(start_s)} on, {seconds:.1f} s of the source's sound are dead silence."
    return (
        gates.finding(
            "clipping",
            0.0 if is_sources_own else own,
            f"{own:.1f} times as many waves end at one height as a little lower{beside}.",
            todo="Their tops are cut off and it rattles: lower what overdrives, and mix again.",
        ),
        gates.finding(
            "sound_holes",
            seconds,
            hole if seconds else "Nowhere is dead silence where the source has sound.",
            todo="It sounds like a broken file: is the background there? Separate or mix again.",
        ),
    )


def _level_db(sound: Samples, n_blocks: int, block: int) -> npt.NDArray[np.float64]:
    """Level of each block in dBFS."""
    power = np.empty(n_blocks)
    step = CHUNK // block
    for first in range(0, n_blocks, step):
        last = min(first + step, n_blocks)
        blocks = sound[:, first * block : last * block].reshape(len(sound), last - first, block)
        power[first:last] = np.mean(np.square(blocks, dtype=np.float64), axis=(0, 2))
    return 10 * np.log10(np.maximum(power, 1e-20))


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{seconds % 60:04.1f}"
