"""espeak-ng takes a speaker's pitch and colour; it is guarded, cheap per locale, and never called a clone."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest

from dub.errors import BadInput
from dub.media import read_audio
from dub.script import DubScript, Utterance
from dub.source import Stems
from dub.stage import Desk, EngineChoice
from dub.timecode import MASTER_RATE_HZ, Span
from dub.wav import WAV, write_wav
from engines import registry
from engines.tts.espeak import Espeak
from engines.tts.espeak_fit import GUARD_LOCALES, VARIANTS, guarded
from engines.tts.espeak_style import PLAIN, EspeakStyle
from engines.tts.speaker_match import Speaker, sentences
from engines.tts.voice_fitting import FittedVoice, Samples
from engines.tts.voice_polish import PitchMap, Polish, pitch_of
from lang.bcp47 import Locale
from tasks.enroll import cast_for, enroll

RATE_HZ = 24_000
SAMPLE = Path(__file__).parents[3] / "samples" / "hello.mp4"


@pytest.fixture(scope="module")
def espeak() -> Espeak:
    engine: Espeak = registry.load("tts", "espeak")
    return engine


@pytest.fixture(scope="module")
def reference() -> Samples:
    return np.asarray(read_audio(SAMPLE, RATE_HZ, 1)[0], np.float32)


@pytest.fixture(scope="module")
def fitted(espeak: Espeak, reference: Samples) -> FittedVoice:
    return espeak.fit_voice(reference, RATE_HZ, registry.load("speaker", "ge2e-voicefilter").embed)


@pytest.mark.models
def test_a_fitted_voice_is_nearer_than_the_plain_one(espeak: Espeak, reference: Samples, fitted: FittedVoice) -> None:
    speaker = Speaker(reference, RATE_HZ, registry.load("speaker", "ge2e-voicefilter").embed)
    plain = speaker.likeness([espeak._say(text, PLAIN) for text in sentences()["en"][2:]])
    assert fitted.similarity > max(fitted.nearest_similarity, plain + 0.1)
    assert fitted.made_of.startswith("a robot, no clone")
    assert EspeakStyle.from_bytes(fitted.style).variant in VARIANTS


@pytest.mark.models
def test_it_speaks_every_locale_in_the_fitted_voice_at_the_same_times(espeak: Espeak, fitted: FittedVoice) -> None:
    style = EspeakStyle.from_bytes(fitted.style)
    for tag, text in (("tr", "Bütün insanlar hür doğarlar."), ("sw", "Watu wote wamezaliwa huru.")):
        raw = espeak.say(text, Locale(tag), variant=style.variant)
        spoken = espeak.speak(text, Locale(tag), fitted.style)
        assert spoken.samples.size == raw.samples.size
        assert spoken.phonemes == raw.phonemes
        assert not np.allclose(spoken.samples, raw.samples, atol=0.01)


def test_pitch_goes_where_the_style_says(espeak: Espeak) -> None:
    source = pitch_of(espeak._say(sentences()["en"][0], PLAIN))
    style = EspeakStyle("", Polish(PitchMap.between(source, (float(np.log(190)), source[1])), None))
    speech = espeak.speak(sentences()["en"][0], Locale("en"), style.to_bytes())
    import soxr

    heard = pitch_of(np.asarray(soxr.resample(speech.samples, speech.rate_hz, RATE_HZ), np.float32))
    assert np.exp(heard[0]) == pytest.approx(190, rel=0.04)


def hears_all(samples: Samples, rate_hz: int, locale: Locale) -> str:
    return " ".join(sentences()[locale])


def test_what_is_not_understood_is_not_kept(espeak: Espeak) -> None:
    """The listener here understands all that has pitch below 130 Hz, or nothing, or everything."""
    low = float(np.log(130))
    style = EspeakStyle("m1", Polish(PitchMap(4.6, 5.3, 1.0), None))

    def hears_low_voices(samples: Samples, rate_hz: int, locale: Locale) -> str:
        return hears_all(samples, rate_hz, locale) if pitch_of(samples)[0] < low else "zzz"

    hears_low = guarded(espeak._say, style, hears_low_voices)
    assert hears_low == (EspeakStyle("m1", PLAIN.polish), 0.0, 0.0)
    high = EspeakStyle("f5", Polish(PitchMap(5.3, 5.4, 1.0), None))
    assert guarded(espeak._say, high, hears_low_voices)[0] == PLAIN
    assert guarded(espeak._say, high, hears_all)[0] == high


def test_english_alone_does_not_save_a_voice_that_others_do_not_understand(espeak: Espeak) -> None:
    """The listener here understands every voice's English, and of other languages the plain voice's alone."""
    plain_german = [espeak._say(text, PLAIN, Locale("de")) for text in sentences()["de"]]

    def understand(samples: Samples, rate_hz: int, locale: Locale) -> str:
        is_plain = np.array_equal(samples[: plain_german[0].size], plain_german[0])
        return hears_all(samples, rate_hz, locale) if locale != "de" or is_plain else "zzz"

    assert guarded(espeak._say, EspeakStyle("f5", PLAIN.polish), understand)[0] == PLAIN


def test_one_guard_serves_every_locale(espeak: Espeak) -> None:
    heard = []

    def understand(samples: Samples, rate_hz: int, locale: Locale) -> str:
        heard.append(locale)
        return hears_all(samples, rate_hz, locale)

    style = EspeakStyle("f1", PLAIN.polish).to_bytes()
    voices = []
    for tag in ("de", "tr", "sw", "hi"):
        start = perf_counter()
        voices.append(espeak.fit_locale(style, Locale(tag), lambda *_: np.ones(1, np.float32), understand))
        seconds = perf_counter() - start
    assert set(heard) == set(GUARD_LOCALES)
    assert len(heard) == 2 * len(GUARD_LOCALES)  # the plain voice, and the fitted one
    assert seconds < 0.05
    assert {voice.style for voice in voices} == {style}
    assert all(voice.similarity is None for voice in voices)


def test_a_style_survives_its_file() -> None:
    style = EspeakStyle("f2", Polish(PitchMap(4.8, 5.1, 1.2), np.linspace(-1, 1, 513).astype(np.float32), 0.5))
    content = style.to_bytes()
    assert EspeakStyle.from_bytes(content).to_bytes() == content
    assert "f2" in style.made_of
    for broken in (b"no style", content[:100], b'{"pitch_hz": 120}'):
        with pytest.raises(BadInput, match="no espeak-ng voice style"):
            EspeakStyle.from_bytes(broken)


def test_it_is_never_called_cloned(desk: Desk, espeak: Espeak) -> None:
    """Not even where the encoder takes it for the speaker: the speaker here is espeak-ng itself."""
    said = espeak._say(" ".join(sentences()["en"]), PLAIN)
    import soxr

    dialogue = np.asarray(soxr.resample(said, RATE_HZ, MASTER_RATE_HZ), np.float32)
    store = desk.open_store()
    with store.scratch() as folder:
        write_wav(folder / "dialogue.wav", dialogue, MASTER_RATE_HZ)
        stem = store.put(folder / "dialogue.wav", WAV)
    line = Utterance(id="u0000", speaker="A", span=Span.of_seconds(0, 8), text="said")
    script = DubScript(source_locale=Locale("en"), duration=Fraction(20), utterances=(line,))

    def choice(family: str, name: str) -> EngineChoice:
        spec = registry.spec(family, name)  # type: ignore[arg-type]
        return EngineChoice(family=family, id=name, fingerprint=spec.fingerprint())  # type: ignore[arg-type]

    encoder = choice("speaker", "long-term-spectrum")
    cast = enroll(desk, script, Stems(dialogue=stem, bed=stem), choice("tts", "espeak"), encoder)
    assert cast.voices[0].similarity[encoder.id] > cast.voices[0].similarity[f"{encoder.id} threshold"]
    assert not cast.voices[0].is_cloned
    toy_ear = next(name for (family, name), spec in registry.specs().items() if family == "asr" and spec.is_toy)
    swahili = cast_for(desk, cast, Locale("sw"), choice("tts", "espeak"), encoder, choice("asr", toy_ear))
    assert not swahili.voices[0].is_cloned
    assert "no clone" in swahili.voices[0].made_of
