"""Portrait: one photo made to talk, from the phonemes of a dialogue and its sound."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from dub.avatar import Backdrop, Motion, PhotoFacts
from dub.overlay import Overlay
from dub.script import PhonemeSpan
from dub.source import VideoFacts
from engines.lipsync.contract import RenderLog

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Performance:
    """What the portrait does. `phonemes`: 48 kHz samples from the first frame's time, in order. `dialogue`: a 48 kHz
    mono WAV as long as the video. `backdrop_image`: the file of a Backdrop of kind "image"."""

    phonemes: tuple[PhonemeSpan, ...]
    dialogue: Path
    motion: Motion
    backdrop: Backdrop
    backdrop_image: Path | None = None


class PortraitAnimator(Protocol):
    def pose(self, photo: Path, name: str, long_side_px: int, posed: Path) -> PhotoFacts:
        """Once per photo: find the face and write what every language shares to the file `posed`. `name`: what to call
        the photo in errors. A larger picture is shrunk to `long_side_px`. Raises BadInput for a photo that cannot be
        made to talk, naming what is wrong with it and the mend."""
        ...

    def render(
        self, posed: Path, facts: VideoFacts, performance: Performance, out: Path, overlay: Overlay | None = None
    ) -> RenderLog:
        """Once per locale: write `out`, an H.264 MP4 without sound of `facts.n_frames` frames. The same inputs give the
        same frames. `overlay`: painted over the first of them. Streams: memory does not grow with length. Reports
        `dub.progress` in frames. Thread-safe. The log has one face; `aperture` is what the lips aimed at."""
        ...
