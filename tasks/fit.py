"""fit: one locale's takes on the master clock."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np

from dub import progress
from dub.errors import BadInput
from dub.isochrony import NATURAL_SPEED_UP, UTMOST_SLOW_DOWN, Line, Phrase, Place, place
from dub.prosody import NOTHING_MEASURED, LineProsody, SourceProsody, tempo_bounds
from dub.script import DubScript, Overrun, PhonemeSpan, PlacedTake, Take, Takes, Timeline, Utterance
from dub.source import Source
from dub.stage import Desk, stage
from dub.store import Store
from dub.time_stretch import resampled, stretched
from dub.timecode import MASTER_RATE_HZ, sample_at
from dub.wav import WAV, Samples, blank_wav, let_go, open_wav, write_wav

_LEAST_OVERRUN_S = Fraction(1, 1000)
"""Rounding to samples and Rubber Band's last few are no overrun."""


@stage(version=3)
def fit(
    desk: Desk, source: Source, script: DubScript, takes: Takes, prosody: SourceProsody = NOTHING_MEASURED
) -> Timeline:
    """Place every take at its line's start and stretch it as dub/isochrony.py decides; phonemes move with it. The
    phrases of a take with pauses are stretched alike, and placed each for itself. `prosody`: how fast the source says
    each line.

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
        [_line(take, lines[take.utterance_id], prosody.of(take.utterance_id)) for take in spoken],
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


def _line(take: Take, line: Utterance, source: LineProsody) -> Line:
    """What isochrony has to know of a take."""
    slowest, fastest = tempo_bounds(source.tempo, UTMOST_SLOW_DOWN, NATURAL_SPEED_UP)
    starts = [line.span.start, *(pause.source.end for pause in take.pauses)]
    phrases = [
        Phrase(Fraction(end - start, take.rate_hz), source_start)
        for (start, end), source_start in zip(_phrase_edges(take), starts, strict=True)
    ]
    return Line(
        line.speaker,
        line.span,
        take.duration,
        phrases=tuple(phrases) if take.pauses else (),
        pauses=tuple(Fraction(pause.end_sample - pause.start_sample, take.rate_hz) for pause in take.pauses),
        speed=Fraction(take.speed).limit_denominator(100),
        slowest=slowest,
        fastest=fastest,
    )


def _phrase_edges(take: Take) -> list[tuple[int, int]]:
    """First and last sample of what lies between the pauses."""
    starts = [0, *(pause.end_sample for pause in take.pauses)]
    return list(zip(starts, [*(pause.start_sample for pause in take.pauses), take.n_samples], strict=True))


def _placed(
    store: Store, folder: Path, take: Take, line: Utterance, where: Place, earliest: int
) -> tuple[PlacedTake, Samples]:
    """The take as it is heard. `earliest`: the sample from which its speaker is silent; rounding may not overlap."""
    original, rate_hz = open_wav(store.path(take.audio))
    start = max(sample_at(where.start), earliest)
    pieces: list[Samples] = []
    phonemes: list[PhonemeSpan] = []
    n_samples = 0
    for (first, last), begins in zip(_phrase_edges(take), where.phrase_starts or (where.start,), strict=True):
        sound = stretched(
            resampled(np.array(original[:, first:last], np.float32), rate_hz), where.stretch_ratio, folder
        )
        if pieces:
            n_silent = max(0, sample_at(begins) - sample_at(where.start) - n_samples)
            pieces.append(np.zeros((1, n_silent), np.float32))
            n_samples += n_silent
        phonemes += _moved(take, first, last, start + n_samples, Fraction(sound.shape[1], max(1, last - first)))
        pieces.append(sound)
        n_samples += sound.shape[1]
    samples = np.concatenate(pieces, axis=1)
    write_wav(folder / "placed.wav", samples, MASTER_RATE_HZ)
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
        phonemes=tuple(phonemes),
    ), samples


def _moved(take: Take, first: int, last: int, start: int, to_master: Fraction) -> list[PhonemeSpan]:
    """The phonemes of the take's samples [first, last), which are heard from master sample `start` on."""
    return [
        PhonemeSpan(
            ipa=phoneme.ipa,
            start_sample=start + round((phoneme.start_sample - first) * to_master),
            end_sample=start + round((phoneme.end_sample - first) * to_master),
        )
        for phoneme in take.phonemes
        if first <= phoneme.start_sample < last
    ]


def _overruns(placed: list[PlacedTake]) -> list[Overrun]:
    """What ends after its slot."""
    late = [(take, Fraction(take.end_sample, MASTER_RATE_HZ) - take.slot.end) for take in placed]
    return [Overrun(utterance_id=take.utterance_id, seconds=s) for take, s in late if s > _LEAST_OVERRUN_S]
