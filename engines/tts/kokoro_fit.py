"""Fit a Kokoro voice to a speaker: a map learnt on a bank of voices proposes, synthesis and listening decide.

The nearest stock voice is among the candidates and may win. Search over voices by synthesis alone (CMA-ES) was
measured hopeless on a CPU: seconds per trial, and it overfits its test phrase.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from engines.tts.contract import Speech
from engines.tts.kokoro_graph import RATE_HZ
from engines.tts.kokoro_map import refine, solve
from engines.tts.kokoro_style import KokoroStyle
from engines.tts.kokoro_voices import BANK_FILE, Floats, Pack, StockVoices, VoiceBank
from engines.tts.speaker_match import Speaker, in_words, sentences
from engines.tts.voice_fitting import FittedVoice, Hear, Samples
from lang.bcp47 import Locale

N_NEIGHBOURS = 3


ENGLISH = Locale("en")


class Say(Protocol):
    """`Kokoro.say`: speech in a pack's voice, with no polish."""

    def __call__(self, text: str, locale: Locale, pack: Pack, speed: float = 1.0) -> Speech: ...


@dataclass(frozen=True)
class Candidate:
    """A voice to try. `made_of`: in words; `z` (40,): where it is in the space of voices."""

    made_of: str
    pack: Pack
    z: Floats


class Audition:
    """Candidates, what each has said so far, and how like the speaker that is."""

    def __init__(self, say: Say, speaker: Speaker, texts: list[str]) -> None:
        self._say, self._speaker, self._texts = say, speaker, texts
        self.candidates: list[Candidate] = []
        self.takes: list[list[Samples]] = []
        self._embeddings: list[list[npt.NDArray[np.float32]]] = []

    def add(self, candidates: list[Candidate]) -> None:
        """They say the first sentence."""
        first = len(self.candidates)
        self.candidates += candidates
        self.takes += [[] for _ in candidates]
        self._embeddings += [[] for _ in candidates]
        self._hear(range(first, len(self.candidates)), self._texts[0])

    def hear_out(self, n_best: int) -> None:
        """The best so far say the rest too: the others are rarely near."""
        chosen = [i for i in self.ranked()[:n_best] if len(self.takes[i]) == 1]
        for text in self._texts[1:]:
            self._hear(chosen, text)

    def _hear(self, chosen: Sequence[int], text: str) -> None:
        takes = takes_of(self._say, [(text, self.candidates[i].pack) for i in chosen])
        for i, take in zip(chosen, takes, strict=True):
            self.takes[i].append(take)
            self._embeddings[i].append(self._speaker.hear(take, RATE_HZ))

    def ranked(self) -> list[int]:
        """Indices of the candidates, most like the speaker first."""
        likeness = [float(np.mean(heard @ self._speaker.embedding)) for heard in map(np.array, self._embeddings)]
        return [int(i) for i in np.argsort(-np.array(likeness), kind="stable")]

    def best(self) -> int:
        """The best of those who said everything."""
        return next(i for i in self.ranked() if len(self.takes[i]) == len(self._texts))

    def heard(self) -> tuple[Floats, Floats]:
        """z (n, 40) and unit-length embeddings (n, d) of the candidates' speech, most like the speaker first."""
        order = self.ranked()
        embeddings = np.array([np.mean(self._embeddings[i], axis=0) for i in order], dtype=np.float64)
        embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
        return np.array([self.candidates[i].z for i in order]), embeddings


def fit_voice(say: Say, voices: StockVoices, reference: Samples, rate_hz: int, hear: Hear) -> FittedVoice:
    """See `VoiceFitter.fit_voice`. About 20 syntheses of 3 s."""
    speaker = Speaker(reference, rate_hz, hear)
    bank = VoiceBank.read(BANK_FILE)
    trial, score = sentences()["en"][:2], sentences()["en"][2:]

    audition = Audition(say, speaker, trial)
    audition.add(proposals(bank, voices, speaker.embedding))
    audition.hear_out(n_best=4)
    corrected = refine(bank, *audition.heard(), speaker.embedding)
    audition.add([Candidate(f"fitted, corrected {n}", voices.space.pack_of(z), z) for n, z in enumerate(corrected, 1)])
    audition.hear_out(n_best=4)
    best = audition.best()
    winner, takes = audition.candidates[best], audition.takes[best]
    polish = speaker.best_polish(takes)
    nearest = audition.candidates[0]
    scored = [polish.apply(take) for take in takes_of(say, [(text, winner.pack) for text in score])]
    scored_nearest = takes_of(say, [(text, nearest.pack) for text in score])
    style = KokoroStyle(winner.pack, winner.made_of, polish, speaker.embedding, speaker.curve, speaker.pitch)
    stock = bank.mean_embeddings[: len(voices.names)]
    return FittedVoice(
        style=style.to_bytes(),
        made_of=f"{winner.made_of}; {in_words(polish)}",
        similarity=speaker.likeness(scored),
        nearest_similarity=speaker.likeness(scored_nearest),
        others_similarity=float((stock @ speaker.embedding).mean()),
        samples=np.concatenate(scored),
        rate_hz=RATE_HZ,
    )


def proposals(bank: VoiceBank, voices: StockVoices, target: npt.NDArray[np.floating]) -> list[Candidate]:
    """The nearest stock voice first, then near voices of the bank, then the solved ones."""
    by_likeness = np.argsort(-(bank.mean_embeddings @ target))
    nearest_stock = next(i for i in by_likeness if i < len(voices.names))
    near = [nearest_stock, *[i for i in by_likeness[: N_NEIGHBOURS + 1] if i != nearest_stock][:N_NEIGHBOURS]]
    found = []
    for i in near:
        if i < len(voices.names):
            found.append(Candidate(f"stock voice {voices.names[i]}", voices.packs[i], bank.z[i]))
        else:
            made_of = f"mix {i - len(voices.names)} of the bank"
            found.append(Candidate(made_of, voices.space.pack_of(bank.z[i]), bank.z[i]))
    solved = solve(bank, target)
    return found + [Candidate(f"fitted, solution {n}", voices.space.pack_of(z), z) for n, z in enumerate(solved, 1)]


def takes_of(say: Say, wanted: list[tuple[str, Pack]], locale: Locale = ENGLISH) -> list[Samples]:
    """Every text in its pack's voice, in order; two at a time."""
    with ThreadPoolExecutor(max_workers=2) as two:
        return list(two.map(lambda each: say(each[0], locale, each[1]).samples, wanted))
