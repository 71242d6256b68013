"""Animate portrait: the photo says one language's talk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dub.avatar import Backdrop, Motion, Performed, Portrait
from dub.disclosure import Disclosure
from dub.lips import LipSync
from dub.stage import Desk, EngineChoice, stage
from engines import registry
from engines.portrait.contract import Performance, PortraitAnimator
from tasks.disclosed import overlay_of


def _without_absent_disclosure(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in arguments.items() if name != "disclosure" or value is not None}


@stage(version=1, n_cpu=2, reads=_without_absent_disclosure)
def animate_portrait(
    desk: Desk,
    portrait: Portrait,
    performed: Performed,
    motion: Motion,
    backdrop: Backdrop,
    engine: EngineChoice,
    disclosure: Disclosure | None = None,
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
        facts = performed.source.video
        overlay = overlay_of(store, disclosure, range(facts.n_frames))
        log = animator.render(store.path(portrait.posed), facts, performance, video, overlay)
        log.save(folder / "log.npz")
        return LipSync(
            locale=timeline.locale,
            engine=engine.id,
            n_frames=facts.n_frames,
            video=store.put(video, "video/mp4"),
            log=store.put(folder / "log.npz", "application/x-npz"),
            counts=log.counts(),
            is_portrait=True,
            disclosure=disclosure,
        )
