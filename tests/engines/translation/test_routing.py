"""Routes over real engine tables: which way is taken, and what is said when there is none."""

from __future__ import annotations

import pytest

from dub.errors import EngineUnavailable, LanguageNotSupported
from engines.spec import EngineSpec
from engines.translation import routing
from engines.translation.routing import Edges, best_path, find_route, hops, paths_from, tier_of
from lang.bcp47 import Locale

ENGINES = ("bergamot", "apertium")
EDGES = hops(ENGINES)


def way(source: str, target: str, edges: Edges = EDGES) -> list[str]:
    return [f"{hop.engine.id} {hop.source}-{hop.target}" for hop in best_path(Locale(source), Locale(target), edges)]


@pytest.fixture(autouse=True)
def everything_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routing, "is_installed", lambda hop: True)


@pytest.mark.parametrize(
    ("source", "target", "expected", "tier"),
    [
        ("en", "pt-BR", ["bergamot en-pt-BR"], "good"),
        ("en-US", "es", ["bergamot en-pt-BR", "apertium pt-es"], "fair"),
        ("en", "ca", ["bergamot en-pt-BR", "apertium pt-ca"], "fair"),
        ("en", "gl", ["bergamot en-pt-BR", "apertium pt-gl"], "fair"),
        ("en", "it", ["bergamot en-pt-BR", "apertium pt-es", "apertium es-it"], "demo"),
        ("en", "fr", ["bergamot en-pt-BR", "apertium pt-ca", "apertium ca-fr"], "demo"),
        ("en", "es-MX", ["bergamot en-pt-BR", "apertium pt-es"], "fair"),
        ("es", "ca", ["apertium es-ca"], "fair"),
        ("es", "en", ["apertium es-pt-BR", "bergamot pt-en"], "fair"),
    ],
)
def test_the_best_way_is_taken(source: str, target: str, expected: list[str], tier: str) -> None:
    assert way(source, target) == expected
    assert tier_of(best_path(Locale(source), Locale(target), EDGES)) == tier


def test_missing_data_is_passed_by_only_where_another_way_is_as_good(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routing, "is_installed", lambda hop: (hop.source, hop.target) != ("es", "ca"))
    assert way("es", "ca") == ["apertium es-pt-BR", "apertium pt-ca"]
    monkeypatch.setattr(routing, "is_installed", lambda hop: (hop.source, hop.target) != ("pt", "es"))
    assert way("en", "es") == ["bergamot en-pt-BR", "apertium pt-ca", "apertium ca-es"]
    monkeypatch.setattr(routing, "is_installed", lambda hop: hop.engine.id == "bergamot")
    assert way("en", "es") == ["bergamot en-pt-BR", "apertium pt-es"], "to be refused by name when it is loaded"


def test_no_way_names_what_is_near() -> None:
    with pytest.raises(LanguageNotSupported, match=r"did you mean pt-BR \(Portuguese \(Brazil\)\)"):
        find_route(Locale("en"), Locale("pt-PT"), ENGINES)
    with pytest.raises(LanguageNotSupported, match=r"German.*\n.*es \(Spanish\)"):
        find_route(Locale("en"), Locale("de"), ENGINES)


def test_a_source_that_no_engine_takes_goes_by_english_only_when_its_english_is_there() -> None:
    with pytest.raises(LanguageNotSupported):
        find_route(Locale("ru"), Locale("pt-BR"), ["bergamot"])
    [hop] = find_route(Locale("ru"), Locale("pt-BR"), ["bergamot"], has_english=True)
    assert hop.options == {"source": "en", "target": "pt-BR"}
    assert find_route(Locale("ru"), Locale("en"), ["bergamot"], has_english=True) == ()


def test_the_same_language_needs_no_engine() -> None:
    assert find_route(Locale("en-GB"), Locale("en"), ENGINES) == ()


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    from engines.translation import apertium

    monkeypatch.setattr(apertium, "DATA", tmp_path)
    monkeypatch.setattr(apertium, "_program", lambda: "apertium")
    with pytest.raises(EngineUnavailable, match="apt-get install --no-install-recommends apertium-es-pt"):
        find_route(Locale("en"), Locale("es"), ENGINES)


def test_choices_differ_in_fingerprint_by_hop() -> None:
    one = find_route(Locale("en"), Locale("ja"), ["pseudo"])
    other = find_route(Locale("en"), Locale("de"), ["pseudo"])
    assert one[0].fingerprint != other[0].fingerprint


def engine(engine_id: str, **capabilities: object) -> EngineSpec:
    return EngineSpec(engine_id, "translation", 1, "", load=lambda: None, capabilities=capabilities)


def mesh(engine_id: str, **tiers: str) -> EngineSpec:
    return engine(engine_id, languages={Locale(tag): tier for tag, tier in tiers.items()})


def test_an_engine_from_any_to_any_is_as_good_as_the_worse_of_the_two_languages() -> None:
    edges = Edges([mesh("many", en="good", es="good", sw="fair", ace="demo")])
    assert way("es", "en", edges) == ["many es-en"]
    tiers = {
        (source, target): tier_of(best_path(Locale(source), Locale(target), edges))
        for source, target in (("en", "es"), ("es", "sw"), ("sw", "es"), ("ace", "sw"))
    }
    assert list(tiers.values()) == ["good", "fair", "fair", "demo"]
    assert set(paths_from(Locale("es"), edges)) == {"en", "sw", "ace"}
    with pytest.raises(LanguageNotSupported):
        best_path(Locale("fr"), Locale("es"), edges)


def test_engines_from_any_to_any_are_joined_where_neither_has_both_languages() -> None:
    one, other = mesh("one", en="good", es="good", sw="fair"), mesh("other", en="good", sw="good", ace="fair")
    assert way("es", "ace", Edges([one, other])) == ["one es-en", "other en-ace"]
    assert way("es", "sw", Edges([one, other])) == ["one es-en", "other en-sw"], "two good hops before a fair one"
    assert way("en", "es", Edges([one, mesh("twin", en="good", es="good")])) == ["one en-es"], (
        "the plan's order decides"
    )


def test_a_mesh_is_entered_again_by_a_better_language() -> None:
    """From ace the mesh is demo to everything; by way of en, which a pair reaches well, it is good."""
    edges = Edges(
        [mesh("many", ace="demo", en="good", es="good"), engine("pair", tiers={(Locale("ace"), Locale("en")): "good"})]
    )
    assert way("ace", "es", edges) == ["pair ace-en", "many en-es"]


def test_regions_are_served_by_the_bare_language_of_a_mesh_and_the_other_way() -> None:
    edges = Edges(
        [mesh("many", en="good", pt="good", es="good"), engine("br", tiers={(Locale("en"), Locale("pt-BR")): "good"})]
    )
    assert way("en-US", "es-MX", edges) == ["many en-es"]
    assert way("en", "pt-BR", edges) == ["br en-pt-BR"], "the very locale before the language, where both are as good"
    assert way("en", "pt-PT", edges) == ["many en-pt"]


def test_an_error_does_not_list_four_hundred_languages() -> None:
    with pytest.raises(LanguageNotSupported, match=r"\d+ more \(polydub languages\)") as caught:
        find_route(Locale("en"), Locale("tlh"), ["madlad"])
    assert len(str(caught.value)) < 1500


@pytest.mark.parametrize(
    ("target", "reached"),
    [("zh-Hant-TW", "zh-Hant"), ("zh-Hant", "zh-Hant"), ("sr-Latn", "sr"), ("uz-Cyrl", "uz"), ("es-MX", "es")],
)
def test_another_script_is_reached_by_its_own_or_by_one_that_can_be_converted(target: str, reached: str) -> None:
    [*_, last] = best_path(Locale("en"), Locale(target), hops(["nllb"]))
    assert last.target == reached


def test_a_script_that_nothing_writes_or_converts_is_not_reached() -> None:
    with pytest.raises(LanguageNotSupported):
        best_path(Locale("en"), Locale("pa-Arab"), hops(["nllb"]))
