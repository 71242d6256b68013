"""Kokoro: its phonemes, its tempo, its styles and the voice that is fitted to a speaker."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from dub.errors import BadInput, LanguageNotSupported
from dub.media import read_audio
from engines import registry
from engines.tts.espeak_phonemes import phonemize
from engines.tts.kokoro import Kokoro, merged_phonemes
from engines.tts.kokoro_graph import FRAME_SAMPLES, RATE_HZ, VOCABULARY, split_phonemes
from engines.tts.kokoro_locales import LOCALES, kokoro_locale
from engines.tts.kokoro_map import N_FITTED_COORDINATES, voice_map
from engines.tts.kokoro_style import KokoroStyle
from engines.tts.kokoro_voices import BANK_FILE, VoiceBank
from engines.tts.speaker_match import sentences
from engines.tts.voice_fitting import Samples, Understand
from engines.tts.voice_polish import PitchMap, Polish, pitch_of
from lang.bcp47 import Locale

PARAGRAPHS = {
    "en": "At 7:45 — \"really\"? — Dr. Smith's well-known book (1984) cost $25; she'd paid 3 times that…",
    "es": "¿Por qué no viene? ¡El niño, guapo y pequeño, llegó a las 17:30! El güisqui y la cigüeña.",
    "pt": "Não são 25 irmãos? Coração, avô e avó — tranquilo; às 15h30 ele comeu maçã, queijo e pão!",
    "ca": "Vull un llibre d'història, que m'agrada; l'any 1984 vaig comprar xocolata, formatge i col·lecció.",
    "fr": "Aujourd'hui, l'homme âgé mange neuf œufs à Paris ; « c'est bon », dit-elle. Où êtes-vous ?",
    "it": "Perché gli gnocchi, l'acqua e lo zucchero costano 25 euro? Così, città, virtù — è già là!",
    "de": "Jürgen möchte fünf Äpfel und Öl; vielleicht später? Die Größe heißt »groß«, euer Häuschen.",
    "hi": "नमस्ते, मेरा नाम जॉर्डी है। मुझे यह शहर पसंद है! क्या आप १९८४ में आए थे? ज़रूर, बहुत अच्छा।",
    "pl": "Dzień dobry, jest mi zimno, źle się czuję; chrząszcz brzmi w trzcinie, gęś i łódź, żółć!",
}


@pytest.fixture(scope="module")
def kokoro() -> Kokoro:
    engine: Kokoro = registry.load("tts", "kokoro")
    return engine


@pytest.mark.parametrize("locale", sorted(locale for locale, how in LOCALES.items() if how.espeak))
def test_every_symbol_of_every_locale_has_a_token(locale: Locale) -> None:
    how = kokoro_locale(locale)
    lines = [*sentences()[locale.language], PARAGRAPHS[locale.language]]
    said = "".join(how.phonemes(line) for line in lines)
    assert not set(said) - VOCABULARY.keys()
    assert len(said) > 100


def test_a_consonant_that_is_a_syllable_can_be_said() -> None:
    """espeak-ng writes the n of "written" with a mark that Kokoro has no token for."""
    said = kokoro_locale(Locale("en")).phonemes("It was written on a button.")
    assert "ɹˈɪʔᵊn" in said
    assert not set(said) - VOCABULARY.keys()


def test_a_locale_is_itself_its_language_or_refused() -> None:
    assert kokoro_locale(Locale("en-GB")).espeak == "en-gb"
    assert kokoro_locale(Locale("es-MX")).espeak == "es-419"
    assert kokoro_locale(Locale("es-ES")).espeak == "es"
    assert kokoro_locale(Locale("fr-CA")).espeak == "fr-fr"
    assert kokoro_locale(Locale("pt")).espeak == "pt-br"
    assert kokoro_locale(Locale("pt-PT")).espeak == "pt"
    with pytest.raises(LanguageNotSupported, match="sw"):
        kokoro_locale(Locale("sw"))


@pytest.mark.models
def test_a_stock_voice_is_a_style_that_speaks_and_is_fitted_to_a_locale(kokoro: Kokoro) -> None:
    style = KokoroStyle.from_bytes(kokoro.stock_voice("am_adam"))
    assert style.base == "stock voice am_adam"
    assert np.array_equal(style.pack, kokoro.voices.pack("am_adam"))
    assert float(np.linalg.norm(style.reference_embedding)) == pytest.approx(1.0, abs=1e-3)
    with pytest.raises(BadInput, match=r"no voice 'adam'[\s\S]*am_adam"):
        kokoro.stock_voice("adam")


def test_marks_lend_their_time_to_their_phoneme() -> None:
    edges = np.cumsum([0, 2, 1, 3, 2, 1, 4, 1, 1, 20, 2, 3]) * 100
    found = list(merged_phonemes("ˈaːt mo\u0303. k", edges))
    assert [ipa for ipa, _, _ in found] == ["a", "t", "m", "o\u0303", "k"]
    assert found[0][1:] == (0, 600)  # stress before it, length after it
    assert found[1][2] == found[2][1]  # a short gap between words is closed
    assert found[3][2] == 1500
    assert found[4][1] == 3700  # a pause is not


def test_long_text_is_cut_at_marks() -> None:
    text = "a" * 150 + ". " + "b" * 150 + ", " + "c" * 90 + " " + "d" * 200
    pieces = split_phonemes(text, 200)
    assert [piece[0] for piece in pieces] == ["a", "b", "c", "d"]
    assert all(len(piece) <= 200 for piece in pieces)
    assert "".join(pieces).replace(" ", "") == text.replace(" ", "")


@pytest.mark.models
def test_durations_add_up_to_the_sound(kokoro: Kokoro) -> None:
    phonemes = phonemize(sentences()["en"][1], "en-us")
    rendering = kokoro.graph.render(phonemes, kokoro.voices.pack("af_heart"), 1.0)
    assert len(rendering.edges) == len(phonemes) + 1
    trailing_pad = rendering.samples.size - int(rendering.edges[-1])
    assert rendering.edges[0] > 0
    assert trailing_pad >= 0
    assert np.all(np.diff(rendering.edges) % FRAME_SAMPLES == 0)


@pytest.mark.models
def test_vowels_sound_where_they_are_said_to(kokoro: Kokoro) -> None:
    """The shift of 55 ms: the loudness under the vowels is highest there, and lower with no shift at all."""
    speech = kokoro.speak("Pop a cap, keep a beat, take a cat back to bed.", Locale("en"), b"")
    envelope = np.convolve(speech.samples.astype(np.float64) ** 2, np.ones(240) / 240, mode="same")
    log_envelope = np.log(envelope + 1e-6)
    vowels = [p for p in speech.phonemes if p.ipa in "aæɑɒʌəɛeɪiɔoʊuɐ"]

    def loudness(shift_ms: int) -> float:
        shift = shift_ms * RATE_HZ // 1000
        spans = [log_envelope[max(0, p.start_sample + shift) : p.end_sample + shift] for p in vowels]
        return float(np.concatenate(spans).mean())

    assert loudness(0) > loudness(55)  # 55 ms later is where the graph itself puts them
    assert loudness(0) > loudness(-55)


@pytest.mark.models
def test_a_text_longer_than_the_graph_takes_is_said_whole(kokoro: Kokoro) -> None:
    sentence = "The captain walked slowly along the harbour and counted every boat. "
    one = kokoro.speak(sentence, Locale("en"), b"", 2.0)
    many = kokoro.speak(sentence * 7, Locale("en"), b"", 2.0)
    assert len(many.phonemes) == pytest.approx(7 * len(one.phonemes), rel=0.02)
    assert many.samples.size > 6 * one.samples.size
    assert all(a.end_sample <= b.start_sample for a, b in pairwise(many.phonemes))
    assert many.phonemes[-1].end_sample <= many.samples.size


def test_a_style_survives_its_file() -> None:
    random = np.random.default_rng(1)
    style = KokoroStyle(
        random.normal(size=(510, 256)).astype(np.float32),
        "fitted, solution 2",
        Polish(PitchMap(4.8, 5.1, 1.2), random.normal(size=513).astype(np.float32).astype(np.float64), 0.5),
        random.normal(size=256).astype(np.float32),
        random.normal(size=513).astype(np.float32).astype(np.float64),
        (5.1, 0.2),
    )
    content = style.to_bytes()
    again = KokoroStyle.from_bytes(content)
    assert again.to_bytes() == content
    assert again.polish.pitch == style.polish.pitch
    assert again.polish.strength == 0.5
    assert np.array_equal(again.pack, style.pack)
    for broken in (b"no style", content[:1000], b'{"pitch_hz": 120}'):
        with pytest.raises(BadInput, match="no Kokoro voice style"):
            KokoroStyle.from_bytes(broken)


def test_polish_moves_pitch_and_keeps_length() -> None:
    at = np.arange(RATE_HZ * 2) / RATE_HZ
    pulses = np.sign(np.sin(2 * np.pi * 120 * at)) * 0.1
    speech = pulses.astype(np.float32)
    source = pitch_of(speech)
    assert np.exp(source[0]) == pytest.approx(120, rel=0.02)
    higher = Polish(PitchMap(source[0], float(np.log(180)), 1.0), None).apply(speech)
    assert higher.size == speech.size
    assert np.exp(pitch_of(higher)[0]) == pytest.approx(180, rel=0.03)
    assert np.sqrt(np.mean(higher**2)) == pytest.approx(np.sqrt(np.mean(speech**2)), rel=0.05)


def test_the_map_tells_how_a_voice_will_sound_that_it_never_heard() -> None:
    """Learnt without every tenth voice, it predicts those far better than the mean voice does."""
    bank = VoiceBank.read(BANK_FILE)
    assert bank.z.shape == (161, 40)
    assert np.linalg.norm(bank.embeddings, axis=2) == pytest.approx(1, abs=0.01)
    held_out = np.arange(161) % 10 == 5
    slope, offset = voice_map(bank.z[~held_out], bank.mean_embeddings[~held_out])
    targets = bank.mean_embeddings[held_out]
    predicted = bank.z[held_out, :N_FITTED_COORDINATES] @ slope + offset
    predicted /= np.linalg.norm(predicted, axis=1, keepdims=True)
    of_map = (predicted * targets).sum(axis=1)
    mean_voice = bank.mean_embeddings[~held_out].mean(axis=0)
    of_mean = targets @ mean_voice / np.linalg.norm(mean_voice)
    assert of_map.mean() > 0.85
    assert of_map.mean() > of_mean.mean() + 0.15


@pytest.mark.models
@pytest.mark.slow
def test_a_fitted_voice_is_nearer_than_any_stock_voice(kokoro: Kokoro) -> None:
    """The target is a voice between stock voices that the bank does not hold; scored on sentences that chose
    nothing."""
    encoder = registry.load("speaker", "ge2e-voicefilter")
    space = kokoro.voices.space
    z = 0.6 * space.z_of(kokoro.voices.pack("am_onyx")) + 0.7 * space.z_of(kokoro.voices.pack("ef_dora"))
    reference = np.concatenate(
        [
            kokoro.say(text, Locale("en"), space.pack_of(z)).samples
            for text in (
                "Nobody told us that the ferry leaves at noon.",
                "The old bridge was closed for the winter.",
            )
        ]
    )
    fitted = kokoro.fit_voice(reference, RATE_HZ, encoder.embed)
    assert fitted.similarity > fitted.nearest_similarity
    assert fitted.similarity > encoder.same_speaker_threshold
    assert fitted.others_similarity < encoder.same_speaker_threshold
    assert KokoroStyle.from_bytes(fitted.style).base in fitted.made_of


@pytest.mark.models
@pytest.mark.slow
def test_a_voice_takes_as_much_of_the_native_one_as_it_needs(kokoro: Kokoro) -> None:
    """The listener here understands whoever sounds enough like the native speaker, and hears nonsense from others."""
    encoder = registry.load("speaker", "ge2e-voicefilter")
    fitted = kokoro.voices.pack("am_onyx")
    reference = kokoro.say(sentences()["en"][0], Locale("en"), fitted).samples
    nothing = Polish(None, None)
    embedding = encoder.embed(reference, RATE_HZ)
    style = KokoroStyle(fitted, "stock voice am_onyx", nothing, embedding, np.zeros(513), pitch_of(reference))
    texts = sentences()["it"]
    native = kokoro.say(texts[0], Locale("it"), kokoro.voices.pack("im_nicola")).samples
    native_embedding = encoder.embed(native, RATE_HZ)

    def understand_from(least: float) -> Understand:
        def understand(samples: Samples, rate_hz: int, locale: Locale) -> str:
            return " ".join(texts) if encoder.embed(samples, rate_hz) @ native_embedding > least else "zzz"

        return understand

    easy = kokoro.fit_locale(style.to_bytes(), Locale("it"), encoder.embed, understand_from(-1))
    hard = kokoro.fit_locale(style.to_bytes(), Locale("it"), encoder.embed, understand_from(0.8))
    assert (easy.share_of_native, easy.error_rate) == (0, 0)
    assert 0 < hard.share_of_native <= 1
    assert hard.error_rate == 0
    assert easy.similarity > hard.similarity
    assert "im_nicola" in hard.made_of


@pytest.mark.media
@pytest.mark.models
@pytest.mark.slow
def test_a_real_speaker_is_cloned_by_the_word_of_a_judge(kokoro: Kokoro, shared_media: Path) -> None:
    encoder, judge = (registry.load("speaker", name) for name in ("ge2e-voicefilter", "resemblyzer"))
    reference = read_audio(shared_media / "video" / "english_portrait_20s.mp4", RATE_HZ, 1)[0]
    fitted = kokoro.fit_voice(reference, RATE_HZ, encoder.embed)
    assert fitted.similarity > max(encoder.same_speaker_threshold, fitted.nearest_similarity + 0.05)
    likeness = judge.embed(reference, RATE_HZ) @ judge.embed(fitted.samples, fitted.rate_hz)
    assert likeness > judge.same_speaker_threshold
