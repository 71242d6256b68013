"""Gather the speakers' own mouths: once per source, before any language."""

from __future__ import annotations

from dub.lips import MouthBank
from dub.on_screen import OnScreen
from dub.script import DubScript
from dub.source import FaceTrack, Source, Stems
from dub.stage import Desk, EngineChoice, stage
from engines import registry
from tasks.lip_scene import scene_of


@stage(version=2, n_cpu=1)
def build_mouth_bank(
    desk: Desk,
    source: Source,
    track: FaceTrack,
    stems: Stems,
    script: DubScript,
    on_screen: OnScreen,
    engine: EngineChoice,
) -> MouthBank:
    """What the lip-sync engine needs of the source for every locale."""
    store = desk.open_store()
    lipsyncer = registry.load("lipsync", engine.id, **engine.options)
    with store.scratch() as folder:
        lipsyncer.prepare(scene_of(store, source, track, stems, script, on_screen), folder / "bank")
        return MouthBank(engine=engine.id, bank=store.put(folder / "bank", "application/octet-stream"))
