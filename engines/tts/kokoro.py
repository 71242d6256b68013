"""Kokoro-82M (int8, CPU): speech in thirteen locales, in any voice of its style space, with every phoneme's
time."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from dub.errors import BadInput, EngineFailed
from engines.spec import EngineSpec
from engines.tts.contract import Speech, TimedPhoneme
from engines.tts.kokoro_fit import fit_voice
from engines.tts.kokoro_graph import RATE_HZ, KokoroGraph, Rendering, split_phonemes
from engines.tts.kokoro_guard import fit_locale
from engines.tts.kokoro_locales import JAPANESE, LOCALES, kokoro_locale
from engines.tts.kokoro_style import KokoroStyle
from engines.tts.kokoro_voices import BANK_FILE, Pack, StockVoices, VoiceBank
from engines.tts.silence import sounding
from engines.tts.voice_fitting import FittedVoice, Hear, LocaleVoice, Samples, Understand
from lang.bcp47 import Locale

# Sound comes before the graph's own times by 55 ms (median of vowel onsets, voicing and pause ends, 10
# languages).
EARLY_SAMPLES = round(0.055 * RATE_HZ)
# A gap between words up to three frames is articulation, no pause: the phoneme before it lasts until the
# next.
LINKED_SAMPLES = round(0.075 * RATE_HZ)

# Tempo asked for -> the graph's `speed`. Durations are whole frames, most phonemes last 2 or 3 of them, so
# the tempo follows `speed` in steps: 1.1 gives 1.05, 1.3 gives 1.23, and around 1.333 (2 frames become 1) it
# leaps to 1.48. Means over 5 sentences in 4 languages; single sentences stay within about 5 % of the tempo
# asked for.
_TEMPO = (0.5, 0.586, 0.668, 0.738, 0.81, 0.82, 0.897, 0.954, 1.0, 1.026, 1.054, 1.093, 1.138, 1.181, 1.231)
_SPEED = (0.5, 0.6, 0.7, 0.78, 0.79, 0.84, 0.85, 0.92, 1.0, 1.05, 1.1, 1.15, 1.2, 1.25, 1.3)
_FAST_TEMPO = (1.265, 1.31, 1.345, 1.38, 1.41, 1.479, 1.514, 1.581, 1.616, 1.716, 1.815, 2.0)
_FAST_SPEED = (1.32, 1.33, 1.3333, 1.336, 1.338, 1.35, 1.4, 1.5, 1.6, 1.8, 2.0, 2.0)

_STRESS = "ˈˌ"
_LENGTHENING = "ːʰʲᵝ↓→↗↘"
_NASAL = "\u0303"
_PAUSES = ';:,.!?—…"()“” '


class Kokoro:
    """Meets `Synthesizer`, and `VoiceFitter`. Thread-safe, deterministic."""

    rate_hz = RATE_HZ

    def __init__(self, graph: KokoroGraph, voices: StockVoices) -> None:
        self.graph = graph
        self.voices = voices

    def speak(self, text: str, locale: Locale, style: bytes, speed: float = 1.0) -> Speech:
        """See `Synthesizer.speak`. Raises LanguageNotSupported, BadInput for bytes that are no style."""
        if not style:
            name = kokoro_locale(locale).voices[0]
            return self.say(text, locale, self.voices.pack(name), speed)
        voice = KokoroStyle.from_bytes(style)
        speech = self.say(text, locale, voice.pack, speed)
        return Speech(voice.polish.apply(speech.samples), speech.rate_hz, speech.phonemes)

    def fit_voice(self, reference: Samples, rate_hz: int, hear: Hear) -> FittedVoice:
        """See `VoiceFitter.fit_voice`."""
        return fit_voice(self.say, self.voices, reference, rate_hz, hear)

    def fit_locale(self, style: bytes, locale: Locale, hear: Hear, understand: Understand) -> LocaleVoice:
        """See `VoiceFitter.fit_locale`."""
        return fit_locale(self.say, self.voices, KokoroStyle.from_bytes(style), locale, hear, understand)

    def stock_voice(self, name: str) -> bytes:
        """See `StockVoiced.stock_voice`."""
        if name not in self.voices.names:
            names = ", ".join(self.voices.names)
            raise BadInput(f"Kokoro has no voice {name!r}", mend=f'in the cast file, voice = "kokoro/..." of: {names}')
        bank = VoiceBank.read(BANK_FILE)
        embedding = bank.mean_embeddings[bank.names.index(name)]
        return KokoroStyle.stock(name, self.voices.pack(name), embedding).to_bytes()

    def say(self, text: str, locale: Locale, pack: Pack, speed: float = 1.0) -> Speech:
        """Speech in a pack's voice as the graph gives it, trimmed, with no polish."""
        if not 0.5 <= speed <= 2.0:
            raise EngineFailed(f"Kokoro speaks at 0.5..2.0 of its tempo, not {speed}")
        how = kokoro_locale(locale)
        pieces = split_phonemes(how.phonemes(text))
        if not pieces:
            raise EngineFailed(f"there is nothing to say in {text!r} ({locale})")
        graph_speed = float(np.interp(speed, _TEMPO + _FAST_TEMPO, _SPEED + _FAST_SPEED))
        return _joined([_trimmed(self.graph.render(piece, pack, graph_speed)) for piece in pieces])


def _trimmed(rendering: Rendering) -> Speech:
    """Without leading and trailing silence beyond 40 ms; times of the sound, not of the graph."""
    first, last = sounding(rendering.samples, RATE_HZ)
    n = last - first
    phonemes = []
    for ipa, start, end in merged_phonemes(rendering.phonemes, rendering.edges):
        start = min(max(start - EARLY_SAMPLES - first, 0), n)
        end = min(max(end - EARLY_SAMPLES - first, 0), n)
        if end > start:
            phonemes.append(TimedPhoneme(ipa, start, end))
    return Speech(rendering.samples[first:last], RATE_HZ, tuple(phonemes))


def merged_phonemes(phonemes: str, edges: npt.NDArray[np.int64]) -> Iterator[tuple[str, int, int]]:
    """IPA symbols with their samples: a stress mark's time goes to the phoneme after it, a length mark's to
    the one before it; short gaps between words are closed, longer ones and pauses stay out."""
    found: list[tuple[str, int, int]] = []
    stressed_from: int | None = None
    for symbol, start, end in zip(phonemes, edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        if symbol in _STRESS:
            stressed_from = start if stressed_from is None else stressed_from
        elif symbol in _PAUSES:
            stressed_from = None
        elif (symbol in _LENGTHENING or symbol == _NASAL) and found:
            ipa, since, _ = found[-1]
            found[-1] = (ipa + symbol if symbol == _NASAL else ipa, since, end)
        else:
            found.append((symbol, start if stressed_from is None else stressed_from, end))
            stressed_from = None
    for this, following in zip(found, [*found[1:], None], strict=True):
        ipa, start, end = this
        if following is not None and following[1] - end <= LINKED_SAMPLES:
            end = following[1]
        yield ipa, start, end


def _joined(pieces: list[Speech]) -> Speech:
    """Pieces end to end: each keeps up to 80 ms of silence at its joins."""
    if len(pieces) == 1:
        return pieces[0]
    phonemes: list[TimedPhoneme] = []
    offset = 0
    for piece in pieces:
        phonemes += [TimedPhoneme(p.ipa, p.start_sample + offset, p.end_sample + offset) for p in piece.phonemes]
        offset += piece.samples.size
    return Speech(np.concatenate([piece.samples for piece in pieces]), RATE_HZ, tuple(phonemes))


@lru_cache(maxsize=1)
def load() -> Kokoro:
    """One graph for all of Kokoro's engines."""
    import espeakng_loader  # noqa: F401  found missing now, not at the first line
    import phonemizer  # noqa: F401
    import pypinyin  # noqa: F401

    from engines import weights
    from engines.tts.kokoro_voices import read_stock_voices

    folder = weights.folder("kokoro")
    return Kokoro(KokoroGraph(folder / "kokoro-v1.0.int8.dur.onnx"), read_stock_voices(folder))


ENGINE = EngineSpec(
    id="kokoro",
    family="tts",
    version=3,
    summary="Kokoro-82M with a voice fitted to the speaker; CPU, a fifth to a third of real time",
    load=load,
    locales=frozenset(LOCALES) - {JAPANESE},  # Japanese needs packages of its own: kokoro_ja
    code_licence="MIT, with espeak-ng and phonemizer (GPL-3) for phonemes",
    weights_licence="Apache-2.0",
    licence_class="copyleft",
    weights=("kokoro",),
    extra="embedded",
    packages=("onnxruntime", "espeakng_loader", "phonemizer", "pyworld", "pypinyin"),
    capabilities={"fits_voices": True, "stock_voices": True, "phoneme_times": True},
)
