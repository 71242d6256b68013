"""What the speaking workers share: answers as files of raw sound, and the voice of a reference kept between lines."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import worker_protocol

SEED = 20230522
Voice = TypeVar("Voice")


def spoken(samples: Any, rate_hz: int, out: str) -> dict[str, Any]:
    """The reply for float samples (n,) or (1, n): they lie in `out` as little-endian float32."""
    import numpy as np

    flat = np.ascontiguousarray(np.asarray(samples, dtype="<f4").reshape(-1))
    if not flat.size or not np.isfinite(flat).all():
        raise worker_protocol.Refused("the model gave no sound for this text")
    with open(out, "wb") as file:
        file.write(flat.tobytes())
    return {"n_samples": int(flat.size), "rate_hz": int(rate_hz)}


def device_of(wanted: str) -> str:
    """`auto` is a GPU where torch sees one. Raises Refused for a GPU that is not there."""
    import torch

    if wanted not in ("auto", "cpu", "cuda"):
        raise worker_protocol.Refused(f"device is auto, cpu or cuda, not {wanted!r}")
    if wanted == "cuda" and not torch.cuda.is_available():
        raise worker_protocol.Refused("torch sees no GPU here")
    return "cuda" if wanted == "cuda" or (wanted == "auto" and torch.cuda.is_available()) else "cpu"


def seed_everything() -> None:
    """The same random numbers for every line, whatever was said before it. This process does nothing else."""
    import random

    import numpy as np
    import torch

    random.seed(SEED)
    np.random.seed(SEED)
    torch.manual_seed(SEED)


class Voices(Generic[Voice]):
    """What was computed of the last references, by their paths: a speaker has hundreds of lines."""

    def __init__(self, n_kept: int = 16) -> None:
        self._n_kept = n_kept
        self._kept: OrderedDict[str, Voice] = OrderedDict()

    def of(self, reference: str, make: Callable[[], Voice]) -> Voice:
        if reference not in self._kept:
            self._kept[reference] = make()
            while len(self._kept) > self._n_kept:
                self._kept.popitem(last=False)
        self._kept.move_to_end(reference)
        return self._kept[reference]
