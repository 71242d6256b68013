"""Gather the speaker's own mouth: once per source, before any language."""

from __future__ import annotations

from dub.lips import MouthBank
from dub.source import FaceTrack, Source, Stems
from dub.stage import Desk, EngineChoice, stage
from engines import registry


@stage(version=1, n_cpu=1)
def build_mouth_bank(desk: Desk, source: Source, track: FaceTrack, stems: Stems, engine: EngineChoice) -> MouthBank:
    """What the lip-sync engine needs of the source for every locale."""
    store = desk.open_store()
    lipsyncer = registry.load("lipsync", engine.id, **engine.options)
    with store.scratch() as folder:
        lipsyncer.prepare(
            store.path(source.original),
            source.video,
            store.path(track.landmarks),
            store.path(stems.dialogue),
            folder / "bank",
        )
        return MouthBank(engine=engine.id, bank=store.put(folder / "bank", "application/octet-stream"))
