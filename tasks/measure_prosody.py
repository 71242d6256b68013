"""measure_prosody: how the source says its lines, once for all languages."""

from __future__ import annotations

from dub.levels import blocks, power_curve
from dub.prosody import SourceProsody, prosody_of
from dub.script import DubScript
from dub.source import Stems
from dub.speech_activity import levels_db, speech_islands
from dub.stage import Desk, stage
from dub.timecode import MASTER_RATE_HZ
from dub.wav import open_wav


@stage(version=1)
def measure_prosody(desk: Desk, stems: Stems, script: DubScript) -> SourceProsody:
    """Pauses, tempo and level of every line, and the sounds between words, from the dialogue stem."""
    dialogue, _ = open_wav(desk.open_store().path(stems.dialogue))
    islands = speech_islands(levels_db((block[0] for block in blocks(dialogue)), MASTER_RATE_HZ))
    return prosody_of(script, islands, power_curve(dialogue))
