"""Toy tracker: sees no face, for flows that must not depend on one."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dub.source import VideoFacts
from engines.face.contract import TrackedFace
from engines.spec import EngineSpec


class Nobody:
    def track(self, video: Path, facts: VideoFacts) -> TrackedFace:
        nothing = np.full(facts.n_frames, np.nan, np.float32)
        return TrackedFace(
            point_ids=np.array([0], np.int16),
            points=np.full((facts.n_frames, 1, 2), np.nan, np.float32),
            yaw_deg=nothing,
            pitch_deg=nothing,
            roll_deg=nothing,
            pucker=nothing,
            jaw_open=nothing,
            sharpness=nothing,
            brightness=nothing,
            shots=np.zeros(1, np.int32),
        )


ENGINE = EngineSpec(id="nobody", family="face", version=1, summary="Toy: never sees a face.", load=Nobody, is_toy=True)
