"""Hy-MT over a tiny HunYuan model that was taught a lexicon: pulled, loaded, prompted, sampled the same every time."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from pydantic import ValidationError

from dub.errors import BadInput, EngineFailed, EngineUnavailable, LanguageNotSupported, WeightsMissing
from engines import registry, weights
from engines.translation import hy_mt
from engines.translation.routing import find_route
from engines.translation.transformers_model import Sampling, _drawn
from lang.bcp47 import Locale
from tests.engines.translation.conftest import Publish, keeps_the_contract
from tests.engines.translation.tiny_chat_checkpoint import hunyuan
from tests.engines.translation.tiny_checkpoints import WORDS

torch = pytest.importorskip("torch", reason="needs the studio extra")
pytest.importorskip("transformers", reason="needs the studio extra")
pytestmark = pytest.mark.usefixtures("pulled")

EN, ES, FR = map(Locale, ("en", "es", "fr"))


def prompt(name: str, text: str) -> str:
    return hy_mt.PROMPT.format(language=name, text=text)


@pytest.fixture(scope="module")
def pulled(tmp_path_factory: pytest.TempPathFactory, publish: Publish) -> None:
    checkpoint = tmp_path_factory.mktemp("hub") / "hy-mt"
    publish(hunyuan(checkpoint, {"es": "Spanish", "fr": "French"}, prompt), hy_mt.MODELS[0], "")


def load(**options: Any) -> hy_mt.HyMt:
    engine: hy_mt.HyMt = registry.load("translation", "hy-mt", **options)
    return engine


@pytest.mark.parametrize(("target", "ending"), [(ES, "es"), (FR, "fr")])
def test_each_language_is_answered_in_itself_line_by_line_whatever_the_batch(target: Locale, ending: str) -> None:
    lines = [*WORDS[:1], "", *WORDS[1:], "…", *(f"{word}." for word in WORDS), " dog\n"]
    expected = [
        f"{WORDS[0]}{ending}",
        "",
        *(f"{word}{ending}" for word in WORDS[1:]),
        "…",
        *(f"{word}{ending}." for word in WORDS),
        f"dog{ending}",
    ]
    engine = load(source=EN, target=target)
    assert engine.translate(lines, EN, target) == expected
    keeps_the_contract(engine, EN, target, lines)
    assert load(max_batch_tokens=1).translate(lines, EN, target) == expected


def test_sampling_draws_the_same_from_the_same_seed_whatever_else_was_drawn() -> None:
    """Of a flat distribution, so that every bit of luck shows."""
    model = load()._model
    warm = Sampling(temperature=4.0, top_k=50, top_p=1.0, repetition_penalty=1.0)
    asked = [model.prompt(prompt("Spanish", word)) for word in WORDS]

    def drawn(some: list[tuple[int, ...]], seed: int = 0) -> list[str | None]:
        return model.answers(some, warm, most_tokens=100, seed=seed)

    first = drawn(asked)
    assert len(set(first)) > 3, "it does draw"
    torch.rand(10)
    assert drawn(asked) == first
    assert drawn(asked[::-1]) == first[::-1]
    assert [drawn([one])[0] for one in asked] == first
    assert drawn(asked, seed=4) != first


def test_a_token_is_drawn_by_its_probability_within_top_k_and_top_p() -> None:
    logits = torch.log(torch.tensor([0.5, 0.3, 0.15, 0.05]))
    nobody = torch.tensor([], dtype=torch.long)

    def draws(sampling: Sampling, seen: Any = nobody) -> Counter[int]:
        generator = torch.Generator().manual_seed(1)
        return Counter(_drawn(logits, seen, sampling, generator) for _ in range(3000))

    free = draws(Sampling(1.0, 4, 1.0, 1.0))
    assert [round(free[token] / 3000, 1) for token in range(3)] == [0.5, 0.3, pytest.approx(0.15, abs=0.051)]
    assert set(draws(Sampling(1.0, 2, 1.0, 1.0))) == {0, 1}
    assert set(draws(Sampling(1.0, 4, 0.6, 1.0))) == {0, 1}, "the first to reach the share of 0.6 is still in"
    assert draws(Sampling(0.1, 4, 1.0, 1.0))[0] > 2900, "cold: nearly always the likeliest"
    assert draws(Sampling(1.0, 4, 1.0, 3.0), seen=torch.tensor([0]))[0] < 700, "said already: less likely"


def test_what_is_asked_names_the_language_as_its_makers_do() -> None:
    engine = load()
    decode = engine._model._tokenizer.decode
    for target, name in ((Locale("bn"), "Bengali"), (Locale("zh-Hant"), "Traditional Chinese"), (ES, "Spanish")):
        [piece] = engine._pieces(0, "dog.", target)
        asked = decode(list(piece.tokens))
        assert f"into {name}. Note" in asked
        assert asked.endswith("\n\ndog.<|assistant|>")
    long = "dog. " * 900
    pieces = list(engine._pieces(0, long, ES))
    assert len(pieces) == 900, "too long for one prompt: sentence by sentence"


def test_an_answer_without_end_or_words_is_refused() -> None:
    engine = load()
    [piece] = engine._pieces(0, "dog.", ES)
    with pytest.raises(EngineFailed, match=r"no end to 'dog\.'"):
        engine._checked(None, piece)
    with pytest.raises(EngineFailed, match=r"no words for 'dog\.'"):
        engine._checked(" ... ", piece)


def test_only_its_languages_devices_and_models_are_taken() -> None:
    with pytest.raises(LanguageNotSupported, match=r"hy-mt2-1\.8b does not translate en to sw"):
        load().translate(["dog"], EN, Locale("sw"))
    if not torch.cuda.is_available():
        with pytest.raises(EngineUnavailable, match=r'no CUDA device here\n.*device = "cpu"'):
            load(device="cuda")
    with pytest.raises(ValidationError, match="int8"):
        load(dtype="int8")
    with pytest.raises(BadInput, match="has no model 'hy-mt2-30b'"):
        find_route(EN, ES, ["hy-mt"], options={"hy-mt": {"model": "hy-mt2-30b"}})
    assert load(dtype="bfloat16").translate(["dog."], EN, ES) == ["doges."]


def test_missing_weights_say_what_to_pull() -> None:
    file = weights.folder(hy_mt.MODELS[0]) / "model.safetensors"
    away = file.with_suffix(".away")
    file.rename(away)
    try:
        with pytest.raises(WeightsMissing, match=r"polydub models pull hy-mt2-1\.8b"):
            load(seed=7)
    finally:
        away.rename(file)
