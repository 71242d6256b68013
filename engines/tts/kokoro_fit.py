"""Fit a Kokoro voice to a speaker: a map from voice space to speaker embedding, learnt once on a bank of
rendered voices, is solved for the embedding of the speaker's recording; what it proposes is synthesised and
listened to.

The map is a ridge regression from the first 24 coordinates of a voice to the unit-length embedding that the
speaker encoder gives its speech. Search over voices by synthesis alone (CMA-ES) was measured hopeless on a
CPU: seconds per trial, and it overfits its test phrase.
"""

from __future__ import annotations

import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from engines.tts.contract import Speech
from engines.tts.kokoro_graph import RATE_HZ
from engines.tts.kokoro_style import KokoroStyle
from engines.tts.kokoro_voices import BANK_FILE, Floats, Pack, StockVoices, VoiceBank
from engines.tts.voice_fitting import FittedVoice, Hear, Samples
from engines.tts.voice_polish import (
    PitchMap,
    Polish,
    matching_curve,
    mean_log_envelope,
    pitch_of,
)
from lang.bcp47 import Locale

N_REFERENCE_S = 25
N_FITTED_COORDINATES = 24
RIDGE = 3.0
N_STARTS, N_STEPS, N_SOLUTIONS, N_NEIGHBOURS = 6, 400, 4, 3
STEP, BOX, BOX_PULL, START_PULL = 3.0, 1.2, 0.008, 0.004


ENGLISH = Locale("en")


@lru_cache(maxsize=1)
def sentences() -> dict[str, list[str]]:
    """Per language: short sentences to try voices on."""
    table: dict[str, list[str]] = tomllib.loads((Path(__file__).parent / "data" / "sentences.toml").read_text("utf-8"))
    return table


class Speaker:
    """What is known of the person: embedding, pitch and mean spectrum of up to 25 s of speech."""

    def __init__(self, reference: Samples, rate_hz: int, hear: Hear) -> None:
        import soxr

        self.samples = np.asarray(
            soxr.resample(reference[: N_REFERENCE_S * rate_hz], rate_hz, RATE_HZ), dtype=np.float32
        )
        self.hear = hear
        self.embedding = hear(self.samples, RATE_HZ)
        self.pitch = pitch_of(self.samples)
        self.curve = mean_log_envelope(self.samples)

    def likeness(self, takes: list[Samples]) -> float:
        """Mean cosine of the takes to the speaker."""
        return float(np.mean([self.hear(take, RATE_HZ) @ self.embedding for take in takes]))

    def polishes(self, takes: list[Samples]) -> list[Polish]:
        """Ways to bring a voice that sounds like `takes` nearer: nothing, pitch, pitch and spectrum."""
        ways = [Polish(None, None)]
        joined = np.concatenate(takes)
        source_pitch = pitch_of(joined)
        if not (self.pitch[0] and source_pitch[0]):
            return ways
        pitch = PitchMap.between(source_pitch, self.pitch)
        curve = matching_curve(self.curve, mean_log_envelope(joined))
        return [*ways, Polish(pitch, None), Polish(pitch, curve)]


class Say(Protocol):
    """`Kokoro.say`: speech in a pack's voice, with no polish."""

    def __call__(self, text: str, locale: Locale, pack: Pack, speed: float = 1.0) -> Speech: ...


@dataclass(frozen=True)
class Candidate:
    """`made_of`: in words."""

    made_of: str
    pack: Pack


def voice_map(bank: VoiceBank) -> tuple[Floats, Floats]:
    """slope (24, 256) and offset (256,): a voice's first coordinates to the embedding of its speech."""
    k = N_FITTED_COORDINATES
    inputs = np.column_stack([bank.z[:, :k], np.ones(len(bank.z))])
    weights = np.linalg.solve(inputs.T @ inputs + RIDGE * np.eye(k + 1), inputs.T @ bank.mean_embeddings)
    return weights[:k], weights[k]


def solve(bank: VoiceBank, target: npt.NDArray[np.floating]) -> list[Floats]:
    """Up to 4 voices z (40,) whose predicted embedding is nearest to `target`, best first.

    From each of the 6 nearest voices of the bank, gradient ascent on the predicted cosine, kept near the
    start and inside the space that the bank covers (|z| up to about 1.2).
    """
    k = N_FITTED_COORDINATES
    slope, offset = voice_map(bank)
    found: list[tuple[float, Floats]] = []
    for start in np.argsort(-(bank.mean_embeddings @ target))[:N_STARTS]:
        z = bank.z[start].copy()
        at = z[:k].copy()
        for _ in range(N_STEPS):
            predicted = at @ slope + offset
            length = np.linalg.norm(predicted)
            cosine = predicted @ target / length
            gradient = slope @ ((target - cosine * predicted / length) / length)
            at = at + STEP * gradient
            at = at - BOX_PULL * np.maximum(0, np.abs(at) - BOX) * np.sign(at) - START_PULL * (at - bank.z[start, :k])
        predicted = at @ slope + offset
        z[:k] = at
        found.append((float(predicted @ target / np.linalg.norm(predicted)), z))
    found.sort(key=lambda pair: -pair[0])
    return [z for _, z in found[:N_SOLUTIONS]]


def candidates(bank: VoiceBank, voices: StockVoices, target: npt.NDArray[np.floating]) -> list[Candidate]:
    """The nearest stock voice first, then near voices of the bank, then the solved ones."""
    by_likeness = np.argsort(-(bank.mean_embeddings @ target))
    nearest_stock = next(i for i in by_likeness if i < len(voices.names))
    neighbours = [i for i in by_likeness[: N_NEIGHBOURS + 1] if i != nearest_stock][:N_NEIGHBOURS]
    name = voices.names[nearest_stock]
    found = [Candidate(f"stock voice {name}", voices.pack(name))]
    for i in neighbours:
        if i < len(voices.names):
            found.append(Candidate(f"stock voice {voices.names[i]}", voices.pack(voices.names[i])))
        else:
            found.append(Candidate(f"mix {i - len(voices.names)} of the bank", voices.space.pack_of(bank.z[i])))
    solved = solve(bank, target)
    return found + [Candidate(f"fitted, solution {n}", voices.space.pack_of(z)) for n, z in enumerate(solved, 1)]


def fit_voice(say: Say, voices: StockVoices, reference: Samples, rate_hz: int, hear: Hear) -> FittedVoice:
    """See `VoiceFitter.fit_voice`. About 16 syntheses of 3 s."""
    speaker = Speaker(reference, rate_hz, hear)
    bank = VoiceBank.read(BANK_FILE)
    trial, score = sentences()["en"][:2], sentences()["en"][2:]

    tried = candidates(bank, voices, speaker.embedding)
    # All speak the first sentence, the better half the second: the worse half is rarely near.
    first = takes_of(say, [(trial[0], candidate.pack) for candidate in tried])
    better = sorted(range(len(tried)), key=lambda i: -speaker.likeness([first[i]]))[: (len(tried) + 1) // 2]
    second = takes_of(say, [(trial[1], tried[i].pack) for i in better])
    takes = {i: [first[i], take] for i, take in zip(better, second, strict=True)}
    best = max(takes, key=lambda i: speaker.likeness(takes[i]))
    polish = max(
        speaker.polishes(takes[best]),
        key=lambda way: speaker.likeness([way.apply(take) for take in takes[best]]),
    )
    winner, nearest = tried[best], tried[0]
    scored = [polish.apply(take) for take in takes_of(say, [(text, winner.pack) for text in score])]
    style = KokoroStyle(winner.pack, winner.made_of, polish, speaker.embedding, speaker.curve, speaker.pitch)
    stock = bank.mean_embeddings[: len(voices.names)]
    return FittedVoice(
        style=style.to_bytes(),
        made_of=f"{winner.made_of}; {in_words(polish)}",
        similarity=speaker.likeness(scored),
        nearest_similarity=speaker.likeness(
            scored if best == 0 else takes_of(say, [(text, nearest.pack) for text in score])
        ),
        others_similarity=float((stock @ speaker.embedding).mean()),
        samples=np.concatenate(scored),
        rate_hz=RATE_HZ,
    )


def takes_of(say: Say, wanted: list[tuple[str, Pack]], locale: Locale = ENGLISH) -> list[Samples]:
    """Every text in its pack's voice, in order; two at a time."""
    with ThreadPoolExecutor(max_workers=2) as two:
        return list(two.map(lambda each: say(each[0], locale, each[1]).samples, wanted))


def in_words(polish: Polish) -> str:
    """What the polish changes."""
    if polish.curve is not None:
        return "pitch and spectrum matched"
    return "pitch matched" if polish.pitch is not None else "no polish"
