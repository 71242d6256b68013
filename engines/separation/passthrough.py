"""Toy separator: all that is the same on both sides is dialogue, the rest is bed. No model, exact, instant.

For a mono programme the bed is silence. A real, deterministic implementation of the contract, for flows in tests.
"""

from __future__ import annotations

from pathlib import Path

from dub import progress
from dub.levels import blocks
from dub.timecode import MASTER_RATE_HZ
from dub.wav import WavWriter, open_wav
from engines.spec import EngineSpec


class MidIsDialogue:
    """Meets contract.Separator: dialogue = (left + right) / 2."""

    def separate(self, programme: Path, dialogue: Path, bed: Path) -> None:
        sound, _ = open_wav(programme)
        with WavWriter(dialogue, MASTER_RATE_HZ, 1) as speech, WavWriter(bed, MASTER_RATE_HZ, 2) as rest:
            for block in blocks(sound):
                mid = block.mean(axis=0)
                speech.write(mid)
                rest.write(block - mid)
                progress.report(speech.n_samples, sound.shape[1])


ENGINE = EngineSpec(
    id="passthrough",
    family="separation",
    version=1,
    summary="toy: what both sides share is dialogue",
    load=MidIsDialogue,
    is_toy=True,
)
