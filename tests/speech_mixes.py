"""Conversations put together from clips of one speaker each, with the truth about who speaks when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from dub import media
from dub.diarization_error import Said
from dub.speech_activity import levels_db, speech_islands
from dub.wav import Samples

RATE_HZ = 48_000
SHORTEST_TURN_S, LONGEST_TURN_S = 1.5, 8.0
PAUSES_S = (0.1, 0.6)

VOICES = {
    "german": ("speech/de_9s.wav",),
    "french": ("speech/fr_7s.wav",),
    "russian": ("speech/ru_6s.wav",),
    "japanese": ("speech/ja_9s.wav",),
    "chinese": ("speech/zh_8s.wav",),
    "jfk": ("speech/en_jfk_11s.flac",),
    "lj": ("speech/en_lj001_0001.wav", "speech/en_lj001_0014.wav"),
    "portrait": ("video/english_portrait_20s.mp4",),
    "woman": ("video/russian_portrait_10s.mp4",),
    "broadcast": ("speech/en_broadcast_60s.wav",),
}
"""Ten people and the clips each of them speaks in."""


def voice(folder: Path, name: str) -> Samples:
    """One person's clips, one after the other, mono at 48 kHz."""
    return np.concatenate([media.read_audio(folder / path, RATE_HZ, 1) for path in VOICES[name]], axis=1)


def conversation(voices: Mapping[str, Samples], seed: int, longest_s: float = 60.0) -> tuple[Samples, list[Said]]:
    """Turns of 1.5 to 8 s in random order, each person's speech used once and in its own order, pauses of 0.1 to 0.6 s
    between turns; everybody equally loud. Returns mono at 48 kHz, and who speaks when (the clips' own pauses left out).
    """
    random = np.random.default_rng(seed)
    heard = {name: _levelled(sound) for name, sound in voices.items()}
    islands = {name: _islands(sound) for name, sound in heard.items()}
    left = {name: islands[name][0][0] for name in heard}
    pieces: list[Samples] = []
    said: list[Said] = []
    now, last = 0.0, ""
    while now < longest_s:
        able = [name for name in heard if name != last and islands[name][-1][1] - left[name] > 0.8]
        if not able:
            break
        last = able[int(random.integers(len(able)))]
        start, rest = left[last], islands[last][-1][1] - left[last]
        length = min(float(random.uniform(SHORTEST_TURN_S, LONGEST_TURN_S)), rest)
        length = rest if rest - length < SHORTEST_TURN_S else length
        said += _said(last, islands[last], start, start + length, now - start)
        left[last] = start + length
        pause = float(random.uniform(*PAUSES_S))
        pieces += [_cut(heard[last], start, start + length), np.zeros((1, round(pause * RATE_HZ)), np.float32)]
        now = sum(piece.shape[1] for piece in pieces) / RATE_HZ
    return np.concatenate(pieces, axis=1), said


def truth_of(name: str, sound: Samples) -> list[Said]:
    """One person's speech, where its energy says that it sounds."""
    return [(name, start, end) for start, end in _islands(sound)]


def _said(name: str, islands: Sequence[tuple[float, float]], start: float, end: float, shift: float) -> list[Said]:
    inside = [(max(first, start), min(last, end)) for first, last in islands]
    return [(name, first + shift, last + shift) for first, last in inside if last - first > 0.05]


def _cut(sound: Samples, start: float, end: float) -> Samples:
    """A piece with ramps of 10 ms."""
    piece = sound[:, round(start * RATE_HZ) : round(end * RATE_HZ)].copy()
    ramp = np.linspace(0, 1, RATE_HZ // 100, dtype=np.float32)
    piece[:, : len(ramp)] *= ramp
    piece[:, -len(ramp) :] *= ramp[::-1]
    return piece


def _islands(sound: Samples) -> list[tuple[float, float]]:
    return [(float(span.start), float(span.end)) for span in speech_islands(levels_db([sound[0]], RATE_HZ))]


def _levelled(sound: Samples) -> Samples:
    """RMS 0.05 over its speech."""
    speech = np.concatenate([sound[0, round(a * RATE_HZ) : round(b * RATE_HZ)] for a, b in _islands(sound)])
    return np.asarray(sound * np.float32(0.05 / np.sqrt(np.mean(speech.astype(np.float64) ** 2))))
