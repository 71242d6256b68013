"""Diarize: who speaks when, from the dialogue stem, once per source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dub import progress
from dub.diarization import find_stretches
from dub.errors import BadInput
from dub.heard_voices import WINDOW_S, Heard, windows_over
from dub.source import Stems
from dub.speech_activity import levels_db, speech_islands
from dub.stage import Desk, EngineChoice, stage
from dub.turns import Turns, joined_turns
from dub.wav import BLOCK_SAMPLES, Samples, open_wav
from engines import registry
from engines.speaker.contract import SpeakerEncoder
from engines.speaker.mel import cepstra, to_16_khz

FAR_ABOVE_SAME = 0.07
"""Added to the encoders' own thresholds, which are of 3 s against 3 s: means over more speech lie nearer."""
QUIET_BELOW_SPEECH_DB = 20.0
"""Where the bed is this much softer than speech, voices are heard in dialogue and bed together: separation takes some
of what tells them apart (measured: docs/diarization.md), and there is little else to keep out."""
SOFT_PERCENT = 25
"""The softest quarter of the frames of speech tells more of the room than of the voice."""
RATE_HZ = 16_000
WORKING_LEVEL_DB = -26.0
BATCH = 48
CHUNK_FRAMES = 3_000

Floats = npt.NDArray[np.float32]
Times = npt.NDArray[np.float64]


@stage(version=2, n_cpu=1)
def diarize(desk: Desk, stems: Stems, encoders: tuple[EngineChoice, ...], n_speakers: int | None = None) -> Turns:
    """The turns of every speaker: one at a time, where two speak at once the one who is heard better.

    `encoders`: speaker encoders whose opinions count alike. `n_speakers`: how many there are, where the user knows;
    exactly so many are found. Raises BadInput where the speech is too short for that many.
    """
    store = desk.open_store()
    hearing: list[SpeakerEncoder] = [registry.load("speaker", each.id, **each.options) for each in encoders]
    heard = hear(voices_of(store.path(stems.dialogue), store.path(stems.bed)), hearing)
    far = float(np.mean([encoder.same_speaker_threshold for encoder in hearing])) + FAR_ABOVE_SAME
    try:
        return joined_turns(find_stretches(heard, far, n_speakers))
    except ValueError as error:
        raise BadInput(f"--speakers {n_speakers}: {error}", mend="leave --speakers out, or give fewer") from error


@dataclass(frozen=True)
class Voices:
    """The sound that voices are told apart by, read piece by piece. `bed`: what is added to the dialogue again, None
    where it is more than the room that speech left in it. `levels`: of the dialogue, dBFS per hundredth of a second.
    `islands`: (n, 2) s, where speech sounds."""

    dialogue: Samples
    bed: Samples | None
    rate_hz: int
    levels: Floats
    islands: Times

    def piece(self, start_s: float, end_s: float) -> Floats:
        """Mono at 16 kHz."""
        first, last = round(start_s * self.rate_hz), round(end_s * self.rate_hz)
        sound = self.dialogue[:, first:last].mean(axis=0)
        if self.bed is not None:
            rest = self.bed[:, first:last].mean(axis=0)
            sound[: len(rest)] += rest
        return to_16_khz(sound, self.rate_hz)


def voices_of(dialogue: Path, bed: Path) -> Voices:
    """The sound of two stems, opened, and where speech is in it."""
    speech, rate_hz = open_wav(dialogue)
    rest, _ = open_wav(bed)
    levels = levels_db(_blocks(speech), rate_hz)
    spans = speech_islands(levels)
    islands = np.array([(float(span.start), float(span.end)) for span in spans], np.float64).reshape(-1, 2)
    is_quiet = _is_quiet(levels, levels_db(_blocks(rest), rate_hz), islands)
    return Voices(speech, rest if is_quiet else None, rate_hz, levels, islands)


def _is_quiet(levels: Floats, bed_levels: Floats, islands: Times) -> bool:
    """Whether the bed between the speech is 20 dB softer than the speech."""
    n_frames = min(len(levels), len(bed_levels))
    is_speech = np.zeros(n_frames, bool)
    for start, end in islands:
        is_speech[round(start * 100) : round(end * 100)] = True
    if not is_speech.any() or is_speech.all():
        return False
    speech, between = (
        float(10 * np.log10(np.mean(10 ** (each.astype(np.float64) / 10))))
        for each in (levels[:n_frames][is_speech], bed_levels[:n_frames][~is_speech])
    )
    return speech - between >= QUIET_BELOW_SPEECH_DB


def hear(voices: Voices, encoders: Sequence[SpeakerEncoder]) -> Heard:
    """Everything about a title's sound that tells its speakers apart; read in pieces of half a minute at most."""
    windows = windows_over(voices.islands)
    frames, frame_s = _loud_cepstra(voices)
    embeddings: list[list[Floats]] = [[] for _ in encoders]
    for first in range(0, len(windows), BATCH):
        progress.report(first, len(windows))
        pieces = [voices.piece(start, end) for start, end in windows[first : first + BATCH]]
        # a short piece is repeated until it fills the window
        sounds = np.stack([np.resize(piece, round(WINDOW_S * RATE_HZ)) for piece in pieces])
        for rows, encoder in zip(embeddings, encoders, strict=True):
            rows.append(encoder.embed_windows(sounds, RATE_HZ))
    progress.report(len(windows), len(windows))
    empty = np.zeros((0, 1), np.float32)
    by_encoder = tuple(np.concatenate(rows) if rows else empty for rows in embeddings)
    return Heard(voices.islands, windows, by_encoder, frames, frame_s)


def _blocks(sound: Samples) -> Iterator[Floats]:
    for start in range(0, sound.shape[1], BLOCK_SAMPLES):
        yield sound[:, start : start + BLOCK_SAMPLES].mean(axis=0)


def _loud_cepstra(voices: Voices) -> tuple[Floats, Times]:
    """Cepstra of the louder three quarters of the speech, and the middles of their frames in seconds."""
    chunks = [
        (first, min(first + CHUNK_FRAMES, round(end * 100)))
        for start, end in voices.islands
        for first in range(round(start * 100), round(end * 100), CHUNK_FRAMES)
    ]
    if not chunks:
        return np.zeros((0, 1), np.float32), np.zeros(0)
    in_speech = np.concatenate([voices.levels[first:last] for first, last in chunks])
    least_db = float(np.percentile(in_speech, SOFT_PERCENT))
    gain = np.float32(10 ** ((WORKING_LEVEL_DB - float(np.percentile(in_speech, 75))) / 20))
    found, times = [], []
    for first, last in chunks:
        rows = cepstra(voices.piece(first / 100, last / 100) * gain)
        loud = np.flatnonzero(voices.levels[first : first + len(rows)] >= least_db)
        found.append(rows[loud])
        times.append((first + loud + 0.5) / 100)
    return np.concatenate(found), np.concatenate(times)
