"""The review's memory for voices: does a speaker sound like one person from line to line?"""

from __future__ import annotations

import numpy as np

from dub.check_voice_steady import OneLine, check_steadiness, standing_out
from dub.measured import Measured
from dub.script import PlacedTake, Timeline
from dub.stage import Desk, EngineChoice
from dub.store import Store
from dub.timecode import MASTER_RATE_HZ
from dub.wav import open_wav
from engines import registry
from engines.speaker.contract import SpeakerEncoder

SHORTEST_S = 1.8
"""Shorter lines tell an encoder too little: they lie up to 0.2 from their speaker's others without any fault."""


def compare_lines(found: Measured, desk: Desk, timeline: Timeline, choice: EngineChoice) -> dict[str, float]:
    """Hold every line long enough against its speaker's others. Returns how like them each is, by utterance."""
    encoder: SpeakerEncoder = registry.load("speaker", choice.id, **choice.options)
    store = desk.open_store()
    alike: dict[str, float] = {}
    for speaker in dict.fromkeys(take.speaker for take in timeline.placed):
        own = [take for take in timeline.placed if take.speaker == speaker]
        lines = [
            OneLine(take.utterance_id, take.n_samples / MASTER_RATE_HZ, _heard(store, take, encoder))
            for take in own
            if take.n_samples >= SHORTEST_S * MASTER_RATE_HZ
        ]
        likeness = standing_out(lines)
        alike |= likeness
        found.findings += check_steadiness(speaker, likeness, found.gates)
    return alike


def _heard(store: Store, take: PlacedTake, encoder: SpeakerEncoder) -> np.ndarray:
    sound = open_wav(store.path(take.audio))[0][0, : take.n_samples]
    return encoder.embed(np.clip(sound, -1, 1), MASTER_RATE_HZ)
