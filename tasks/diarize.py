"""Diarize: who speaks when, from the dialogue stem, once per source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from dub import progress
from dub.diarization import WINDOW_S, Heard, find_stretches, windows_over
from dub.errors import BadInput
from dub.source import Stems
from dub.speech_activity import levels_db, speech_islands
from dub.stage import Desk, EngineChoice, stage
from dub.turns import Turns, joined_turns
from dub.wav import BLOCK_SAMPLES, Samples, open_wav
from engines import registry
from engines.speaker.contract import SpeakerEncoder
from engines.speaker.mel import cepstra, to_16_khz

FAR_BELOW_SAME = 0.05
"""Added to the encoders' own thresholds, which are of 3 s against 3 s: means over more speech lie nearer."""
LOUDER_THAN_PERCENT = 25
"""The softest quarter of the frames of speech tells more of the room than of the voice."""
RATE_HZ = 16_000
WORKING_LEVEL_DB = -26.0
BATCH = 48
CHUNK_FRAMES = 3_000

Floats = npt.NDArray[np.float32]


@stage(version=2, n_cpu=1)
def diarize(desk: Desk, stems: Stems, encoders: tuple[EngineChoice, ...], n_speakers: int | None = None) -> Turns:
    """The turns of every speaker: one at a time, where two speak at once the one who is heard better.

    `encoders`: speaker encoders whose opinions count alike. `n_speakers`: how many there are, where the user knows;
    exactly so many are found. Raises BadInput where the speech is too short for that many.
    """
    sound, rate_hz = open_wav(desk.open_store().path(stems.dialogue))
    hearing: list[SpeakerEncoder] = [registry.load("speaker", each.id, **each.options) for each in encoders]
    heard = hear(sound[0], rate_hz, hearing)
    far = float(np.mean([encoder.same_speaker_threshold for encoder in hearing])) + FAR_BELOW_SAME
    try:
        return joined_turns(find_stretches(heard, far, n_speakers))
    except ValueError as error:
        raise BadInput(f"--speakers {n_speakers}: {error}", mend="leave --speakers out, or give fewer") from error


def hear(dialogue: Floats, rate_hz: int, encoders: Sequence[SpeakerEncoder]) -> Heard:
    """Everything about a mono stem (n_samples,) that tells its speakers apart; reads it in pieces of half a minute."""
    levels = levels_db(_blocks(dialogue), rate_hz)
    spans = speech_islands(levels)
    islands = np.array([(float(span.start), float(span.end)) for span in spans], np.float64).reshape(-1, 2)
    windows = windows_over(islands)
    frames, frame_s = _loud_cepstra(dialogue, rate_hz, levels, islands)
    embeddings: list[list[Floats]] = [[] for _ in encoders]
    for first in range(0, len(windows), BATCH):
        progress.report(first, len(windows))
        pieces = _pieces(dialogue, rate_hz, windows[first : first + BATCH])
        for rows, encoder in zip(embeddings, encoders, strict=True):
            rows.append(encoder.embed_windows(pieces, RATE_HZ))
    progress.report(len(windows), len(windows))
    empty = np.zeros((0, 1), np.float32)
    by_encoder = tuple(np.concatenate(rows) if rows else empty for rows in embeddings)
    return Heard(islands, windows, by_encoder, frames, frame_s)


def _blocks(dialogue: Floats) -> Iterator[Samples]:
    for start in range(0, len(dialogue), BLOCK_SAMPLES):
        yield np.asarray(dialogue[start : start + BLOCK_SAMPLES])


def _pieces(dialogue: Floats, rate_hz: int, windows: npt.NDArray[np.float64]) -> Floats:
    """(n, 25 600): the sound of each window at 16 kHz, a shorter one repeated until it fills the length."""
    pieces = []
    for start, end in windows:
        piece = to_16_khz(np.array(dialogue[round(start * rate_hz) : round(end * rate_hz)]), rate_hz)
        pieces.append(np.resize(piece, round(WINDOW_S * RATE_HZ)))
    return np.stack(pieces)


def _loud_cepstra(
    dialogue: Floats, rate_hz: int, levels: Floats, islands: npt.NDArray[np.float64]
) -> tuple[Floats, npt.NDArray[np.float64]]:
    """Cepstra of the louder three quarters of the speech, and the middles of their frames in seconds."""
    chunks = [
        (first, min(first + CHUNK_FRAMES, round(end * 100)))
        for start, end in islands
        for first in range(round(start * 100), round(end * 100), CHUNK_FRAMES)
    ]
    if not chunks:
        return np.zeros((0, 1), np.float32), np.zeros(0)
    in_speech = np.concatenate([levels[first:last] for first, last in chunks])
    least_db = float(np.percentile(in_speech, LOUDER_THAN_PERCENT))
    gain = np.float32(10 ** ((WORKING_LEVEL_DB - float(np.percentile(in_speech, 75))) / 20))
    found, times = [], []
    for first, last in chunks:
        sound = np.array(dialogue[first * rate_hz // 100 : last * rate_hz // 100]) * gain
        rows = cepstra(to_16_khz(sound, rate_hz))
        loud = np.flatnonzero(levels[first : first + len(rows)] >= least_db)
        found.append(rows[loud])
        times.append((first + loud + 0.5) / 100)
    return np.concatenate(found), np.concatenate(times)
