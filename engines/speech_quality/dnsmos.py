"""DNSMOS P.835 (Reddy et al., ICASSP 2022, arXiv 2110.01763): a small network that predicts listeners' scores.

Weights (1.2 MB, MIT) from PyPI `speechmos`, whose code needs librosa and is not used: the P.835 network takes raw
samples. Trained on English; it ranks other languages' noise and distortion, not their pronunciation. Music under the
speech counts as bad background: give it the dialogue alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engines.spec import EngineSpec
from engines.speech_quality.contract import SpeechQuality

RATE_HZ = 16_000
WINDOW_SAMPLES = 144_160
"""9.01 s: what the network was trained on; shorter speech is repeated until it fills that."""
MIN_SAMPLES = 6_400
WINDOWS_AT_ONCE = 4

# The authors' polynomials from the network's outputs to listeners' scores (dnsmos_local.py of DNS-Challenge).
SIGNAL = (-0.08397278, 1.22083953, 0.0052439)
BACKGROUND = (-0.13166888, 1.60915514, -0.39604546)
OVERALL = (-0.06766283, 1.11546468, 0.04602535)


class Dnsmos:
    def __init__(self, model: Path, n_threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = n_threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session: Any = onnxruntime.InferenceSession(
            str(model), sess_options=options, providers=["CPUExecutionProvider"]
        )

    def judge(self, samples: npt.NDArray[np.float32], rate_hz: int) -> SpeechQuality:
        windows = np.stack(_windows(_at_16_khz(samples, rate_hz)))
        raw = np.concatenate(
            [
                self._session.run(None, {"input_1": windows[first : first + WINDOWS_AT_ONCE]})[0]
                for first in range(0, len(windows), WINDOWS_AT_ONCE)
            ]
        ).astype(np.float64)
        signal, background, overall = (
            float(np.polyval(curve, raw[:, column]).mean())
            for column, curve in enumerate((SIGNAL, BACKGROUND, OVERALL))
        )
        return SpeechQuality(overall=overall, signal=signal, background=background)


def _at_16_khz(samples: npt.NDArray[np.float32], rate_hz: int) -> npt.NDArray[np.float32]:
    import soxr

    speech = samples if rate_hz == RATE_HZ else soxr.resample(samples, rate_hz, RATE_HZ)
    speech = np.asarray(speech, np.float32)
    if speech.ndim != 1 or speech.size < MIN_SAMPLES:
        raise ValueError(f"speech of shape {samples.shape} at {rate_hz} Hz cannot be judged: 0.4 s mono is the least")
    if not np.abs(speech).max() > 1e-5:
        raise ValueError("silence has no speech quality")
    return speech


def _windows(speech: npt.NDArray[np.float32]) -> list[npt.NDArray[np.float32]]:
    """Pieces of 9.01 s, one every second; short speech is doubled until it fills one."""
    while speech.size < WINDOW_SAMPLES:
        speech = np.concatenate([speech, speech])
    n_windows = int(speech.size // RATE_HZ - WINDOW_SAMPLES / RATE_HZ) + 1
    pieces = [speech[at * RATE_HZ : at * RATE_HZ + WINDOW_SAMPLES] for at in range(n_windows)]
    return [piece for piece in pieces if piece.size == WINDOW_SAMPLES]


def load(n_threads: int = 2) -> Dnsmos:
    from engines import weights

    return Dnsmos(weights.folder("dnsmos") / "sig_bak_ovr.onnx", n_threads)


ENGINE = EngineSpec(
    id="dnsmos",
    family="speech_quality",
    version=1,
    summary="DNSMOS P.835: listeners' scores of speech, noise and both, predicted.",
    load=load,
    code_licence="Apache-2.0",
    weights_licence="MIT",
    weights=("dnsmos",),
    extra="embedded",
    packages=("onnxruntime", "soxr"),
)
