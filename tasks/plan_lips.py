"""Decide what becomes of the speakers' mouths: once per locale, before any pixel is touched."""

from __future__ import annotations

from dub.lips import LipPart, LipPlan, MouthBank
from dub.on_screen import OnScreen
from dub.parts import moved_frames, parts_of
from dub.script import DubScript, Timeline
from dub.source import FaceTrack, Source, Stems
from dub.stage import Desk, EngineChoice, stage
from engines import registry
from engines.face.contract import TrackedFaces
from engines.lipsync.contract import SpokenSpan
from tasks.lip_scene import scene_of, takes_on_screen

PLAN = "application/octet-stream"


@stage(version=1, n_cpu=1)
def plan_lips(
    desk: Desk,
    source: Source,
    track: FaceTrack,
    stems: Stems,
    script: DubScript,
    on_screen: OnScreen,
    bank: MouthBank,
    timeline: Timeline,
    engine: EngineChoice,
) -> LipPlan:
    """Every frame of the title with the mouths it is to show, in parts that can be rendered apart. A part's plan holds
    all that the takes have to do with its frames: while it stays the same, so do they."""
    store = desk.open_store()
    lipsyncer = registry.load("lipsync", engine.id, **engine.options)
    spoken = takes_on_screen(source, TrackedFaces.load(store.path(track.landmarks)), on_screen, timeline)
    scene = scene_of(store, source, track, stems, script, on_screen)
    seen = [span for span in (*scene.said, *spoken) if any(run.face >= 0 for run in span.shown)]
    moved = moved_frames(source.video, (sound for span in seen for sound in _sounds(span)))
    parts = parts_of(source.video, moved, track.shots)
    with store.scratch() as folder:
        log = lipsyncer.plan(scene, store.path(bank.bank), spoken, store.path(timeline.dialogue), parts, folder)
        log.save(folder / "log.npz")
        return LipPlan(
            locale=timeline.locale,
            engine=engine.id,
            n_frames=source.video.n_frames,
            log=store.put(folder / "log.npz", "application/x-npz"),
            counts=log.counts(),
            parts=tuple(
                LipPart(first_frame=part.start, end_frame=part.stop, plan=store.put(folder / str(number), PLAN))
                for number, part in enumerate(parts)
            ),
        )


def _sounds(span: SpokenSpan) -> list[tuple[int, int]]:
    """When the span sounds: phoneme by phoneme, where they are known."""
    phonemes = [(phoneme.start_sample, phoneme.end_sample) for phoneme in span.phonemes]
    return phonemes or [(span.start_sample, span.end_sample)]
