"""The toy passes every frame through and says so."""

from fractions import Fraction
from pathlib import Path

import numpy as np

from dub import media
from dub.source import VideoFacts
from engines import registry
from engines.lipsync.contract import RenderLog, Scene
from tests.engines.lipsync.whole import render_whole


def test_every_frame_goes_through_and_the_log_says_kept(tmp_path: Path) -> None:
    facts = VideoFacts(width_px=64, height_px=48, frame_rate=Fraction(25), n_frames=6)
    with media.FrameWriter(tmp_path / "in.mp4", facts, crf=1) as writer:
        for i in range(6):
            writer.write(np.full((72, 64), 40 + 20 * i, np.uint8))
    toy = registry.load("lipsync", "untouched")
    nothing = tmp_path / "none"
    scene = Scene(tmp_path / "in.mp4", facts, nothing, nothing, ())
    toy.prepare(scene, tmp_path / "bank")
    log = render_whole(toy, scene, tmp_path / "bank", (), nothing, tmp_path / "out.mp4")
    levels = [frame[:48].mean() for frame in media.read_frames(tmp_path / "out.mp4", facts)]
    assert np.allclose(levels, [40 + 20 * i for i in range(6)], atol=2)
    assert log.counts() == {"kept: no lip-sync asked for": 6}
    assert not log.is_rendered().any()
    log.save(tmp_path / "log.npz")
    assert RenderLog.load(tmp_path / "log.npz").counts() == log.counts()
