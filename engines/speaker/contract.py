"""Speaker encoding: whose voice is it."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt


class SpeakerEncoder(Protocol):
    same_speaker_threshold: float
    """Cosine at this encoder's equal error rate (3 s against 3 s)."""

    def embed(self, samples: npt.NDArray[np.float32], rate_hz: int) -> npt.NDArray[np.float32]:
        """Unit-length embedding (d,) of mono speech; best from 3 s on. Raises ValueError below 0.4 s. Thread-safe."""
        ...

    def embed_windows(self, windows: npt.NDArray[np.float32], rate_hz: int) -> npt.NDArray[np.float32]:
        """(n, n_samples) pieces of one length -> (n, d): `embed` of each, faster where the model takes many at once."""
        ...
