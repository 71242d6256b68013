"""Recognisers on real speech: the words, their times, the language; nothing where nothing is said."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from dub import media, progress
from dub.errors import BadInput, EngineFailed, EngineUnavailable, LanguageNotSupported, WeightsMissing
from dub.word_error import comparable_words
from engines import registry, weights
from engines.asr import faster_whisper
from engines.asr.contract import Recogniser
from lang.bcp47 import Locale

EN, ES = Locale("en"), Locale("es")
FIRST, SECOND = "The boats came home before the storm.", "We ate our dinner by the window."


@pytest.fixture(scope="module")
def whisper() -> Recogniser:
    loaded: Recogniser = registry.load("asr", "faster-whisper")
    return loaded


@pytest.fixture(scope="module")
def two_sentences(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[float, float]]:
    """A quiet file (-36 dB) with two spoken sentences 1.2 s apart; where they start."""
    voice = registry.load("tts", "kokoro")
    one, other = (voice.speak(text, EN, b"") for text in (FIRST, SECOND))

    def silence(seconds: float) -> npt.NDArray[np.float32]:
        return np.zeros(round(seconds * one.rate_hz), np.float32)

    samples = np.concatenate([silence(0.8), one.samples, silence(1.2), other.samples, silence(0.7)])
    samples = samples * np.float32(0.05)
    path = tmp_path_factory.mktemp("speech") / "two.wav"
    media.write_wav(path, samples, one.rate_hz)
    return path, (0.8, 0.8 + len(one.samples) / one.rate_hz + 1.2)


@pytest.mark.models
def test_quiet_speech_is_heard_word_for_word_with_times(
    whisper: Recogniser, two_sentences: tuple[Path, tuple[float, float]]
) -> None:
    path, starts = two_sentences
    seen: list[tuple[int, int]] = []
    progress.listen(lambda done, total: seen.append((done, total)))
    heard = whisper.recognise(path)
    progress.listen(None)
    assert heard.locale == "en"
    assert heard.language_probability > 0.5
    assert comparable_words(" ".join(segment.text for segment in heard.segments)) == comparable_words(
        f"{FIRST} {SECOND}"
    )
    words = [word for segment in heard.segments for word in segment.words]
    assert "".join(word.text for word in words).split() == " ".join(segment.text for segment in heard.segments).split()
    assert all(word.start_s <= word.end_s and 0 <= word.confidence <= 1 for word in words)
    by_text = {word.text.strip(): word for word in words}
    assert abs(by_text["We"].end_s - starts[1]) < 0.6
    assert seen[-1][0] == seen[-1][1] > 0
    assert whisper.recognise(path) == heard


@pytest.mark.models
def test_speech_in_another_language_is_heard_and_put_into_english(whisper: Recogniser, tmp_path: Path) -> None:
    voice = registry.load("tts", "kokoro")
    speech = voice.speak("Mi hermano compró un coche nuevo la semana pasada.", ES, b"")
    media.write_wav(tmp_path / "es.wav", speech.samples, speech.rate_hz)
    heard = whisper.recognise(tmp_path / "es.wav")
    assert heard.locale == "es"
    english = whisper.recognise(tmp_path / "es.wav", ES, into_english=True)
    said = comparable_words(" ".join(segment.text for segment in english.segments))
    assert {"brother", "car", "week"} <= set(said)
    assert all(segment.words == () for segment in english.segments)


@pytest.mark.models
@pytest.mark.parametrize("kind", ["silence", "hum", "noise"])
def test_nothing_is_heard_where_nothing_is_said(whisper: Recogniser, kind: str, tmp_path: Path) -> None:
    times = np.arange(8 * 16_000) / 16_000
    sounds = {
        "silence": np.zeros_like(times),
        "hum": 0.1 * np.sin(2 * np.pi * 110 * times),
        "noise": np.random.default_rng(3).normal(0, 0.02, times.size),
    }
    media.write_wav(tmp_path / "no.wav", sounds[kind].astype(np.float32), 16_000)
    assert whisper.recognise(tmp_path / "no.wav").segments == ()


@pytest.mark.models
def test_what_it_cannot_do_is_refused(whisper: Recogniser, tmp_path: Path) -> None:
    with pytest.raises(LanguageNotSupported, match="kab"):
        whisper.recognise(tmp_path / "any.wav", Locale("kab"))
    (tmp_path / "no.wav").write_text("this is no sound")
    with pytest.raises(EngineFailed, match=r"no\.wav"):
        whisper.recognise(tmp_path / "no.wav", EN)


@pytest.mark.models
def test_any_whisper_of_the_lock_runs(
    two_sentences: tuple[Path, tuple[float, float]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whisper's architecture with few random weights, converted as the published ones were, pulled, loaded, run."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    from ctranslate2.converters import TransformersConverter

    base = weights.folder("whisper-base")
    torch.manual_seed(4)
    sizes = {"d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "num_mel_bins": 80, "vocab_size": 51865}
    heads = {"encoder_attention_heads": 2, "decoder_attention_heads": 2, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32}
    config = transformers.WhisperConfig(**sizes, **heads)
    transformers.WhisperForConditionalGeneration(config).save_pretrained(tmp_path / "checkpoint")
    shutil.copy(base / "tokenizer.json", tmp_path / "checkpoint")
    TransformersConverter(str(tmp_path / "checkpoint"), copy_files=["tokenizer.json"]).convert(
        str(tmp_path / "made"), quantization="float16"
    )
    monkeypatch.setenv("POLYDUB_HOME", str(tmp_path))
    files = "".join(
        f'files."{path.name}" = {{ n_bytes = {path.stat().st_size}, sources = [[{{ path = "made/{path.name}" }}]], '
        f'sha256 = "{hashlib.sha256(path.read_bytes()).hexdigest()}" }}\n'
        for path in (tmp_path / "made").iterdir()
    )
    (tmp_path / "models.lock").write_text(
        f'schema_version = 1\n[models.few-weights]\nfamily = "asr"\nlicence = "MIT"\norigin = "test"\n{files}'
    )
    weights.pull(["few-weights"], lambda *_: None)
    recogniser: Recogniser = faster_whisper.load(model="few-weights", device="cpu", compute_type="float32", beam_size=1)
    assert recogniser.recognise(two_sentences[0], EN).locale == "en"
    [(_, samples, _)] = faster_whisper._pieces(two_sentences[0])
    whatever: dict[str, Any] = {"no_speech_threshold": None, "log_prob_threshold": None, "max_new_tokens": 8}
    said, _ = recogniser._model.transcribe(samples, language="en", beam_size=1, temperature=0.0, **whatever)  # type: ignore[attr-defined]
    assert any(segment.tokens for segment in said)  # nonsense, but said


def test_a_model_is_chosen_by_option_and_told_by_the_fingerprint() -> None:
    spec = faster_whisper.ENGINE
    assert spec.weights_for({}) == ("whisper-base",)
    assert spec.weights_for({"model": "whisper-large-v3"}) == ("whisper-large-v3",)
    assert len({spec.fingerprint({"model": model}) for model in spec.models}) == len(spec.models)
    with pytest.raises(BadInput, match=r"'whisper-huge'(.|\n)*whisper-large-v3"):
        spec.weights_for({"model": "whisper-huge"})
    with pytest.raises(WeightsMissing, match="models pull whisper-large-v3"):
        faster_whisper.load(model="whisper-large-v3", device="cpu")


@pytest.mark.models
def test_a_device_or_type_that_is_not_here_is_refused(whisper: Recogniser) -> None:
    import ctranslate2

    if not ctranslate2.get_cuda_device_count():
        with pytest.raises(EngineUnavailable, match=r"cuda(.|\n)*device"):
            faster_whisper.load(device="cuda")
    unsupported = {"float16", "int8_float16"} - ctranslate2.get_supported_compute_types("cpu")
    for compute_type in unsupported:
        with pytest.raises(EngineUnavailable, match=f"does not compute in {compute_type}"):
            faster_whisper.load(device="cpu", compute_type=compute_type)


@pytest.mark.parametrize("model", ["whisper-large-v3-turbo", "whisper-distil-large-v3"])
def test_a_model_that_cannot_translate_says_so(model: str, tmp_path: Path) -> None:
    """Asked to, it would write down what was said, and that would be taken for English."""
    engine = object.__new__(faster_whisper.FasterWhisper)
    engine._name = model
    with pytest.raises(EngineUnavailable, match="does not translate"):
        engine.recognise(tmp_path / "any.wav", ES, into_english=True)


def test_the_distilled_model_knows_english_only() -> None:
    engine = object.__new__(faster_whisper.FasterWhisper)
    engine._name = "whisper-distil-large-v3"
    engine._require_known("en")
    with pytest.raises(LanguageNotSupported, match="English only, not es"):
        engine._require_known("es")


def test_a_long_file_comes_in_pieces_cut_where_it_is_quiet(tmp_path: Path) -> None:
    rate, length_s = 16_000, 700
    random = np.random.default_rng(5)
    samples = random.normal(0, 0.05, length_s * rate).astype(np.float32)
    quiet = (312, 621)
    for second in quiet:
        samples[second * rate : (second + 1) * rate] = 0
    media.write_wav(tmp_path / "long.wav", samples, rate)
    pieces = list(faster_whisper._pieces(tmp_path / "long.wav"))
    assert len(pieces) == 3
    for (start_s, _, _), second in zip(pieces[1:], quiet, strict=True):
        assert second <= start_s <= second + 1
    ends = [start_s + len(piece) / rate for start_s, piece, _ in pieces]
    assert ends[:-1] == pytest.approx([start_s for start_s, _, _ in pieces[1:]])
    assert ends[-1] == pytest.approx(length_s, abs=0.01)
    assert max(len(piece) for _, piece, _ in pieces) <= (faster_whisper.PIECE_S + 31) * rate


def test_rare_speech_is_brought_to_level_without_clipping() -> None:
    """2 s of speech in 5 minutes of faint noise."""
    random = np.random.default_rng(5)
    samples = random.normal(0, 1e-4, 300 * 16_000).astype(np.float32)
    samples[1_600_000:1_632_000] += random.normal(0, 0.01, 32_000).astype(np.float32)
    louder = faster_whisper._at_speech_level(samples)
    assert louder is not None
    level_db = 10 * np.log10(float((louder[1_600_000:1_632_000].astype(np.float64) ** 2).mean()))
    assert level_db == pytest.approx(-20, abs=1.5)
    assert faster_whisper._at_speech_level(np.zeros(16_000, np.float32)) is None


class _Heard:
    """What faster-whisper says of a segment, as far as the guards look."""

    def __init__(self, text: str, compression: float = 1.2, no_speech: float = 0.1, logprob: float = -0.3) -> None:
        self.text, self.compression_ratio = text, compression
        self.no_speech_prob, self.avg_logprob = no_speech, logprob
        self.tokens: list[int] = []


@pytest.mark.parametrize(
    ("segment", "is_dropped"),
    [
        (_Heard(" a sentence like any other one here"), False),
        (_Heard(" and and and and and and and and"), True),
        (_Heard(" thank you for watching", compression=2.9), True),
        (_Heard(" you", no_speech=0.9, logprob=-1.1), True),
        (_Heard(" quiet but clear", no_speech=0.9, logprob=-0.4), False),
        (_Heard(" garble", logprob=-1.6), True),
        (_Heard(" "), True),
    ],
)
def test_invented_text_is_dropped(segment: _Heard, is_dropped: bool) -> None:
    assert (faster_whisper._is_loop(segment) or faster_whisper._is_unlikely(segment)) is is_dropped


def test_the_toy_hears_what_it_was_told(tmp_path: Path) -> None:
    segments = [{"text": "Hola a todos", "start_s": 1.0, "end_s": 2.5, "english": "Hello all"}]
    toy: Recogniser = registry.load("asr", "scripted", locale="es", segments=segments)
    heard = toy.recognise(tmp_path / "any.wav")
    assert heard.locale == "es"
    [segment] = heard.segments
    assert [(word.text, word.start_s) for word in segment.words] == [(" Hola", 1.0), (" a", 1.5), (" todos", 2.0)]
    assert toy.recognise(tmp_path / "0.wav", into_english=True).segments[0].text == "Hello all"
    assert toy.recognise(tmp_path / "1.wav", into_english=True).segments == ()


def test_a_loop_never_reads_best() -> None:
    """Accented English heard as Latin was one endless word, at a log probability no sentence reaches."""

    class Model:
        def transcribe(self, samples: object, *, language: str, **_: object) -> tuple[list[_Heard], None]:
            heard = {
                "la": _Heard(" Selma" + "'a" * 90, 12.0, logprob=-0.15),
                "en": _Heard(" Good morning.", logprob=-0.41),
            }
            heard[language].tokens = [1] * 9
            return [heard[language]], None

    engine = object.__new__(faster_whisper.FasterWhisper)
    engine._model = Model()
    silence = np.zeros(16_000, np.float32)
    assert max(("la", "en"), key=lambda code: engine._fluency(silence, code)) == "en"


@pytest.mark.models
def test_the_language_is_found_without_writing_down_what_is_said(
    whisper: Recogniser, two_sentences: tuple[Path, tuple[float, float]], tmp_path: Path
) -> None:
    heard = whisper.recognise(two_sentences[0])
    assert whisper.find_language(two_sentences[0]) == (heard.locale, heard.language_probability)
    media.write_wav(tmp_path / "no.wav", np.zeros(32_000, np.float32), 16_000)
    assert whisper.find_language(tmp_path / "no.wav") is None
