"""Place freely: takes follow one another with natural pauses; the video is as long as they need."""

from __future__ import annotations

from math import ceil
from pathlib import Path

import numpy as np

from dub import avatar
from dub.avatar import SPEAKER, Performed, Portrait, Talk
from dub.errors import EngineFailed
from dub.progress import report
from dub.script import DubScript, PhonemeSpan, PlacedTake, Take, Takes, Timeline
from dub.source import Source, Stems
from dub.stage import Desk, stage
from dub.store import Store
from dub.time_stretch import resampled
from dub.timecode import MASTER_RATE_HZ, Span, sample_at
from dub.wav import WAV, Samples, blank_wav, let_go, open_wav, write_wav

SILENT_DB = -120.0


@stage(version=1)
def place_freely(desk: Desk, title: str, talk: Talk, takes: Takes, portrait: Portrait) -> Performed:
    """Takes in order, with a pause after each sentence and a longer one before a paragraph. The video begins half a
    second before the first word and ends 0.8 s after the last, on a whole frame. Raises EngineFailed where no line was
    spoken."""
    if not takes.takes:
        raise EngineFailed(f"no line of {title!r} could be spoken in {takes.locale}")
    store = desk.open_store()
    with store.scratch() as folder:
        placed: list[PlacedTake] = []
        sounds: list[Path] = []
        at = sample_at(avatar.BEFORE_S)
        for take in takes.takes:
            if placed:
                is_new = take.utterance_id in talk.starts_paragraph
                at = placed[-1].end_sample + sample_at(avatar.PARAGRAPH_PAUSE_S if is_new else avatar.SENTENCE_PAUSE_S)
            placed.append(_placed(store, folder, take, at))
            sounds.append(store.path(placed[-1].audio))
            report(len(placed), len(takes.takes))
        n_frames = ceil((placed[-1].end_sample + sample_at(avatar.AFTER_S)) * avatar.FRAME_RATE / MASTER_RATE_HZ)
        n_samples = sample_at(n_frames / avatar.FRAME_RATE)
        dialogue = blank_wav(folder / "dialogue.wav", MASTER_RATE_HZ, 1, n_samples)
        for one, sound in zip(placed, sounds, strict=True):
            dialogue[:, one.start_sample : one.end_sample] += open_wav(sound)[0]
            let_go(dialogue)
        del dialogue
        for name, n_channels in (("dialogue_before", 1), ("bed", 2)):
            blank_wav(folder / f"{name}.wav", MASTER_RATE_HZ, n_channels, n_samples)
        bed = store.put(folder / "bed.wav", WAV)
        return Performed(
            timeline=Timeline(
                locale=takes.locale,
                placed=tuple(placed),
                overruns=(),
                dialogue=store.put(folder / "dialogue.wav", WAV),
            ),
            script=_as_said(talk.script, placed, n_frames),
            source=Source(
                title=title,
                original=portrait.still,
                video=portrait.facts.as_video(n_frames),
                programme=bed,
                n_source_channels=0,
                mean_level_db=SILENT_DB,
            ),
            stems=Stems(dialogue=store.put(folder / "dialogue_before.wav", WAV), bed=bed),
        )


def _placed(store: Store, folder: Path, take: Take, start: int) -> PlacedTake:
    original, rate_hz = open_wav(store.path(take.audio))
    samples: Samples = resampled(np.array(original, np.float32), rate_hz)
    write_wav(folder / "placed.wav", samples, MASTER_RATE_HZ)
    scale = samples.shape[1] / take.n_samples
    return PlacedTake(
        utterance_id=take.utterance_id,
        speaker=SPEAKER,
        text=take.text,
        slot=_span(start, start + samples.shape[1]),
        audio=store.put(folder / "placed.wav", WAV),
        start_sample=start,
        n_samples=samples.shape[1],
        stretch_ratio=1.0,
        speed=take.speed,
        phonemes=tuple(
            PhonemeSpan(
                ipa=phoneme.ipa,
                start_sample=start + round(phoneme.start_sample * scale),
                end_sample=start + round(phoneme.end_sample * scale),
            )
            for phoneme in take.phonemes
        ),
    )


def _as_said(script: DubScript, placed: list[PlacedTake], n_frames: int) -> DubScript:
    """The script's lines at the times at which they are said; a line that was withheld is left out."""
    spans = {take.utterance_id: _span(take.start_sample, take.end_sample) for take in placed}
    lines = (line for line in script.utterances if line.id in spans)
    return script.model_copy(
        update={
            "duration": n_frames / avatar.FRAME_RATE,
            "utterances": tuple(line.model_copy(update={"span": spans[line.id]}) for line in lines),
        }
    )


def _span(first: int, last: int) -> Span:
    return Span.of_seconds(first / MASTER_RATE_HZ, last / MASTER_RATE_HZ)
