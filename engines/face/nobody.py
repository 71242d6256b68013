"""Toy tracker: sees no face, for flows that must not depend on one."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dub.source import VideoFacts
from engines.face.contract import TrackedFaces
from engines.spec import EngineSpec


class Nobody:
    def track(self, video: Path, facts: VideoFacts) -> TrackedFaces:
        return TrackedFaces(facts.n_frames, np.zeros(1, np.int32), ())


ENGINE = EngineSpec(id="nobody", family="face", version=2, summary="Toy: never sees a face.", load=Nobody, is_toy=True)
