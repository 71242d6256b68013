"""The intelligibility guard: a voice that was fitted to a speaker in one language must be understood in
another.

A fitted English pack speaks French or German badly (26-46 % of words misheard). So every locale takes its
prosody from one of its own voices, and as much of that voice's timbre as it needs to be understood, no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from dub.word_error import aligned, characters_wrong, comparable_words
from engines.tts.kokoro_fit import Say, takes_of
from engines.tts.kokoro_graph import RATE_HZ
from engines.tts.kokoro_locales import KokoroLocale, kokoro_locale
from engines.tts.kokoro_style import KokoroStyle
from engines.tts.kokoro_voices import BANK_FILE, Pack, StockVoices, VoiceBank, blend_for_locale
from engines.tts.speaker_match import POLISH_GAIN, in_words, sentences
from engines.tts.voice_fitting import Hear, LocaleVoice, Samples, Understand
from engines.tts.voice_polish import PitchMap, Polish, matching_curve, mean_log_envelope, pitch_of
from lang.bcp47 import Locale

SHARES = (0.0, 0.25, 0.5, 1.0)
MORE_ERRORS_THAN_NATIVE = 0.05
"""Characters misheard, as a share, that a voice may have beyond the native voice's own."""

LEGIBLE = 0.3
"""Above this the recogniser does not write the language as we do (Hindi in another script): what it hears
from the native voice is then what the others are compared with."""


def fit_locale(
    say: Say, voices: StockVoices, style: KokoroStyle, locale: Locale, hear: Hear, understand: Understand
) -> LocaleVoice:
    """See `VoiceFitter.fit_locale`. The smallest share of native timbre that is understood in its nearest
    polish wins; where it is only in a lesser one, the next share is heard too and the nearer of both wins. The
    native voice itself, unpolished, where nothing is understood."""
    how = kokoro_locale(locale)
    texts = sentences()[locale.language][:2]
    native_name = _native_voice(voices, how, style)
    native = voices.pack(native_name)

    def spoken_by(pack: Pack) -> list[Samples]:
        return takes_of(say, [(text, pack) for text in texts], locale)

    def misheard(takes: list[Samples], expected: str) -> float:
        pause = np.zeros(round(0.6 * RATE_HZ), np.float32)
        heard = understand(np.concatenate([takes[0], pause, takes[1]]), RATE_HZ, locale)
        words = aligned(comparable_words(expected), comparable_words(heard))
        return characters_wrong(words).rate or 0.0

    def likeness(takes: list[Samples]) -> float:
        return float(np.mean([hear(take, RATE_HZ) @ style.reference_embedding for take in takes]))

    native_takes = spoken_by(native)
    expected = " ".join(texts)
    native_error = misheard(native_takes, expected)
    if native_error > LEGIBLE:
        expected = understand(np.concatenate(native_takes), RATE_HZ, locale) or expected
    limit = (native_error if native_error <= LEGIBLE else 0.0) + MORE_ERRORS_THAN_NATIVE

    tries = [(share, blend_for_locale(style.pack, native, share)) for share in SHARES]
    if how.voices[0].startswith("a"):
        # Voices are fitted in English: there the fitted prosody is tried first.
        tries.insert(0, (0.0, style.pack))

    def tried(share: float, pack: Pack) -> Iterator[Try]:
        takes = native_takes if share == 1.0 else spoken_by(pack)
        for polish in _polishes(style, takes, likeness):
            polished = [polish.apply(take) for take in takes]
            yield Try(share, pack, polish, misheard(polished, expected), likeness(polished))

    chosen = nearest_understood((tried(share, pack) for share, pack in tries), limit)
    return LocaleVoice(
        style=replace(style, pack=chosen.pack, polish=chosen.polish).to_bytes(),
        made_of=f"{style.base}, {chosen.share:.0%} {native_name}; {in_words(chosen.polish)}",
        share_of_native=chosen.share,
        similarity=chosen.similarity,
        error_rate=chosen.error_rate,
        native_error_rate=native_error,
    )


@dataclass(frozen=True)
class Try:
    """A share of native timbre with a polish, how much of it was misheard and how like the speaker it is."""

    share: float
    pack: Pack
    polish: Polish
    error_rate: float
    similarity: float


def nearest_understood(shares: Iterable[Iterable[Try]], limit: float) -> Try:
    """Of every share its tries, the nearest polish first; nothing is tried that need not be.

    The first share that is understood in its nearest polish wins. One that is understood in a lesser polish only lets
    the next share compete. Nothing understood: the last try.
    """
    understood: list[Try] = []
    for tries in shares:
        goes_on = not understood
        for place, last in enumerate(tries):
            if last.error_rate <= limit:
                understood.append(last)
                goes_on = goes_on and place > 0
                break
        if not goes_on:
            break
    return max(understood, key=lambda each: each.similarity, default=last)


def _native_voice(voices: StockVoices, how: KokoroLocale, style: KokoroStyle) -> str:
    """The locale's voice that sounds most like the speaker."""
    bank = VoiceBank.read(BANK_FILE)
    return max(
        how.voices,
        key=lambda name: float(bank.mean_embeddings[bank.names.index(name)] @ style.reference_embedding),
    )


def _polishes(style: KokoroStyle, takes: list[Samples], likeness: Callable[[list[Samples]], float]) -> list[Polish]:
    """What brings this locale's voice nearer to the speaker, measured on what it says, the nearest first; then nothing,
    which may be easier to understand. Pitch is moved only where that won when the voice was fitted.

    Half the spectrum is often understood where all of it is not: in one voice of four in Portuguese, where it kept 0.07
    of the cosine that going without would have lost.
    """
    nothing = Polish(None, None)
    joined = np.concatenate(takes)
    source = pitch_of(joined)
    if not (source[0] and style.reference_pitch[0] and style.reference_curve.any()):
        return [nothing]
    pitch = PitchMap.between(source, style.reference_pitch) if style.polish.pitch is not None else None
    curve = matching_curve(style.reference_curve, mean_log_envelope(joined))
    plain = likeness(takes)
    gains = [
        (likeness([way.apply(take) for take in takes]) - plain, way)
        for way in (Polish(pitch, curve), Polish(pitch, curve, 0.5))
    ]
    gains.sort(key=lambda each: -each[0])
    return [*(way for gain, way in gains if gain > POLISH_GAIN), nothing]
