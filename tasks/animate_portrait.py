"""Animate portrait: the photo says one language's talk."""

from __future__ import annotations

from dub.avatar import Backdrop, Motion, Performed, Portrait
from dub.lips import LipSync
from dub.stage import Desk, EngineChoice, stage
from engines import registry
from engines.portrait.contract import Performance, PortraitAnimator


@stage(version=1, n_cpu=2)
def animate_portrait(
    desk: Desk,
    portrait: Portrait,
    performed: Performed,
    motion: Motion,
    backdrop: Backdrop,
    engine: EngineChoice,
) -> LipSync:
    """The silent picture, as long as the talk. Nothing in it was filmed: `is_portrait`."""
    store, timeline = desk.open_store(), performed.timeline
    animator: PortraitAnimator = registry.load("portrait", engine.id, **engine.options)
    performance = Performance(
        phonemes=tuple(phoneme for take in timeline.placed for phoneme in take.phonemes),
        dialogue=store.path(timeline.dialogue),
        motion=motion,
        backdrop=backdrop,
        backdrop_image=store.path(backdrop.image) if backdrop.image else None,
    )
    with store.scratch() as folder:
        video = folder / "picture.mp4"
        log = animator.render(store.path(portrait.posed), performed.source.video, performance, video)
        log.save(folder / "log.npz")
        return LipSync(
            locale=timeline.locale,
            engine=engine.id,
            n_frames=performed.source.video.n_frames,
            video=store.put(video, "video/mp4"),
            log=store.put(folder / "log.npz", "application/x-npz"),
            counts=log.counts(),
            is_portrait=True,
        )
