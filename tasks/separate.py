"""separate: the programme into dialogue and bed."""

from __future__ import annotations

from dub.source import Source, Stems
from dub.stage import Desk, EngineChoice, stage
from dub.wav import WAV
from engines import registry


@stage(version=1)
def separate(desk: Desk, source: Source, engine: EngineChoice) -> Stems:
    """Split the programme by a separation engine, file to file, so that memory does not grow with its length."""
    store = desk.open_store()
    separator = registry.load("separation", engine.id, **engine.options)
    with store.scratch() as folder:
        dialogue, bed = folder / "dialogue.wav", folder / "bed.wav"
        separator.separate(store.path(source.programme), dialogue, bed)
        return Stems(dialogue=store.put(dialogue, WAV), bed=store.put(bed, WAV))
