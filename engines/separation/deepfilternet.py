"""DeepFilterNet3: speech out of what both sides of the programme share, by its C library.

Schröter et al., "DeepFilterNet: Perceptually Motivated Real-Time Speech Enhancement" (Interspeech 2023),
https://github.com/Rikorose/DeepFilterNet. Code and weights MIT or Apache-2.0. 48 kHz mono, any language.
CPU time 0.11 of the sound's length on one core, 280 MB.

Measured on read speech with music at 5 dB and 15 dB below it: the speech comes out at 11 and 17 dB SI-SDR. The bed
is the programme less the speech, so it keeps speech some 26 dB down: the mix ducks the bed where somebody spoke.
Singing and babble count as speech in part. Speech on one side only stays by half in the bed: dialogue is mono.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dub import progress
from dub.errors import EngineFailed
from dub.levels import blocks, power_curve
from dub.timecode import MASTER_RATE_HZ
from dub.wav import Samples, WavWriter, let_go, open_wav
from engines import weights
from engines.spec import EngineSpec

LAG_SAMPLES = 1440
"""Output comes so much later than input: STFT overlap and two frames of look-ahead, found by correlation."""

FRAME_SAMPLES = 480

_LOUDEST_SHARE = 95
_WORKING_LEVEL_DB = -20.0
"""The loudest twentieth of the sound is brought to this level on the way in and back on the way out: the network
takes speech 36 dB down for noise. Usual speech recordings have it there."""

_NO_LIMIT_DB = 100.0


class DeepFilterNet:
    """Meets contract.Separator. Thread-safe: every file has a network state of its own."""

    def __init__(self) -> None:
        folder = weights.folder("deepfilternet3")
        self._model = str(folder / "DeepFilterNet3_onnx.tar.gz").encode()
        library = ctypes.CDLL(str(folder / "libdeepfilter.so"))
        # Without result types ctypes would cut the pointers to 32 bits.
        library.df_create.restype = ctypes.c_void_p
        library.df_create.argtypes = [ctypes.c_char_p, ctypes.c_float, ctypes.c_char_p]
        library.df_get_frame_length.restype = ctypes.c_size_t
        library.df_get_frame_length.argtypes = [ctypes.c_void_p]
        library.df_process_frame.restype = ctypes.c_float
        library.df_process_frame.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
        library.df_free.restype = None
        library.df_free.argtypes = [ctypes.c_void_p]
        self._library: Any = library

    def separate(self, programme: Path, dialogue: Path, bed: Path) -> None:
        """See contract.Separator. Raises EngineFailed when the library cannot make a network state."""
        sound, rate_hz = open_wav(programme)
        if rate_hz != MASTER_RATE_HZ:
            raise ValueError(f"the programme is at {rate_hz} Hz, not {MASTER_RATE_HZ}")
        gain = working_gain(sound)
        with WavWriter(dialogue, rate_hz, 1) as speech, WavWriter(bed, rate_hz, 2) as rest:
            mids = (block.mean(axis=0) for block in blocks(sound))
            for heard in self._enhance(mids, gain, sound.shape[1]):
                start = speech.n_samples
                speech.write(heard)
                rest.write(sound[:, start : start + len(heard)] - heard)
                let_go(sound)
                progress.report(speech.n_samples, sound.shape[1])

    def _enhance(
        self, mids: Iterator[npt.NDArray[np.float32]], gain: float, n_samples: int
    ) -> Iterator[npt.NDArray[np.float32]]:
        """The speech in mono blocks, in blocks that add up to `n_samples`, in time with the input."""
        if not gain:
            yield from (np.zeros_like(block) for block in mids)
            return
        state = self._library.df_create(self._model, _NO_LIMIT_DB, None)
        if not state:
            raise EngineFailed("DeepFilterNet3 could not be loaded from its weights")
        try:
            if self._library.df_get_frame_length(state) != FRAME_SAMPLES:
                raise EngineFailed("DeepFilterNet3 has another frame length than 480 samples")
            n_late, n_left = LAG_SAMPLES, n_samples
            waiting = np.zeros(0, np.float32)
            for block in _and_silence(mids, LAG_SAMPLES + FRAME_SAMPLES):
                waiting = np.concatenate([waiting, block * np.float32(gain)])
                n_whole = len(waiting) // FRAME_SAMPLES * FRAME_SAMPLES
                heard = self._run(state, waiting[:n_whole]) / np.float32(gain)
                waiting = waiting[n_whole:]
                n_dropped = min(n_late, len(heard))
                n_late -= n_dropped
                heard = heard[n_dropped : n_dropped + n_left]
                n_left -= len(heard)
                yield heard
        finally:
            self._library.df_free(state)

    def _run(self, state: int, samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Whole frames through the network; ctypes lets other threads work meanwhile."""
        samples = np.ascontiguousarray(samples, np.float32)
        heard = np.empty_like(samples)
        for start in range(0, len(samples) * 4, FRAME_SAMPLES * 4):
            self._library.df_process_frame(state, samples.ctypes.data + start, heard.ctypes.data + start)
        return heard


def working_gain(sound: Samples) -> float:
    """Factor that brings the mid of float32 (2, n) to the network's working level, its peak kept within +-1.

    0 for silence. Proportional to the sound's level, so that quiet and loud copies are split alike.
    """
    power = np.zeros(0)
    peak = 0.0
    for block in blocks(sound):
        mid = block.mean(axis=0, keepdims=True)
        power = np.append(power, power_curve(mid))
        peak = max(peak, float(np.abs(mid).max()))
    loudest = float(np.percentile(power, _LOUDEST_SHARE)) if len(power) else 0.0
    if not peak:
        return 0.0
    wanted = 10 ** (_WORKING_LEVEL_DB / 20) / max(loudest, peak**2 * 1e-6) ** 0.5
    return float(min(wanted, 1 / peak))


def _and_silence(mids: Iterator[npt.NDArray[np.float32]], n_samples: int) -> Iterator[npt.NDArray[np.float32]]:
    yield from mids
    yield np.zeros(n_samples, np.float32)


ENGINE = EngineSpec(
    id="deepfilternet3",
    family="separation",
    version=1,
    summary="speech enhancement network: dialogue, and what is left as bed",
    load=DeepFilterNet,
    code_licence="MIT",
    weights_licence="MIT",
    weights=("deepfilternet3",),
    capabilities={"rate_hz": MASTER_RATE_HZ},
)
