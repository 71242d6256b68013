"""Mark speech: who speaks when in a source whose words nobody needs."""

from __future__ import annotations

import numpy as np

from dub.script import DubScript, Utterance
from dub.source import Source, Stems
from dub.speech_activity import levels_db, speech_islands
from dub.stage import Desk, stage
from dub.timecode import MASTER_RATE_HZ, Span
from dub.turns import Turns
from dub.wav import BLOCK_SAMPLES, open_wav
from lang.bcp47 import Locale

PAUSE_S = 0.5
"""Speech of one person with shorter pauses is one line."""
NOT_HEARD = "…"
"""Stands for the words."""


@stage(version=1)
def mark_speech(desk: Desk, source: Source, stems: Stems, turns: Turns) -> DubScript:
    """A DubScript whose lines have a time and a speaker and no words; none at all where nobody speaks."""
    dialogue, _ = open_wav(desk.open_store().path(stems.dialogue))
    starts = range(0, dialogue.shape[1], BLOCK_SAMPLES)
    levels = levels_db((np.asarray(dialogue[0, at : at + BLOCK_SAMPLES]) for at in starts), MASTER_RATE_HZ)
    lines: list[tuple[str, Span]] = []
    for island in speech_islands(levels):
        speaker = turns.speaker_of(island)
        if lines and lines[-1][0] == speaker and island.start - lines[-1][1].end < PAUSE_S:
            lines[-1] = speaker, Span(start=lines[-1][1].start, end=island.end)
        else:
            lines.append((speaker, island))
    end = source.video.duration
    return DubScript(
        source_locale=Locale("und"),
        duration=end,
        utterances=tuple(
            Utterance(
                id=f"u{number:04}",
                speaker=speaker,
                span=Span(start=min(span.start, end), end=min(span.end, end)),
                text=NOT_HEARD,
            )
            for number, (speaker, span) in enumerate(lines, start=1)
        ),
        recogniser="none",
    )
