"""Speaker encoder of VoiceFilter (3 x LSTM 768 trained by GE2E), int8 ONNX: the encoder that voice fitting
aims at.

Input windows of 80 frames, 40 log-mel bands at 16 kHz; the clip's embedding is the mean of its windows'.
Level matters (no normalisation inside), so speech is set to RMS 0.05 first.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engines.speaker.mel import power_frames, slaney_filters, to_16_khz
from engines.spec import EngineSpec

WINDOW_FRAMES, STRIDE_FRAMES = 80, 40
MIN_SAMPLES = 6_400
SPEECH_RMS = 0.05


class VoiceFilterEncoder:
    """Recordings of one speaker give cosines near 0.8, of two near 0.3 (3 s against 3 s)."""

    same_speaker_threshold = 0.605

    def __init__(self, model: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session: Any = onnxruntime.InferenceSession(
            str(model), sess_options=options, providers=["CPUExecutionProvider"]
        )

    def embed(self, samples: npt.NDArray[np.float32], rate_hz: int) -> npt.NDArray[np.float32]:
        """Unit-length float32 (256,). Raises ValueError for less than 0.4 s, or for digital silence."""
        return np.asarray(self.embed_windows(samples[None], rate_hz)[0])

    def embed_windows(self, windows: npt.NDArray[np.float32], rate_hz: int) -> npt.NDArray[np.float32]:
        """See contract.SpeakerEncoder."""
        mels = np.concatenate([_mel_windows(to_16_khz(samples, rate_hz)) for samples in windows])
        rows: npt.NDArray[np.float32] = self._session.run(["embedding"], {"mel_window": mels})[0]
        rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        means = rows.reshape(len(windows), -1, rows.shape[1]).mean(axis=1)
        return np.asarray(means / np.linalg.norm(means, axis=1, keepdims=True), dtype=np.float32)


def _mel_windows(speech: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """(n, 80, 40): the windows that one piece of 16 kHz speech is embedded by."""
    if speech.size < MIN_SAMPLES:
        raise ValueError(f"a speaker cannot be told from {speech.size / 16_000:.2f} s, 0.4 s is the least")
    mel = log_mel(speech)
    mel = np.pad(mel, ((0, max(0, WINDOW_FRAMES - len(mel))), (0, 0)))
    starts = range(0, len(mel) - WINDOW_FRAMES + 1, STRIDE_FRAMES)
    return np.stack([mel[start : start + WINDOW_FRAMES] for start in starts])


def log_mel(speech: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """log10 mel power float32 (n_frames, 40) of 16 kHz speech: 25 ms periodic Hamming in 512 samples, every
    10 ms."""
    rms = float(np.sqrt(np.mean(speech.astype(np.float64) ** 2)))
    if rms < 1e-7:
        raise ValueError("a speaker cannot be told from silence")
    window = np.zeros(512)
    window[56:456] = np.hamming(401)[:400]
    power = power_frames(speech * (SPEECH_RMS / rms), window, hop=160)
    return np.log10(power @ slaney_filters(40, 512, 16_000).T + 1e-10).astype(np.float32)


def load() -> VoiceFilterEncoder:
    from engines import weights

    return VoiceFilterEncoder(weights.folder("ge2e-voicefilter") / "embedder.int8.onnx")


ENGINE = EngineSpec(
    id="ge2e-voicefilter",
    family="speaker",
    version=1,
    summary="VoiceFilter's GE2E speaker encoder (256-d, 12 MB, CPU)",
    load=load,
    code_licence="MIT",
    weights_licence="Apache-2.0",
    weights=("ge2e-voicefilter",),
    extra="embedded",
    packages=("onnxruntime", "soxr"),
)
