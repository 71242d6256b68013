"""A line in phrases: where the source pauses inside it, the dub does too."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from dub.levels import active_db, gain_of_db, power_curve
from dub.prosody import InnerPause, LineProsody, breaks_in
from dub.script import PhonemeSpan, Take, TakePause
from dub.store import Store
from dub.wav import WAV, Samples, open_wav, write_wav
from lang.bcp47 import Locale
from lang.questions import is_question, is_tonal

KEPT_SILENCE_S = 0.06
"""What engines leave of silence at both ends of a phrase, as a rule (they trim to 0.04 s of very soft sound)."""

MOST_PHRASE_DB = 4.0
"""How far one phrase may be moved against the rest of its line."""

_LEAST_PHRASE_S = 0.4
"""The level of a shorter phrase says which vowel it has, not how it is stressed."""


@dataclass(frozen=True)
class SpokenPhrase:
    """What is said in one breath. `pause`: the source's pause before it, None for the first. `level_db`: the level of
    the source's own phrase. `rises`: it asks, in a language in which an end may rise."""

    text: str
    pause: InnerPause | None
    level_db: float | None
    rises: bool


def phrases_of(text: str, source: LineProsody, locale: Locale) -> list[SpokenPhrase]:
    """A wording cut where the source pauses, as far as it has a place for the pause; a phrase without a letter or a
    digit stays with the one before it."""
    breaks = [
        (index, number)
        for number, index in enumerate(breaks_in(text, source.pauses))
        if index is not None and _says_something(text[:index]) and _says_something(text[index:])
    ]
    edges = [(0, -1), *breaks, (len(text), len(source.pauses))]
    phrases = []
    for (start, number), (end, until) in pairwise(edges):
        said = text[start:end].strip()
        is_last = end == len(text)
        phrases.append(
            SpokenPhrase(
                text=said,
                pause=source.pauses[number] if number >= 0 else None,
                level_db=_mean_db(source.phrases_db[number + 1 : until + 1]),
                rises=not is_tonal(locale) and (is_question(said) or (is_last and source.asks)),
            )
        )
    return phrases


def joined(store: Store, text: str, phrases: list[SpokenPhrase], said: list[Take]) -> Take:
    """The takes of a line's phrases as one take, with the source's pauses between them."""
    first = said[0]
    if len(said) == 1:
        return first.model_copy(update={"text": text})
    sounds = [np.array(open_wav(store.path(take.audio))[0]) for take in said]
    gains_db = _phrase_gains_db(phrases, sounds, first.rate_hz)
    pieces: list[Samples] = []
    phonemes: list[PhonemeSpan] = []
    pauses: list[TakePause] = []
    at = 0
    for phrase, take, sound, gain_db in zip(phrases, said, sounds, gains_db, strict=True):
        if phrase.pause is not None:
            n_silent = max(0, round((float(phrase.pause.span.duration) - KEPT_SILENCE_S) * first.rate_hz))
            pauses.append(TakePause(start_sample=at, end_sample=at + n_silent, source=phrase.pause.span))
            pieces.append(np.zeros((1, n_silent), np.float32))
            at += n_silent
        pieces.append(sound * np.float32(gain_of_db(gain_db)))
        phonemes += [
            PhonemeSpan(ipa=each.ipa, start_sample=each.start_sample + at, end_sample=each.end_sample + at)
            for each in take.phonemes
        ]
        at += take.n_samples
    with store.scratch() as folder:
        write_wav(folder / "take.wav", np.concatenate(pieces, axis=1), first.rate_hz)
        audio = store.put(folder / "take.wav", WAV)
    return first.model_copy(
        update={
            "text": text,
            "audio": audio,
            "n_samples": at,
            "phonemes": tuple(phonemes),
            "pauses": tuple(pauses),
        }
    )


def _phrase_gains_db(phrases: list[SpokenPhrase], sounds: list[Samples], rate_hz: int) -> list[float]:
    """What gives each phrase the level against its line that the source's has; the line's own level is `mix`'s. A
    phrase too short to have a level stays as the voice said it."""
    own = [active_db(power_curve(sound)) for sound in sounds]
    lacking = [
        None
        if phrase.level_db is None or level is None or sound.shape[1] < _LEAST_PHRASE_S * rate_hz
        else phrase.level_db - level
        for phrase, level, sound in zip(phrases, own, sounds, strict=True)
    ]
    known = [each for each in lacking if each is not None]
    middle = float(np.mean(known)) if known else 0.0
    return [0.0 if each is None else float(np.clip(each - middle, -MOST_PHRASE_DB, MOST_PHRASE_DB)) for each in lacking]


def _mean_db(levels: tuple[float | None, ...]) -> float | None:
    """Of the phrases between two pauses that are kept, as powers."""
    powers = [10 ** (level / 10) for level in levels if level is not None]
    return float(10 * np.log10(np.mean(powers))) if powers else None


def _says_something(text: str) -> bool:
    return any(character.isalnum() for character in text)
