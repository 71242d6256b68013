"""Where speech begins and ends in what a synthesizer gave."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dub.errors import EngineFailed

KEPT_S = 0.04
SILENCE_DB = -40.0


def sounding(samples: npt.NDArray[np.float32], rate_hz: int) -> tuple[int, int]:
    """First and last sample to keep of mono speech (n,): 10 ms frames louder than 40 dB below the loud ones (95 %
    quantile), and 40 ms around them. Raises EngineFailed for silence."""
    hop = rate_hz // 100
    n_frames = samples.size // hop
    frames = samples[: n_frames * hop].reshape(n_frames, hop).astype(np.float64)
    rms = np.sqrt((frames**2).mean(axis=1))
    loud = np.flatnonzero(rms > np.quantile(rms, 0.95) * 10 ** (SILENCE_DB / 20)) if n_frames else np.zeros(0, int)
    if not loud.size:
        raise EngineFailed("the synthesizer gave silence")
    kept = round(KEPT_S * rate_hz)
    return max(0, int(loud[0]) * hop - kept), min(samples.size, int(loud[-1] + 1) * hop + kept)
