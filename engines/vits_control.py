"""What transformers' VitsModel draws and decides inside its forward, taken in hand from outside.

Imports torch, and so lies outside the engine families, whose every module is imported to find the engines.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode


class OwnNoise(TorchFunctionMode):
    """Within it, this thread's torch.randn and randn_like draw from a generator of its own: the same noise for every
    call and on every device, and the process's random state is neither read nor moved."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._generator = torch.Generator("cpu").manual_seed(seed)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func is torch.randn_like:
            like = args[0]
            return torch.randn(like.shape, generator=self._generator, dtype=like.dtype).to(like.device)
        if func is torch.randn:
            device = kwargs.pop("device", None)
            noise = torch.randn(*args, **{**kwargs, "generator": self._generator})
            return noise.to(device) if device is not None else noise
        return func(*args, **kwargs)


@contextmanager
def at_tempo(model: Any, speed: float) -> Iterator[None]:
    """Within it, the model's durations are scaled so that their sum, in whole frames, is 1 / speed of what it was.

    The model's own `speaking_rate` scales before rounding up, and most letters last one or two frames: 1.3 gave far
    less than 1.3. Where every duration is one frame already, it stays slower than asked.
    """

    def scaled(_module: Any, _inputs: Any, log_durations: Any) -> Any:
        return log_durations + math.log(_scale(torch.exp(log_durations.double()), speed))

    if speed == 1.0:
        yield
        return
    handle = model.duration_predictor.register_forward_hook(scaled)
    try:
        yield
    finally:
        handle.remove()


def _scale(durations: Any, speed: float) -> float:
    """The factor of `durations` (frames, not whole) for which the sum of the durations rounded up is nearest to
    1 / speed of what it is unscaled."""
    wanted = float(torch.ceil(durations).sum()) / speed
    low, high = 0.05 / speed, 4.0 / speed
    for _ in range(40):
        middle = (low + high) / 2
        if float(torch.ceil(durations * middle).sum()) < wanted:
            low = middle
        else:
            high = middle
    return high
