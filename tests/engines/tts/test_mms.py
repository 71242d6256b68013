"""MMS on the real VITS architecture with tiny random weights: saved as the hub has them, loaded, and spoken with."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dub.errors import BadInput, EngineFailed, WeightsMissing
from engines import registry, weights
from engines.tts import mms
from engines.tts.mms_text import readable
from flows.preflight import choose, find_voice, read_plan
from lang.bcp47 import Locale
from lang.registry import language

torch = pytest.importorskip("torch")
SPANISH = Locale("es")
LETTERS = "abcdefghijklmnopqrstuvwxyzñé' -"
SENTENCE = "Los barcos volvieron a casa antes de la tormenta, y nadie había pensado que llegarían."


def _save_model(folder: Path, letters: str, *, is_uroman: bool = False) -> Path:
    """A model as facebook/mms-tts-* are laid out: the characters with the blank first, 16 kHz, 256 samples a frame."""
    from transformers import VitsConfig, VitsModel, VitsTokenizer

    folder.mkdir()
    vocabulary = {"<blank>": 0} | {letter: i for i, letter in enumerate(letters, start=1)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    tokenizer = VitsTokenizer(
        str(folder / "vocab.json"), pad_token="<blank>", unk_token="<unk>", language="xyz", add_blank=True,
        normalize=True, phonemize=False, is_uroman=is_uroman,
    )  # fmt: skip
    tokenizer.save_pretrained(folder)
    torch.manual_seed(7)
    config = VitsConfig(
        vocab_size=len(vocabulary) + 1, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, ffn_dim=16,
        flow_size=16, spectrogram_bins=9, upsample_initial_channel=32, resblock_kernel_sizes=[3],
        resblock_dilation_sizes=[[1, 3, 5]], posterior_encoder_num_wavenet_layers=1, prior_encoder_num_flows=2,
        prior_encoder_num_wavenet_layers=1, duration_predictor_num_flows=2, depth_separable_num_layers=1,
        duration_predictor_filter_channels=16, sampling_rate=16_000,
    )  # fmt: skip
    VitsModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _save_model(tmp_path_factory.mktemp("mms") / "mms-tts-spa", LETTERS)


@pytest.fixture(scope="module")
def voice(folder: Path) -> mms.Mms:
    return mms.Mms(folder)


def test_speech_is_mono_sound_at_16_khz(voice: mms.Mms, folder: Path) -> None:
    assert (folder / "model.safetensors").is_file()
    assert not list(folder.glob("*.bin"))
    speech = voice.speak(SENTENCE, SPANISH, b"")
    assert (speech.rate_hz, voice.rate_hz) == (16_000, 16_000)
    assert speech.samples.dtype == np.float32
    assert speech.samples.ndim == 1
    assert speech.samples.size > 8_000
    assert 0.05 < np.abs(speech.samples).max() <= 1.0
    assert speech.phonemes == ()


def test_the_same_question_has_the_same_answer_and_random_numbers_are_left_alone(voice: mms.Mms) -> None:
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    first = voice.speak(SENTENCE, SPANISH, b"", 1.1)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(2)
    second = voice.speak(SENTENCE, SPANISH, b"", 1.1)
    assert np.array_equal(first.samples, second.samples)


def test_what_was_said_before_changes_nothing(folder: Path, voice: mms.Mms) -> None:
    voice.speak("otra cosa", SPANISH, b"")
    again = voice.speak(SENTENCE, SPANISH, b"")
    mms._networks.clear()
    assert np.array_equal(again.samples, mms.Mms(folder).speak(SENTENCE, SPANISH, b"").samples)


@pytest.mark.parametrize("speed", [0.7, 0.85, 1.15, 1.3])
def test_speed_multiplies_the_tempo(voice: mms.Mms, speed: float) -> None:
    natural = voice.speak(SENTENCE, SPANISH, b"").samples.size
    assert natural / voice.speak(SENTENCE, SPANISH, b"", speed).samples.size == pytest.approx(speed, rel=0.03)


@pytest.mark.parametrize("nothing", ["", "  ", "...", "?!"])
def test_nothing_to_say_is_an_error(voice: mms.Mms, nothing: str) -> None:
    with pytest.raises(EngineFailed, match="nothing to say"):
        voice.speak(nothing, SPANISH, b"")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Quedan 3 barcos", "'3'"),
        ("Лодки", "'л', 'о', 'д', 'к', 'и'"),
        ("cuesta 5 €", "'5', '€'"),
        ("casi el cien %", "'%'"),
        ("dos 漢字", "'漢', '字'"),
    ],
)
def test_what_it_cannot_read_is_an_error_that_names_it(voice: mms.Mms, text: str, named: str) -> None:
    with pytest.raises(EngineFailed, match="cannot read") as error:
        voice.speak(text, SPANISH, b"")
    assert named in str(error.value)


def test_a_style_or_an_impossible_tempo_is_refused(voice: mms.Mms) -> None:
    with pytest.raises(BadInput, match="styles"):
        voice.speak("hola", SPANISH, b"x")
    with pytest.raises(EngineFailed, match="tempo"):
        voice.speak("hola", SPANISH, b"", 3.0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("¡Hola,  MUNDO!", "hola mundo"),
        ("l’eau — d'or", "l'eau d'or"),
        ("über café", "uber café"),
        ("cafe\u0301", "café"),
    ],
)
def test_a_line_is_brought_to_the_voices_characters(text: str, said: str) -> None:
    assert readable(text, frozenset(LETTERS), SPANISH) == said


def test_a_language_that_is_romanised_is_read_by_its_romanisation(tmp_path: Path) -> None:
    pytest.importorskip("uroman")
    korean = mms.Mms(_save_model(tmp_path / "mms-tts-kor", "abcdefghijklmnopqrstuvwxyz ", is_uroman=True))
    speech = korean.speak("안녕하세요", Locale("ko"), b"")
    assert np.array_equal(speech.samples, korean.speak("annyeonghaseyo", Locale("ko"), b"").samples)


def test_only_a_few_models_are_held_at_a_time(folder: Path, tmp_path: Path) -> None:
    for i in range(mms.N_KEPT + 2):
        other = tmp_path / str(i)
        other.symlink_to(folder)
        mms.Mms(other).speak("hola", SPANISH, b"")
    assert len(mms._networks) == mms.N_KEPT


def test_every_locale_has_a_model_of_its_language() -> None:
    assert len(mms.MODELS) > 200
    assert mms.MODELS[SPANISH] == "mms-tts-spa"
    assert mms.MODELS[Locale("ur")] == "mms-tts-urd-script_arabic"
    assert all(model.isascii() and model == model.lower() for model in mms.MODELS.values())
    for absent in ("zh", "ja", "it", "da", "nb", "cs", "hr"):
        assert Locale(absent) not in mms.MODELS
    scripts = mms.ENGINE.capabilities["scripts"]
    assert all(script != language(locale).script for locale, script in scripts.items())


def test_a_locale_is_spoken_by_its_own_model(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("uroman")
    asked: list[str] = []

    def place(model_id: str) -> Path:
        asked.append(model_id)
        return folder

    monkeypatch.setattr(weights, "folder", place)
    options = mms.ENGINE.options_for(Locale("es-MX"), {"device": "cpu"})
    assert options == {"model": "mms-tts-spa", "device": "cpu"}
    with pytest.raises(BadInput, match="is not there"):
        registry.load("tts", "mms", model="mms-tts-spa", device="tpu")
    assert registry.load("tts", "mms", **options).speak("hola", SPANISH, b"").samples.size
    assert asked == ["mms-tts-spa"]


def test_a_plan_asks_for_the_locales_model_before_any_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("uroman")
    monkeypatch.setenv("POLYDUB_HOME", str(tmp_path))
    plan = read_plan("embedded").model_copy(update={"tts": ("mms",)})
    with pytest.raises((WeightsMissing, BadInput), match="mms-tts-ur"):
        find_voice(plan, Locale("ur"))
    with pytest.raises(BadInput, match="noncommercial"):
        choose("tts", "mms", {}, policy="permissive")
