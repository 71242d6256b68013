"""engines/translation/contract.py, held against every translation engine of the registry."""

from __future__ import annotations

import shutil

import pytest

from dub.errors import LanguageNotSupported, WeightsMissing
from engines import registry
from engines.spec import EngineSpec
from engines.translation import apertium
from engines.translation.network import TIERS
from engines.translation.routing import best_path, hops
from lang.bcp47 import Locale
from lang.registry import language
from tests.engines.translation.conftest import keeps_the_contract

SPECS = [spec for (family, _), spec in sorted(registry.specs().items()) if family == "translation"]
LINES = ["Good morning.", "", "1969", "This is a house. It is red.", "…"]


@pytest.mark.models
@pytest.mark.parametrize("spec", [spec for spec in SPECS if spec.extra != "studio"], ids=lambda spec: spec.id)
def test_an_engine_of_the_embedded_profile_keeps_the_contract(spec: EngineSpec) -> None:
    if spec.id == "apertium" and not (shutil.which("apertium") and (apertium.DATA / "modes/pt-es.mode").is_file()):
        pytest.skip("needs Debian's apertium and apertium-es-pt (make tools)")
    engine = registry.load("translation", spec.id)
    keeps_the_contract(engine, *min(engine.routes()), LINES)


def test_every_other_engine_is_held_to_it_over_tiny_weights() -> None:
    """By test_ctranslate2.py, which finds those that go from any language to any, and by test_transformers.py."""
    others = {spec.id for spec in SPECS if spec.extra == "studio"} - {"opus", "hy-mt"}
    for spec in SPECS:
        if spec.id in others:
            assert "ctranslate2" in spec.packages, spec.id
            assert "languages" in spec.capabilities, spec.id


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.id)
def test_what_it_says_of_itself_is_whole(spec: EngineSpec) -> None:
    pairs, mesh = spec.capabilities.get("tiers", {}), spec.capabilities.get("languages", {})
    assert bool(pairs) != bool(mesh), "its pairs, or its languages if it goes from any to any"
    assert {*pairs.values(), *mesh.values()} <= set(TIERS)
    assert spec.locales == frozenset(mesh) | {target for _, target in pairs}
    for locale in {*mesh, *(locale for pair in pairs for locale in pair)}:
        assert language(locale), "every language is one of the registry's"
    assert spec.is_toy or spec.weights_licence != "none"
    assert (spec.licence_class == "noncommercial") == ("-NC-" in spec.weights_licence)


@pytest.mark.parametrize("spec", [spec for spec in SPECS if spec.extra == "studio"], ids=lambda spec: spec.id)
def test_a_hub_engine_without_its_weights_says_how_to_get_them(
    spec: EngineSpec, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setenv("POLYDUB_HOME", str(tmp_path))
    with pytest.raises(WeightsMissing, match=rf"mend: polydub models pull ({'|'.join(spec.models)})"):
        spec.load(source="en", target="de")


def test_refused_languages_are_an_error_of_their_own() -> None:
    with pytest.raises(LanguageNotSupported, match="opus does not translate en to tlh"):
        registry.load("translation", "opus", source="en", target="tlh")


def test_a_language_goes_to_the_engine_that_is_good_at_it() -> None:
    """Field tests found the many-language models weak in Chinese and Japanese, which Hy-MT2 is good at."""
    edges = hops(["nllb", "madlad", "hy-mt"])
    for tag, engine_id, tier in (("ja", "hy-mt", "good"), ("zh", "hy-mt", "good"), ("ace", "nllb", "fair")):
        [hop] = best_path(Locale("en"), Locale(tag), edges)
        assert (hop.engine.id, hop.tier) == (engine_id, tier)
    [hop] = best_path(Locale("en"), Locale("ja"), hops(["nllb", "madlad"]))
    assert (hop.engine.id, hop.tier) == ("nllb", "fair")
