"""Diarize: who speaks when, from the dialogue stem, once per source."""

from __future__ import annotations

from dub.source import Stems
from dub.stage import Desk, EngineChoice, stage
from dub.turns import Turns


@stage(version=1, n_cpu=1)
def diarize(desk: Desk, stems: Stems, encoder: EngineChoice, n_speakers: int | None = None) -> Turns:
    """The turns of every speaker. `n_speakers`: how many there are, where the user knows."""
    return Turns()
