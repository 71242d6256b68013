"""Loudness and true peak as ITU-R BS.1770-4 measures them, and a limiter that keeps to the peak.

The level of a mix is set by one static gain: never a dynamic "loudness normalisation", which pumps.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from dub.levels import SILENCE_DB, blocks
from dub.media import ToolPipe, command, opened
from dub.wav import Samples

NOTHING_LUFS = -70.0
"""BS.1770's absolute gate: what is quieter has no loudness."""

CHUNK_SAMPLES = 96
"""The limiter works in steps of 2 ms."""

_REACH_CHUNKS = 6
"""It comes in 12 ms before a peak and goes as softly: long enough not to click, short enough not to pump."""

_PHASES = 4
_TAPS = 24
_KEY = b"lavfi.r128.I="

Chunks = npt.NDArray[np.float32]
"""A value per 2 ms, float32 (n_chunks,)."""


def loudness_lufs(path: Path) -> float:
    """Integrated loudness of a sound file by ffmpeg's ebur128; NOTHING_LUFS when nothing passes the gate."""
    sound = opened(path)["a:0"].filter("ebur128", metadata=1, framelog="verbose")
    sound = sound.filter("ametadata", mode="print", key=_KEY.decode().rstrip("="), file="pipe:1")
    said = bytearray()
    piece = np.empty(1 << 16, np.uint8)
    with ToolPipe(command(sound.output("-", format="null"))) as pipe:
        while n := pipe.read_into(piece):
            said += piece[:n].tobytes()
        pipe.finish()
    _, found, value = said.rpartition(_KEY)
    return max(NOTHING_LUFS, float(value.split(b"\n")[0])) if found else NOTHING_LUFS


def true_peaks(sound: Samples) -> Chunks:
    """Largest true peak of any channel in every 2 ms of (n_channels, n_samples), by four-fold oversampling.

    BS.1770-4 Annex 2 with a longer filter: 24 taps a phase, Kaiser window.
    """
    n_samples = sound.shape[1]
    peaks = [np.zeros(0, np.float32)]
    start = 0
    for block in blocks(sound):
        end = start + block.shape[1]
        before, after = min(_TAPS, start), min(_TAPS, n_samples - end)
        around = np.pad(
            np.array(sound[:, start - before : end + after], np.float32),
            ((0, 0), (_TAPS - before, _TAPS - after)),
        )
        loudest = np.abs(block).max(axis=0)
        for channel in around:
            for phase in _FILTERS:
                between = np.convolve(channel, phase, mode="same")[_TAPS : _TAPS + block.shape[1]]
                np.maximum(loudest, np.abs(between), out=loudest)
        padded = np.pad(loudest, (0, -len(loudest) % CHUNK_SAMPLES))
        peaks.append(padded.reshape(-1, CHUNK_SAMPLES).max(axis=1).astype(np.float32))
        start = end
    return np.concatenate(peaks)


def true_peak_db(sound: Samples) -> float:
    """The true peak in dBTP, not under SILENCE_DB."""
    peaks = true_peaks(sound)
    peak = float(peaks.max()) if peaks.size else 0.0
    return max(SILENCE_DB, 20 * float(np.log10(peak))) if peak > 0 else SILENCE_DB


def limiter_gains(peaks: Chunks, ceiling: float) -> Chunks:
    """Gains <= 1 per 2 ms, smooth, that bring every peak under `ceiling` (amplitude). All 1 where none is over it.

    What a chunk needs is held over its neighbours and then averaged over fewer of them, so the average can't rise
    above the need.
    """
    need = np.minimum(1, ceiling / np.maximum(peaks, 1e-9)).astype(np.float32)
    if not need.size or need.min() == 1:
        return need
    reach = _REACH_CHUNKS
    held = np.lib.stride_tricks.sliding_window_view(np.pad(need, reach, "edge"), 2 * reach + 1).min(axis=1)
    window = np.hanning(2 * reach + 1)[1:-1]
    smooth = np.convolve(np.pad(held, reach - 1, "edge"), window / window.sum(), mode="valid")
    return np.minimum(smooth, 1).astype(np.float32)


def limited(block: Samples, gains: Chunks, start: int) -> Samples:
    """A block that starts at sample `start`, under its gains."""
    at = (np.arange(start, start + block.shape[1]) + 0.5) / CHUNK_SAMPLES - 0.5
    return block * np.interp(at, np.arange(len(gains)), gains).astype(np.float32)


def _oversampling_filters() -> list[npt.NDArray[np.float32]]:
    """Interpolators for the points a quarter, a half and three quarters between two samples."""
    taps = np.arange(_TAPS) - (_TAPS // 2 - 1)
    filters = []
    for phase in range(1, _PHASES):
        away = taps - phase / _PHASES
        window = np.i0(8 * np.sqrt(np.maximum(0, 1 - (away / (_TAPS / 2)) ** 2))) / np.i0(8)
        shape = np.sinc(away) * window
        filters.append((shape / shape.sum()).astype(np.float32))
    return filters


_FILTERS = _oversampling_filters()
