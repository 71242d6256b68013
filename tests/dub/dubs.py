"""A small dub that is right in every respect, for tests that plant one fault in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from dub.artifact import Artifact
from dub.check_mouth import MouthEvidence
from dub.script import (
    DubScript,
    Overrun,
    PhonemeSpan,
    PlacedTake,
    Timeline,
    TranslatedLine,
    Translation,
    Utterance,
    Word,
)
from dub.timecode import Span
from lang.bcp47 import Locale

RATE_HZ = 48_000
FRAME_RATE = Fraction(25)
DURATION_S = 8
N_FRAMES = DURATION_S * 25
NOTHING = Artifact(sha256="0" * 64, n_bytes=0, media_type="audio/wav")

SOURCE_TEXT = (
    "Good morning, my name is Ann.",
    "We sold 300 boxes.",
    "Come back on Monday, please.",
    "Bye bye to all of you.",
)
TARGET_TEXT = (
    "Bom dia, meu nome é Ana.",
    "Vendemos 300 caixas.",
    "Volte na segunda-feira, por favor.",
    "Até breve, tchau.",
)
STARTS_S = (0.5, 2.5, 4.5, 6.5)
LINE_S = 1.2


def script() -> DubScript:
    utterances = tuple(
        Utterance(id=f"u{number:04}", speaker="speaker 1", span=Span.of_seconds(start_s, start_s + LINE_S), text=text)
        for number, (start_s, text) in enumerate(zip(STARTS_S, SOURCE_TEXT, strict=True), 1)
    )
    return DubScript(source_locale=Locale("en"), duration=Fraction(DURATION_S), utterances=utterances)


def translation(texts: Sequence[str] = TARGET_TEXT, locale: str = "pt-BR") -> Translation:
    lines = tuple(TranslatedLine(utterance_id=f"u{n:04}", text=text) for n, text in enumerate(texts, 1))
    return Translation(locale=Locale(locale), route=("given",), lines=lines)


def placed(
    number: int, start_s: float, text: str, *, stretch_ratio: float = 1.0, seconds: float = LINE_S
) -> PlacedTake:
    """A take with an `m` at its start, an `a`, a `p` in its middle and another `a`."""
    edges = [start_s + seconds * share for share in (0.0, 0.1, 0.5, 0.6, 1.0)]
    phonemes = tuple(
        PhonemeSpan(ipa=ipa, start_sample=round(start * RATE_HZ), end_sample=round(end * RATE_HZ))
        for ipa, start, end in zip(("m", "a", "p", "a"), edges[:-1], edges[1:], strict=True)
    )
    slot_end = STARTS_S[number] if number < len(STARTS_S) else DURATION_S
    return PlacedTake(
        utterance_id=f"u{number:04}",
        speaker="speaker 1",
        text=text,
        slot=Span.of_seconds(STARTS_S[number - 1], slot_end),
        audio=NOTHING,
        start_sample=round(start_s * RATE_HZ),
        n_samples=round(seconds * RATE_HZ),
        stretch_ratio=stretch_ratio,
        speed=1.0,
        phonemes=phonemes,
    )


def timeline(takes: Sequence[PlacedTake] | None = None, overruns: tuple[Overrun, ...] = ()) -> Timeline:
    chosen = takes or [
        placed(number, start_s, text)
        for number, (start_s, text) in enumerate(zip(STARTS_S, TARGET_TEXT, strict=True), 1)
    ]
    return Timeline(locale=Locale("pt-BR"), placed=tuple(chosen), overruns=overruns, dialogue=NOTHING)


def dialogue(of: Timeline) -> np.ndarray:
    """Noise at -20 dBFS wherever a take is placed, digital silence elsewhere: float32 (n_samples,), 48 kHz."""
    samples = np.zeros(DURATION_S * RATE_HZ, np.float32)
    generator = np.random.default_rng(3)
    for take in of.placed:
        end = min(take.start_sample + take.n_samples, len(samples))
        samples[take.start_sample : end] = 0.1 * generator.standard_normal(end - take.start_sample)
    return samples


def heard(texts: Sequence[str] = TARGET_TEXT, late_s: float = 0.0) -> tuple[Word, ...]:
    """The words of each line, evenly spread over it."""
    words = []
    for start_s, text in zip(STARTS_S, texts, strict=True):
        pieces = text.split()
        for index, piece in enumerate(pieces):
            start = start_s + late_s + LINE_S * index / len(pieces)
            words.append(Word(text=f" {piece}", span=Span.of_seconds(start, start + LINE_S / len(pieces))))
    return tuple(words)


def evidence(of: Timeline) -> MouthEvidence:
    """A mouth that shuts two frames before every m and p, is open at 0.15 in vowels, and rests shut in pauses."""
    aperture = np.full(N_FRAMES, 0.005, np.float32)
    rendered = np.zeros(N_FRAMES, bool)
    for take in of.placed:
        first, last = (round(at / RATE_HZ * 25) for at in (take.start_sample, take.start_sample + take.n_samples))
        aperture[first + 2 : last] = 0.15
        rendered[first : last + 1] = True
        for phoneme in take.phonemes:
            if phoneme.ipa in "mp":
                onset = round(phoneme.start_sample / RATE_HZ * 25)
                aperture[onset - 1 : onset + 1] = 0.004
    return MouthEvidence(
        frame_rate=FRAME_RATE,
        source_aperture=np.where(rendered, 0.1, 0.01).astype(np.float32),
        dub_aperture=aperture,
        aimed_aperture=np.where(rendered, aperture, np.nan).astype(np.float32),
        is_frontal=np.ones(N_FRAMES, bool),
        is_rendered=rendered,
        reason_counts={"rendered": int(rendered.sum()), "kept: nobody speaks": int((~rendered).sum())},
        source_sharpness=np.full(N_FRAMES, 80, np.float32),
        dub_sharpness=np.full(N_FRAMES, 76, np.float32),
        flicker_ratio=1.1,
    )


def changed(of: MouthEvidence, **arrays: object) -> MouthEvidence:
    return replace(of, **arrays)  # type: ignore[arg-type]
