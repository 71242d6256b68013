"""Screen text: what is written in a picture, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class WrittenText:
    """One line of writing. The box in shares of the picture, 0..1 from its upper left."""

    text: str
    left: float
    top: float
    right: float
    bottom: float


class TextReader(Protocol):
    def read(self, picture: Picture) -> tuple[WrittenText, ...]:
        """All writing in an RGB picture, uint8 (height, width, 3), from the top down. Deterministic, thread-safe."""
        ...
