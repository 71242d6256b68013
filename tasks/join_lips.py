"""Put a locale's rendered parts together: one picture again."""

from __future__ import annotations

from dub.disclosure import Disclosure
from dub.join_video import join_video
from dub.lips import LipPlan, LipSync, RenderedPart
from dub.source import Source
from dub.stage import Desk, stage


@stage(version=1, n_cpu=1)
def join_lips(
    desk: Desk,
    source: Source,
    plan: LipPlan,
    parts: tuple[RenderedPart, ...],
    disclosure: Disclosure | None = None,
) -> LipSync:
    """The parts' packets in one file, and what was done to each frame. One part alone is the picture already."""
    store = desk.open_store()
    videos = [part.video for part in parts if part.video is not None]
    if len(videos) == 1:
        video = videos[0]
    else:
        with store.scratch() as folder:
            video = store.put(join_video([store.path(one) for one in videos], source.video, folder), "video/mp4")
    return LipSync(
        locale=plan.locale,
        engine=plan.engine,
        n_frames=plan.n_frames,
        video=video,
        log=plan.log,
        counts=plan.counts,
        parts=parts,
        disclosure=disclosure,
    )
