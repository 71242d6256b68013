"""Toy lip-sync: every frame goes through as it is; for flows that must not depend on a face.

`frame_s`: seconds that it rests per frame, its encoder waiting: a test can find it at work.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from dub import media, progress
from engines.lipsync.contract import RenderLog, Scene, SpokenSpan
from engines.spec import EngineSpec


class Untouched:
    def __init__(self, frame_s: float = 0.0) -> None:
        self._frame_s = frame_s

    def prepare(self, scene: Scene, bank: Path) -> None:
        bank.write_bytes(b"")

    def render(self, scene: Scene, bank: Path, spoken: tuple[SpokenSpan, ...], dialogue: Path, out: Path) -> RenderLog:
        facts = scene.facts
        with media.FrameWriter(out, facts) as writer:
            for i, frame in enumerate(media.read_frames(scene.video, facts)):
                writer.write(frame)
                time.sleep(self._frame_s)
                progress.report(i + 1, facts.n_frames)
        return RenderLog(
            reasons=("kept: no lip-sync asked for",),
            decision=np.zeros((1, facts.n_frames), np.uint8),
            aperture=np.full((1, facts.n_frames), np.nan, np.float32),
        )


ENGINE = EngineSpec(
    id="untouched", family="lipsync", version=3, summary="Toy: leaves every frame.", load=Untouched, is_toy=True
)
