"""Toy lip-sync: every frame goes through as it is; for flows that must not depend on a face.

`frame_s`: seconds that it rests per frame, its encoder waiting: a test can find it at work.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dub import media, progress
from dub.overlay import Overlay
from dub.source import VideoFacts
from engines.lipsync.contract import RenderLog, Scene, SpokenSpan
from engines.spec import EngineSpec


class Untouched:
    def __init__(self, frame_s: float = 0.0) -> None:
        self._frame_s = frame_s

    def prepare(self, scene: Scene, bank: Path) -> None:
        bank.write_bytes(b"")

    def plan(
        self,
        scene: Scene,
        bank: Path,
        spoken: tuple[SpokenSpan, ...],
        dialogue: Path,
        parts: Sequence[range],
        folder: Path,
    ) -> RenderLog:
        for k in range(len(parts)):
            (folder / str(k)).write_bytes(b"")
        n_frames = scene.facts.n_frames
        return RenderLog(
            reasons=("kept: no lip-sync asked for",),
            decision=np.zeros((1, n_frames), np.uint8),
            aperture=np.full((1, n_frames), np.nan, np.float32),
        )

    def render(
        self,
        video: Path,
        facts: VideoFacts,
        bank: Path,
        plan: Path,
        frames: range,
        out: Path,
        overlay: Overlay | None = None,
    ) -> None:
        with media.FrameWriter(out, facts, overlay=overlay) as writer:
            for i, frame in enumerate(media.read_frames(video, facts, first=frames.start, n=len(frames))):
                writer.write(frame)
                time.sleep(self._frame_s)
                progress.report(i + 1, len(frames))


ENGINE = EngineSpec(
    id="untouched", family="lipsync", version=3, summary="Toy: leaves every frame.", load=Untouched, is_toy=True
)
