"""Toy portrait: the photo stands still, for flows that must not depend on a face."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dub import media, progress
from dub.avatar import PhotoFacts
from dub.overlay import Overlay
from dub.source import VideoFacts
from engines.lipsync.contract import RenderLog
from engines.portrait.contract import Performance
from engines.portrait.photo_file import as_planes, read_photo
from engines.spec import EngineSpec


class Still:
    def pose(self, photo: Path, name: str, long_side_px: int, posed: Path) -> PhotoFacts:
        picture = read_photo(photo, name, long_side_px)
        with posed.open("wb") as file:
            np.save(file, as_planes(picture), allow_pickle=False)
        return PhotoFacts(width_px=picture.shape[1], height_px=picture.shape[0])

    def render(
        self, posed: Path, facts: VideoFacts, performance: Performance, out: Path, overlay: Overlay | None = None
    ) -> RenderLog:
        frame = np.load(posed, allow_pickle=False)
        with media.FrameWriter(out, facts, overlay=overlay) as writer:
            for i in range(facts.n_frames):
                writer.write(frame)
                progress.report(i + 1, facts.n_frames)
        return RenderLog(
            reasons=("kept: the photo stands still",),
            decision=np.zeros((1, facts.n_frames), np.uint8),
            aperture=np.full((1, facts.n_frames), np.nan, np.float32),
        )


ENGINE = EngineSpec(
    id="still",
    family="portrait",
    version=1,
    summary="Toy: shows the photo.",
    load=Still,
    packages=("cv2",),
    extra="embedded",
    is_toy=True,
)
