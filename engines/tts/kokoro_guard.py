"""The intelligibility guard: a voice that was fitted to a speaker in one language must be understood in
another.

A fitted English pack speaks French or German badly (26-46 % of words misheard). So every locale takes its
prosody from one of its own voices, and as much of that voice's timbre as it needs to be understood, no more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

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
    """See `VoiceFitter.fit_locale`. The smallest share of native timbre under the error limit wins; the
    native voice itself, matched in pitch where that is still understood, where none is."""
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
    for share, pack in tries:
        takes = native_takes if share == 1.0 else spoken_by(pack)
        for polish in _polishes(style, takes, likeness):
            polished = [polish.apply(take) for take in takes]
            error = misheard(polished, expected)
            if error <= limit:
                break
        if error <= limit or share == 1.0:
            break
    return LocaleVoice(
        style=replace(style, pack=pack, polish=polish).to_bytes(),
        made_of=f"{style.base}, {share:.0%} {native_name}; {in_words(polish)}",
        share_of_native=share,
        similarity=likeness(polished),
        error_rate=error,
        native_error_rate=native_error,
    )


def _native_voice(voices: StockVoices, how: KokoroLocale, style: KokoroStyle) -> str:
    """The locale's voice that sounds most like the speaker."""
    bank = VoiceBank.read(BANK_FILE)
    return max(
        how.voices,
        key=lambda name: float(bank.mean_embeddings[bank.names.index(name)] @ style.reference_embedding),
    )


def _polishes(style: KokoroStyle, takes: list[Samples], likeness: Callable[[list[Samples]], float]) -> list[Polish]:
    """What brings this locale's voice nearest to the speaker, measured on what it says; then nothing, which may be
    easier to understand. Pitch is moved only where that won when the voice was fitted."""
    nothing = Polish(None, None)
    joined = np.concatenate(takes)
    source = pitch_of(joined)
    if not (source[0] and style.reference_pitch[0] and style.reference_curve.any()):
        return [nothing]
    pitch = PitchMap.between(source, style.reference_pitch) if style.polish.pitch is not None else None
    curve = matching_curve(style.reference_curve, mean_log_envelope(joined))
    ways = [Polish(pitch, curve), Polish(pitch, curve, 0.5)]
    gains = [likeness([way.apply(take) for take in takes]) - likeness(takes) for way in ways]
    best = int(np.argmax(gains))
    return [ways[best], nothing] if gains[best] > POLISH_GAIN else [nothing]
