"""fit: one locale's takes on the master clock."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np

from dub import progress
from dub.errors import BadInput
from dub.isochrony import Line, Place, place
from dub.script import DubScript, Overrun, PhonemeSpan, PlacedTake, Take, Takes, Timeline, Utterance
from dub.source import Source
from dub.stage import Desk, stage
from dub.store import Store
from dub.time_stretch import resampled, stretched
from dub.timecode import MASTER_RATE_HZ, sample_at
from dub.wav import WAV, Samples, blank_wav, let_go, open_wav, write_wav

_LEAST_OVERRUN_S = Fraction(1, 1000)
"""Rounding to samples and Rubber Band's last few are no overrun."""


@stage(version=2)
def fit(desk: Desk, source: Source, script: DubScript, takes: Takes) -> Timeline:
    """Place every take at its line's start and stretch it as dub/isochrony.py decides; phonemes move with it.

    Each PlacedTake's audio is the take as placed: 48 kHz mono, `n_samples` long. `dialogue` is their sum, exactly
    as long as the programme; what an Overrun at the title's end says is lost is the only sound left out of it.
    Raises BadInput for takes that the script has no line for. Cost: one short ffmpeg call per stretched take.
    """
    store = desk.open_store()
    lines = {utterance.id: utterance for utterance in script.utterances}
    if strange := [take.utterance_id for take in takes.takes if take.utterance_id not in lines]:
        raise BadInput(f"takes for lines that the script does not have: {', '.join(strange)}")
    order = {utterance.id: index for index, utterance in enumerate(script.utterances)}
    spoken = sorted(takes.takes, key=lambda take: order[take.utterance_id])
    places = place(
        [Line(lines[take.utterance_id].speaker, lines[take.utterance_id].span, take.duration) for take in spoken],
        source.video.duration,
    )
    with store.scratch() as folder:
        dialogue = blank_wav(folder / "dialogue.wav", MASTER_RATE_HZ, 1, sample_at(source.video.duration))
        placed: list[PlacedTake] = []
        for take, where in zip(spoken, places, strict=True):
            line = lines[take.utterance_id]
            earliest = max((other.end_sample for other in placed if other.speaker == line.speaker), default=0)
            placed_take, samples = _placed(store, folder, take, line, where, earliest)
            room = dialogue[:, placed_take.start_sample : placed_take.start_sample + placed_take.n_samples]
            room += samples[:, : room.shape[1]]
            let_go(dialogue)
            placed.append(placed_take)
            progress.report(len(placed), len(spoken))
        return Timeline(
            locale=takes.locale,
            placed=tuple(placed),
            overruns=tuple(_overruns(placed)),
            dialogue=store.put(folder / "dialogue.wav", WAV),
        )


def _placed(
    store: Store, folder: Path, take: Take, line: Utterance, where: Place, earliest: int
) -> tuple[PlacedTake, Samples]:
    """The take as it is heard. `earliest`: the sample from which its speaker is silent; rounding may not overlap."""
    original, rate_hz = open_wav(store.path(take.audio))
    samples = stretched(resampled(np.array(original, np.float32), rate_hz), where.stretch_ratio, folder)
    write_wav(folder / "placed.wav", samples, MASTER_RATE_HZ)
    start, n_samples = max(sample_at(where.start), earliest), samples.shape[1]
    to_master = Fraction(n_samples, take.n_samples)
    return PlacedTake(
        utterance_id=take.utterance_id,
        speaker=line.speaker,
        text=take.text,
        slot=where.slot,
        audio=store.put(folder / "placed.wav", WAV),
        start_sample=start,
        n_samples=n_samples,
        stretch_ratio=float(where.stretch_ratio),
        speed=take.speed,
        phonemes=tuple(
            PhonemeSpan(
                ipa=phoneme.ipa,
                start_sample=start + round(phoneme.start_sample * to_master),
                end_sample=start + round(phoneme.end_sample * to_master),
            )
            for phoneme in take.phonemes
        ),
    ), samples


def _overruns(placed: list[PlacedTake]) -> list[Overrun]:
    """What ends after its slot."""
    late = [(take, Fraction(take.end_sample, MASTER_RATE_HZ) - take.slot.end) for take in placed]
    return [Overrun(utterance_id=take.utterance_id, seconds=s) for take, s in late if s > _LEAST_OVERRUN_S]
