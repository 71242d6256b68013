"""Pose photo: is this a photo that can be made to talk? Once per photo, before any voice."""

from __future__ import annotations

from dub.artifact import Artifact
from dub.avatar import Portrait
from dub.media import FrameWriter
from dub.stage import Desk, EngineChoice, stage
from engines import registry
from engines.portrait.contract import PortraitAnimator
from engines.portrait.photo_file import as_planes, read_photo


@stage(version=1)
def pose_photo(desk: Desk, photo: Artifact, name: str, long_side_px: int, engine: EngineChoice) -> Portrait:
    """Find the face and keep what every language shares. Raises BadInput, which calls the file `name`, for a photo
    without exactly one sharp, large face that looks at the camera."""
    store = desk.open_store()
    animator: PortraitAnimator = registry.load("portrait", engine.id, **engine.options)
    with store.scratch() as folder:
        facts = animator.pose(store.path(photo), name, long_side_px, folder / "posed")
        with FrameWriter(folder / "still.mp4", facts.as_video(1), crf=12) as writer:
            writer.write(as_planes(read_photo(store.path(photo), name, long_side_px)))
        return Portrait(
            engine=engine.id,
            name=name,
            facts=facts,
            posed=store.put(folder / "posed", "application/octet-stream"),
            still=store.put(folder / "still.mp4", "video/mp4"),
        )
