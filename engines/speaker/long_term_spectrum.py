"""Toy encoder: tells voices apart by the shape of their long-term spectrum. For tests without weights."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engines.speaker.mel import power_frames, slaney_filters, to_16_khz
from engines.spec import EngineSpec


class LongTermSpectrum:
    """The shape of the mean log-mel spectrum: equal tones are equal voices. It knows nothing of people."""

    same_speaker_threshold = 0.9

    def embed(self, samples: npt.NDArray[np.float32], rate_hz: int) -> npt.NDArray[np.float32]:
        """Unit-length float32 (40,). Raises ValueError for less than 0.4 s, or for digital silence."""
        speech = to_16_khz(samples, rate_hz)
        if speech.size < 6_400:
            raise ValueError(f"a speaker cannot be told from {speech.size / 16_000:.2f} s, 0.4 s is the least")
        power = power_frames(speech, np.hanning(512), 160).mean(axis=0)
        if power.sum() < 1e-9:
            raise ValueError("a speaker cannot be told from silence")
        mel = np.log(power @ slaney_filters(40, 512, 16_000).T / power.sum() + 1e-6)
        shape = mel - mel.mean()
        return np.asarray(shape / np.linalg.norm(shape), dtype=np.float32)

    def embed_windows(self, windows: npt.NDArray[np.float32], rate_hz: int) -> npt.NDArray[np.float32]:
        """See contract.SpeakerEncoder."""
        return np.stack([self.embed(samples, rate_hz) for samples in windows])


def load() -> LongTermSpectrum:
    return LongTermSpectrum()


ENGINE = EngineSpec(
    id="long-term-spectrum",
    family="speaker",
    version=1,
    summary="toy: voices by their long-term spectrum",
    load=load,
    packages=("soxr",),
    is_toy=True,
)
