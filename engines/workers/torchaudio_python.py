"""torchaudio's Python without its native library.

What coqui-tts, omnivoice and chatterbox-tts take from torchaudio (resampling, spectrograms, Kaldi's filter banks) is
Python on torch. But the published builds load a native library first, which wants CUDA and one version of torch, and
reading a file goes through torchcodec, which wants CUDA and FFmpeg's libraries. Both are left out here.
"""

from __future__ import annotations

import importlib.machinery
import sys
import types
from typing import Any


class _Absent(types.ModuleType):
    """Stands for torchaudio._extension: nothing is available, and decorators that would refuse a function leave it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return False if name.startswith("_IS_") else (lambda function: function)


def install(*, seems_to_have_torchcodec: bool = False) -> None:
    """Call it before anything imports torchaudio or torchcodec. coqui-tts will not be imported where there is no
    torchcodec, which it then does not use; transformers asks for the version of one that seems to be there."""
    for name in ("torchaudio._extension", "torchcodec")[: 1 + seems_to_have_torchcodec]:
        absent = _Absent(name)
        absent.__spec__ = importlib.machinery.ModuleSpec(name, None)
        absent.__path__ = []
        sys.modules[name] = absent
    import torchaudio

    torchaudio.load = _load


def _load(path: Any) -> tuple[Any, int]:
    """float32 (n_channels, n) and the rate in Hz."""
    import soundfile
    import torch

    samples, rate_hz = soundfile.read(str(path), dtype="float32", always_2d=True)
    return torch.from_numpy(samples.T.copy()), rate_hz
