"""Enlarge: the finished picture at twice to four times its size, by lanczos or by a super-resolution network."""

from __future__ import annotations

from dub import progress
from dub.avatar import Upscale
from dub.lips import LipSync
from dub.media import FrameWriter, read_frames
from dub.source import VideoFacts
from dub.stage import Desk, stage
from engines.portrait.enlarger import enlarger


@stage(version=1, n_cpu=2)
def enlarge(desk: Desk, lips: LipSync, video: VideoFacts, by: Upscale) -> LipSync:
    """Frame by frame: memory does not grow with length. Encoded a second time. Raises BadInput for a network that does
    not enlarge pictures by `by.factor`, naming its file."""
    store = desk.open_store()
    grow = enlarger(by.factor, store.path(by.model) if by.model else None, by.model_name)
    large = video.model_copy(update={"width_px": video.width_px * by.factor, "height_px": video.height_px * by.factor})
    with store.scratch() as folder:
        with FrameWriter(folder / "picture.mp4", large) as writer:
            for i, frame in enumerate(read_frames(store.path(lips.video), video)):
                writer.write(grow(frame))
                progress.report(i + 1, video.n_frames)
        return lips.model_copy(update={"video": store.put(folder / "picture.mp4", "video/mp4")})
