"""A stored source, its stems and its takes, for the tests of the sound stages."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from dub.artifact import Artifact
from dub.levels import SILENCE_DB
from dub.script import DubScript, PhonemeSpan, Take, Takes, Utterance
from dub.source import Source, Stems, VideoFacts
from dub.stage import Desk, EngineChoice
from dub.timecode import Span
from dub.wav import WAV, Samples, open_wav, write_wav
from engines import registry
from engines.spec import Family
from lang.bcp47 import Locale


def choice(family: Family, engine_id: str) -> EngineChoice:
    return EngineChoice(family=family, id=engine_id, fingerprint=registry.spec(family, engine_id).fingerprint())


def stored(desk: Desk, sound: Samples, rate_hz: int = 48_000) -> Artifact:
    store = desk.open_store()
    with store.scratch() as folder:
        write_wav(folder / "a.wav", sound, rate_hz)
        return store.put(folder / "a.wav", WAV)


def heard(desk: Desk, artifact: Artifact) -> Samples:
    return np.array(open_wav(desk.open_store().path(artifact))[0])


def source_of(desk: Desk, programme: Samples, n_channels: int = 2) -> Source:
    """A source at 25 fps whose picture no sound stage looks at. `programme`: float32 (2, n)."""
    n_frames = programme.shape[1] // 1920
    assert n_frames * 1920 == programme.shape[1]
    return Source(
        title="a title",
        original=desk.open_store().put_bytes(b"a picture", "video/mp4"),
        video=VideoFacts(width_px=64, height_px=48, frame_rate=Fraction(25), n_frames=n_frames),
        programme=stored(desk, programme),
        n_source_channels=n_channels,
        mean_level_db=SILENCE_DB,
    )


def stems_of(desk: Desk, dialogue: Samples, bed: Samples) -> Stems:
    return Stems(dialogue=stored(desk, dialogue), bed=stored(desk, bed))


def script_of(lines: Sequence[tuple[str, float, float]], duration_s: float) -> DubScript:
    """Lines as (speaker, start in s, end in s)."""
    return DubScript(
        source_locale=Locale("en"),
        duration=Fraction(duration_s),
        utterances=tuple(
            Utterance(id=f"u{number:04}", speaker=speaker, span=Span.of_seconds(start, end), text="words")
            for number, (speaker, start, end) in enumerate(lines, 1)
        ),
    )


def takes_of(desk: Desk, sounds: Sequence[Samples], rate_hz: int = 24_000) -> Takes:
    """One take a line, with a phoneme over each half of it."""
    takes = []
    for number, sound in enumerate(sounds, 1):
        half, n_samples = sound.shape[1] // 2, sound.shape[1]
        takes.append(
            Take(
                utterance_id=f"u{number:04}",
                text="palavras",
                audio=stored(desk, sound, rate_hz),
                rate_hz=rate_hz,
                n_samples=n_samples,
                speed=1.0,
                phonemes=(
                    PhonemeSpan(ipa="a", start_sample=0, end_sample=half),
                    PhonemeSpan(ipa="o", start_sample=half, end_sample=n_samples),
                ),
            )
        )
    return Takes(locale=Locale("pt-BR"), voice_engine="tone", takes=tuple(takes))


def stored_file(desk: Desk, path: Path, media_type: str = "video/mp4") -> Artifact:
    return desk.open_store().put_copy(path, media_type)
