"""Move the speakers' mouths to the dub: once per locale."""

from __future__ import annotations

from dub.lips import LipSync, MouthBank
from dub.on_screen import OnScreen
from dub.script import DubScript, Timeline
from dub.source import FaceTrack, Source, Stems
from dub.stage import Desk, EngineChoice, stage
from engines import registry
from engines.face.contract import TrackedFaces
from tasks.lip_scene import scene_of, takes_on_screen


@stage(version=2, n_cpu=2)
def lipsync(
    desk: Desk,
    source: Source,
    track: FaceTrack,
    stems: Stems,
    script: DubScript,
    on_screen: OnScreen,
    bank: MouthBank,
    timeline: Timeline,
    engine: EngineChoice,
) -> LipSync:
    """The source's picture with the mouths moved to the placed takes, and what was done to each frame."""
    store = desk.open_store()
    lipsyncer = registry.load("lipsync", engine.id, **engine.options)
    spoken = takes_on_screen(source, TrackedFaces.load(store.path(track.landmarks)), on_screen, timeline)
    with store.scratch() as folder:
        log = lipsyncer.render(
            scene_of(store, source, track, stems, script, on_screen),
            store.path(bank.bank),
            spoken,
            store.path(timeline.dialogue),
            folder / "picture.mp4",
        )
        log.save(folder / "log.npz")
        return LipSync(
            locale=timeline.locale,
            engine=engine.id,
            n_frames=source.video.n_frames,
            video=store.put(folder / "picture.mp4", "video/mp4"),
            log=store.put(folder / "log.npz", "application/x-npz"),
            counts=log.counts(),
        )
