"""Overlay: a line of text in a box, painted into the first frames of a picture while they are encoded anyway."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]

WHITE, BLACK = 235, 16
"""Luma of white and black in video range."""
BOX_OPACITY = 0.75
"""White text stays legible over a white wall: on it the box is as dark as a 25 % grey."""


@dataclass(frozen=True)
class Overlay:
    """What to paint over rows `top`.. and columns `left`.. (even, like height and width, for chroma has half the rows
    and columns) of the first `n_frames` frames. `keep` uint8 (h, w): 0..255, how much of the picture shows through;
    `add` uint8 (h, w): luma that is put on top."""

    top: int
    left: int
    keep: Bytes
    add: Bytes
    n_frames: int

    @classmethod
    def of(cls, coverage: Bytes, top: int, left: int, n_frames: int) -> Overlay:
        """White text on a dark box. `coverage` (h, w): 0..255 where there is text; the box is all of it."""
        text = coverage.astype(np.float32) / 255
        keep = (1 - BOX_OPACITY) * (1 - text)
        add = WHITE * text + BLACK * BOX_OPACITY * (1 - text)
        return cls(top, left, np.rint(255 * keep).astype(np.uint8), np.rint(add).astype(np.uint8), n_frames)

    @property
    def size(self) -> tuple[int, int]:
        """(height_px, width_px) of the box."""
        height, width = self.keep.shape
        return height, width

    def for_frames(self, n_frames: int) -> Overlay:
        """The same one over another number of frames."""
        return replace(self, n_frames=n_frames)

    def painted(self, frame: Bytes) -> Bytes:
        """A copy of a yuv420p frame (height*3//2, width), as dub.media.read_frames gives them, with the overlay."""
        made = frame.copy()
        height, width = frame.shape[0] * 2 // 3, frame.shape[1]
        luma = made[:height]
        _blend(luma, self.top, self.left, self.keep, self.add)
        keep = self.keep.reshape(self.size[0] // 2, 2, self.size[1] // 2, 2).mean(axis=(1, 3))
        grey = np.rint(128 * (1 - keep / 255))
        for plane in made[height:].reshape(2, height // 2, width // 2):
            _blend(plane, self.top // 2, self.left // 2, np.rint(keep), grey)
        return made

    def save(self, path: Path) -> None:
        with path.open("wb") as file:
            np.savez(
                file,
                allow_pickle=False,
                place=np.array([self.top, self.left, self.n_frames]),
                keep=self.keep,
                add=self.add,
            )

    @classmethod
    def load(cls, path: Path) -> Overlay:
        with np.load(path, allow_pickle=False) as arrays:
            top, left, n_frames = (int(number) for number in arrays["place"])
            return cls(top, left, arrays["keep"], arrays["add"], n_frames)


def _blend(plane: Bytes, top: int, left: int, keep: npt.NDArray[np.generic], add: npt.NDArray[np.generic]) -> None:
    height, width = keep.shape
    part = plane[top : top + height, left : left + width]
    part[:] = np.minimum(part.astype(np.uint16) * keep.astype(np.uint16) // 255 + add.astype(np.uint16), 255)
