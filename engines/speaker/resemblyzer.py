"""Resemblyzer's GE2E speaker encoder in numpy: the judge of voices that another encoder was used to fit.

The formulas are upstream's (github.com/resemble-ai/Resemblyzer, voice_encoder.py, audio.py): 40 mel bands of
power (no logarithm) at 16 kHz, windows of 160 frames every 77, three LSTM layers of 256, the last hidden
state through a linear layer and ReLU, unit length; the mean over windows, unit length again. Two differences:
speech is set to -24 dBFS, where upstream only raises it to -30 (without a logarithm level would count: told
apart worst at -30, best at -24), and silences are not cut out, so give this one speech without long pauses.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dub.errors import WeightsCorrupt
from engines.speaker.mel import power_frames, slaney_filters, to_16_khz
from engines.spec import EngineSpec

WINDOW_FRAMES, STRIDE_FRAMES = 160, 77
HOP_SAMPLES, N_FFT = 160, 400
MIN_SAMPLES = 6_400
MIN_COVERAGE = 0.75
SPEECH_RMS = 10 ** (-24 / 20)
N_LAYERS = 3

Floats = npt.NDArray[np.float32]


class ResemblyzerEncoder:
    """Recordings of one speaker give cosines near 0.83, of two near 0.51 (3 s against 3 s)."""

    same_speaker_threshold = 0.657

    def __init__(self, weights: Mapping[str, Floats]) -> None:
        self._weights = weights

    def embed(self, samples: Floats, rate_hz: int) -> Floats:
        """Unit-length float32 (256,). Raises ValueError for less than 0.4 s, or for digital silence."""
        return np.asarray(self.embed_windows(samples[None], rate_hz)[0])

    def embed_windows(self, windows: Floats, rate_hz: int) -> Floats:
        """See contract.SpeakerEncoder."""
        mels = [self._mel_windows(to_16_khz(samples, rate_hz)) for samples in windows]
        rows = self._embed_mels(np.concatenate(mels))
        means = rows.reshape(len(mels), -1, rows.shape[1]).mean(axis=1)
        return np.asarray(means / np.linalg.norm(means, axis=1, keepdims=True), dtype=np.float32)

    def _mel_windows(self, speech: Floats) -> Floats:
        """(n, 160, 40): the windows that one piece of speech is embedded by."""
        if speech.size < MIN_SAMPLES:
            raise ValueError(f"a speaker cannot be told from {speech.size / 16_000:.2f} s, 0.4 s is the least")
        starts = _window_starts(speech.size)
        speech = np.pad(speech, (0, max(0, (starts[-1] + WINDOW_FRAMES) * HOP_SAMPLES - speech.size)))
        mel = mel_power(speech)
        return np.stack([mel[start : start + WINDOW_FRAMES] for start in starts])

    def _embed_mels(self, windows: Floats) -> Floats:
        """(n, 160, 40) -> unit-length (n, 256)."""
        sequence = windows
        for layer in range(N_LAYERS):
            sequence = self._lstm(sequence, layer)
        raw = np.maximum(sequence[:, -1] @ self._weights["linear.weight"].T + self._weights["linear.bias"], 0)
        return np.asarray(raw / np.linalg.norm(raw, axis=1, keepdims=True))

    def _lstm(self, sequence: Floats, layer: int) -> Floats:
        """One LSTM layer with torch's gate order (input, forget, cell, output)."""
        into, bias_into = self._weights[f"lstm.weight_ih_l{layer}"], self._weights[f"lstm.bias_ih_l{layer}"]
        again, bias_again = self._weights[f"lstm.weight_hh_l{layer}"], self._weights[f"lstm.bias_hh_l{layer}"]
        given = sequence @ into.T + (bias_into + bias_again)
        n_hidden = again.shape[1]
        hidden = np.zeros((len(sequence), n_hidden), np.float32)
        cell = np.zeros_like(hidden)
        outputs = np.empty((*sequence.shape[:2], n_hidden), np.float32)
        for t in range(sequence.shape[1]):
            i, f, g, o = np.split(given[:, t] + hidden @ again.T, 4, axis=1)
            cell = _sigmoid(f) * cell + _sigmoid(i) * np.tanh(g)
            hidden = _sigmoid(o) * np.tanh(cell)
            outputs[:, t] = hidden
        return outputs


def mel_power(speech: Floats) -> Floats:
    """Mel power float32 (n_frames, 40) of 16 kHz speech: periodic Hann of 25 ms every 10 ms, centred
    frames."""
    rms = float(np.sqrt(np.mean(speech.astype(np.float64) ** 2)))
    if rms < 1e-7:
        raise ValueError("a speaker cannot be told from silence")
    centred = np.pad(speech * (SPEECH_RMS / rms), N_FFT // 2)
    power = power_frames(centred, np.hanning(N_FFT + 1)[:N_FFT], HOP_SAMPLES)
    return np.asarray(power @ slaney_filters(40, N_FFT, 16_000).T, dtype=np.float32)


def _window_starts(n_samples: int) -> list[int]:
    """First frames of the windows; a last one that would hold less than 75 % speech is left out."""
    n_frames = -(-(n_samples + 1) // HOP_SAMPLES)
    starts = list(range(0, max(1, n_frames - WINDOW_FRAMES + STRIDE_FRAMES + 1), STRIDE_FRAMES))
    coverage = (n_samples - starts[-1] * HOP_SAMPLES) / (WINDOW_FRAMES * HOP_SAMPLES)
    return starts[:-1] if coverage < MIN_COVERAGE and len(starts) > 1 else starts


def _sigmoid(x: Floats) -> Floats:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * x)))


def read_safetensors(path: Path) -> dict[str, Floats]:
    """float32 tensors of a safetensors file (https://github.com/huggingface/safetensors#format)."""
    import json

    content = path.read_bytes()
    n_header = int.from_bytes(content[:8], "little")
    tensors: dict[str, Floats] = {}
    for name, facts in json.loads(content[8 : 8 + n_header]).items():
        if name == "__metadata__":
            continue
        if facts["dtype"] != "F32":
            raise WeightsCorrupt(f"{path.name}: {name} is {facts['dtype']}, not F32")
        first, last = facts["data_offsets"]
        values = np.frombuffer(content[8 + n_header + first : 8 + n_header + last], dtype="<f4")
        tensors[name] = values.reshape(facts["shape"])
    return tensors


def load() -> ResemblyzerEncoder:
    from engines import weights

    return ResemblyzerEncoder(read_safetensors(weights.folder("resemblyzer-ge2e") / "resemblyzer.safetensors"))


ENGINE = EngineSpec(
    id="resemblyzer",
    family="speaker",
    version=1,
    summary="Resemblyzer's GE2E speaker encoder (256-d, 6 MB, numpy)",
    load=load,
    weights_licence="Apache-2.0",
    weights=("resemblyzer-ge2e",),
    extra="embedded",
    packages=("soxr",),
)
