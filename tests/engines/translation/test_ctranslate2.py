"""The CTranslate2 engines over tiny checkpoints of the real architectures: pulled, converted, loaded, run."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from pydantic import ValidationError

from dub import progress
from dub.errors import BadInput, EngineFailed, EngineUnavailable, LanguageNotSupported, WeightsMissing
from engines import registry, weights
from engines.translation import madlad, nllb
from engines.translation.contract import Translator
from engines.translation.ctranslate2_translator import _ended
from engines.translation.pieces import is_loop
from engines.translation.routing import find_route, find_routes
from lang.bcp47 import Locale
from lang.engine_codes import codes_of
from tests.engines.translation import tiny_checkpoints
from tests.engines.translation.conftest import Publish, keeps_the_contract
from tests.engines.translation.tiny_checkpoints import WORDS, said

pytestmark = [pytest.mark.usefixtures("pulled")]
ctranslate2 = pytest.importorskip("ctranslate2", reason="needs the studio extra")
for library in ("sentencepiece", "sacremoses", "torch", "transformers"):
    pytest.importorskip(library, reason="needs the studio extra")

EN, ES, FR, JA, DE, AR = map(Locale, ("en", "es", "fr", "ja", "de", "ar"))
TAUGHT = {ES: "es", FR: "fr", JA: "ja"}
LINES = ["house.", "", "water", "red.  runs.\nsees", "…", "dog."]


@pytest.fixture(scope="module")
def pulled(tmp_path_factory: pytest.TempPathFactory, publish: Publish) -> None:
    """Every model of these tests, made, pulled and converted as `polydub models pull` does it."""
    place = tmp_path_factory.mktemp("hub")
    codes = {ending: nllb.CODES[locale] for locale, ending in TAUGHT.items()}
    publish(tiny_checkpoints.nllb(place / "nllb", codes), nllb.MODELS[0], "int8")
    codes = {ending: madlad.CODES[locale] for locale, ending in TAUGHT.items()}
    publish(tiny_checkpoints.madlad(place / "madlad", codes, set(madlad.CODES.values())), madlad.MODELS[0], "float32")
    codes = {ending: codes_of("m2m100")[locale] for locale, ending in TAUGHT.items()}
    publish(tiny_checkpoints.m2m100(place / "m2m100", codes), "m2m100-418m", "int8")
    publish(tiny_checkpoints.marian(place / "en-de", {"de": ""}), "opus-mt-en-de", "int8")
    publish(tiny_checkpoints.marian(place / "en-ar", {"ar": ">>ara<<", "xx": ">>acm<<"}), "opus-mt-en-ar", "int8")


def load(engine_id: str, **options: Any) -> Translator:
    loaded: Translator = registry.load("translation", engine_id, n_threads=1, **options)
    return loaded


MESHES = sorted(
    spec.id
    for (family, _), spec in registry.specs().items()
    if family == "translation" and "languages" in spec.capabilities and "ctranslate2" in spec.packages
)
"""Every engine of this runner that goes from any language to any: one that is added is tested without a word here."""
ENGINE_IDS = (*MESHES, "opus")
ENGINES = [
    *(
        pytest.param(mesh, target, ending, id=f"{mesh}-{target}")
        for mesh in MESHES
        for target, ending in TAUGHT.items()
    ),
    pytest.param("opus", DE, "de", id="opus-de"),
    pytest.param("opus", AR, "ar", id="opus-group-ar"),
]


@pytest.mark.parametrize(("engine_id", "target", "ending"), ENGINES)
def test_each_language_is_answered_in_itself_line_by_line(engine_id: str, target: Locale, ending: str) -> None:
    engine = load(engine_id, source=EN, target=target)
    expected = [
        f"house{ending}.",
        "",
        f"water{ending}",
        f"red{ending}. runs{ending}. sees{ending}",
        "…",
        f"dog{ending}.",
    ]
    assert engine.translate(LINES, EN, target) == expected
    keeps_the_contract(engine, EN, target, LINES)
    assert engine.translate(["", " … "], EN, target) == ["", "…"]


def test_a_line_is_answered_alike_whatever_its_batch() -> None:
    lines = [" ".join(WORDS[(start + i) % 6] for i in range(1 + start % 4)) + "." for start in range(40)]
    whole = load("nllb", max_batch_tokens=4096).translate(lines, EN, FR)
    assert whole == [said(line, "fr") for line in lines], "sorted by length for the batches, given back in order"
    assert load("nllb", max_batch_tokens=1).translate(lines, EN, FR) == whole
    assert load("nllb", max_batch_tokens=30).translate(lines[::-1], EN, FR) == whole[::-1]
    assert load("nllb", beam_size=1).translate(lines, EN, FR) == whole


def test_many_threads_may_ask_at_once() -> None:
    answers: dict[Locale, list[str]] = {}

    def ask(target: Locale) -> None:
        answers[target] = load("nllb", target=target).translate(["red house.", "dog runs."] * 5, EN, target)

    threads = [threading.Thread(target=ask, args=[target]) for target in TAUGHT]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {
        target: [said("red house.", ending), said("dog runs.", ending)] * 5 for target, ending in TAUGHT.items()
    }


def test_progress_counts_sentences() -> None:
    seen: list[tuple[int, int]] = []
    progress.listen(lambda done, total: seen.append((done, total)))
    try:
        load("nllb", max_batch_tokens=8).translate(["house dog. red water.", "", "dog."], EN, ES)
    finally:
        progress.listen(None)
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert seen[-1] == (3, 3)


@pytest.mark.parametrize("engine_id", MESHES)
def test_every_language_has_its_token_in_the_vocabulary(engine_id: str) -> None:
    engine: Any = load(engine_id)
    tokens_of = {}
    for locale in registry.spec("translation", engine_id).capabilities["languages"]:
        if locale != EN:
            tokens = engine._tokenizer.encode("dog", EN, locale)
            assert set(tokens) <= engine._model.vocabulary, locale
            tokens_of[locale] = (*tokens, *engine._tokenizer.target_prefix(locale))
    assert len(set(tokens_of.values())) == len(tokens_of), "no two languages are asked for alike"
    assert engine.routes() >= {(EN, ES), (ES, EN), (FR, JA)}


def test_what_is_said_cannot_steer_the_model() -> None:
    encode: Any = load("nllb")._tokenizer.encode  # type: ignore[attr-defined]
    assert encode("fra_Latn </s> dog", EN, ES).count("</s>") == 1
    assert "fra_Latn" not in encode("fra_Latn </s> dog", EN, ES)
    encode = load("madlad")._tokenizer.encode  # type: ignore[attr-defined]
    assert "<2fr>" not in encode("<2fr> dog", EN, ES)
    assert "<2es>" in encode("<2fr> dog", EN, ES)


def test_a_group_model_is_told_its_target_and_refuses_one_that_it_lacks() -> None:
    group: Any = load("opus", source=EN, target=AR)
    assert group._tokenizer.encode("dog", EN, AR)[0] == ">>ara<<"
    single: Any = load("opus", source=EN, target=DE)
    assert single._tokenizer.encode("dog", EN, DE)[0] == "▁dog"
    with pytest.raises(EngineUnavailable, match=r"no token for hu, only >>acm<<, >>ara<<"):
        group._tokenizer.encode("dog", EN, Locale("hu"))


def test_opus_normalises_punctuation_as_its_training_texts_were() -> None:
    engine = load("opus", source=EN, target=DE)
    assert engine.translate(["“dog”"], EN, DE) == engine.translate(['"dog"'], EN, DE)


def test_a_sentence_too_long_for_the_model_is_cut_between_words_and_loses_none() -> None:
    engine: Any = load("nllb")
    long = " ".join(WORDS[i % 6] for i in range(900))
    pieces = list(engine._pieces(0, f"dog. {long}", EN, ES))
    assert " ".join(piece.text for piece in pieces) == f"dog. {long}"
    assert max(len(piece.tokens) for piece in pieces) <= 200
    unspaced = "水" * 1500
    assert "".join(piece.text for piece in engine._pieces(0, unspaced, JA, ES)) == unspaced


def test_what_loops_or_does_not_end_is_tried_again_with_guards_then_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    engine: Any = load("nllb")
    run, tries = engine._run, []

    def stuck(pieces: Any, target: Locale, **guards: Any) -> list[list[str] | None]:
        tries.append(guards)
        return run(pieces, target) if guards and len(tries) < 3 else [None] * len(pieces)

    monkeypatch.setattr(engine, "_run", stuck)
    assert engine.translate(["dog."], EN, ES) == ["doges."]
    assert tries == [{}, {"no_repeat_ngram_size": 4, "repetition_penalty": 1.1}]
    with pytest.raises(EngineFailed, match=r"finds no end to 'red dog\.'"):
        engine.translate(["house.", "red dog."], EN, ES)


def test_a_loop_is_told_from_what_is_said_twice() -> None:
    assert is_loop([*"abcd"] * 3, [*"xyz"])
    assert not is_loop(["ha"] * 7, ["ah"] * 7)
    assert not is_loop([*"abcdeabcd"], [*"x"])
    assert _ended(["a", "</s>"]) == ["a"]
    assert _ended(["a", "b"]) is None


@pytest.mark.parametrize("engine_id", ENGINE_IDS)
def test_a_wrong_device_compute_type_model_or_pair_is_refused_with_its_mend(engine_id: str) -> None:
    route = {"source": EN, "target": DE}
    if not ctranslate2.get_cuda_device_count():
        with pytest.raises(EngineUnavailable, match=r'no CUDA device here\n.*device = "cpu"'):
            load(engine_id, device="cuda", **route)
        assert load(engine_id, device="auto", **route).routes()
    if "float16" not in ctranslate2.get_supported_compute_types("cpu"):
        with pytest.raises(EngineUnavailable, match=r"cpu does not compute in float16\n.*float32"):
            load(engine_id, device="cpu", compute_type="float16", **route)
    with pytest.raises(ValidationError, match="bf8"):
        load(engine_id, compute_type="bf8", **route)
    with pytest.raises(LanguageNotSupported):
        load(engine_id, **route).translate(["dog"], EN, Locale("tlh"))
    taught = DE if engine_id == "opus" else ES
    assert load(engine_id, compute_type="float32", **route).translate(["dog."], EN, taught) == [f"dog{taught}."]


def test_missing_weights_say_what_to_pull() -> None:
    with pytest.raises(BadInput, match="no model is called"):
        load("nllb", model="nllb-200-3.3b")
    file = weights.folder(madlad.MODELS[0]) / "tokenizer.json"
    away = file.with_suffix(".away")
    file.rename(away)
    try:
        with pytest.raises(WeightsMissing, match="polydub models pull madlad-400-3b-mt"):
            load("madlad", beam_size=2)
    finally:
        away.rename(file)
    with pytest.raises(WeightsMissing, match="polydub models pull opus-mt-en-fi"):
        find_route(EN, Locale("fi"), ["opus"])


def test_a_model_is_in_memory_once_for_all_its_languages() -> None:
    one, other = load("nllb", source=EN, target=ES), load("nllb", source=EN, target=FR)
    assert one is not other
    assert one._model is other._model  # type: ignore[attr-defined]


def test_routes_name_the_model_of_a_pair_and_pass_by_one_that_is_not_pulled() -> None:
    [hop] = find_route(EN, DE, ["opus", "nllb"], options={"opus": {"beam_size": 2}})
    assert hop.options == {"source": "en", "target": "de", "beam_size": 2, "model": "opus-mt-en-de"}
    [hop] = find_route(EN, Locale("fi"), ["opus", "nllb"])
    assert hop.id == "nllb"
    ways = find_routes(ES, FR, ["nllb", "madlad", "opus"])
    assert [[choice.id for choice in way] for way in ways] == [["nllb"], ["madlad"]]
    assert ways[0][0].fingerprint != find_route(ES, JA, ["nllb"])[0].fingerprint


def test_ways_to_every_language_are_found_at_once() -> None:
    started = time.process_time()
    for target in nllb.CODES:
        if target != EN:
            assert find_routes(EN, target, ["nllb", "madlad"])
    assert time.process_time() - started < 0.3, "0.02 s on a machine at work"
