"""The offer is computed from what the engines say of themselves, and its counts are those of the data."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pytest

from dub.errors import BadInput
from dub.plan import Job, LocalePlan, Plan
from engines import registry
from engines.offer import OfferedLocale, counted, is_allowed, offered, spoken_when_given
from engines.translation.network import TIERS
from engines.translation.routing import find_route
from flows.preflight import find_voice, find_ways, read_plan
from lang.bcp47 import Locale
from lang.registry import language, languages

PLAN = Plan(
    name="test",
    separation="passthrough",
    asr="faster-whisper",
    translation=("bergamot", "apertium"),
    tts=("kokoro",),
    speaker=("long-term-spectrum",),
    face="nobody",
    lipsync="untouched",
    speech_quality="level",
    language_id="py3langid",
)

PROFILES = [(profile, policy) for profile in ("embedded", "studio") for policy in ("any", "permissive")]


@lru_cache
def _rows(profile: str, policy: str) -> dict[Locale, OfferedLocale]:
    return {row.locale: row for row in offered(read_plan(profile), policy)}


def test_the_embedded_engines_offer_what_they_translate_and_speak() -> None:
    rows = {row.locale: row for row in offered(PLAN)}
    assert {"pt-BR", "es", "ca", "it", "fr"} <= set(rows)
    assert "pt" not in rows
    assert "gl" not in rows, "translated, but the voice does not speak it"
    assert rows["pt-BR"].translation_tier == "good"
    assert rows["es"].translation_tier == "fair"
    assert rows["es"].route == ("bergamot en-pt-BR", "apertium pt-es")
    assert rows["fr"].translation_tier == "demo"
    assert rows["ca"].licences == "copyleft"
    assert rows["es"].clone == "fitted"
    assert rows["es"].language_tier == "A"


def test_english_is_offered_to_those_who_speak_what_is_translated_into_it() -> None:
    rows = {row.locale: row for row in offered(PLAN)}
    assert rows["en"].route == ("bergamot pt-en",)
    assert "en" not in {row.locale for row in offered(PLAN.model_copy(update={"translation": ("apertium",)}))}


def test_the_policy_takes_engines_out_of_the_offer() -> None:
    assert offered(PLAN, policy="permissive") == ()
    toys = PLAN.model_copy(update={"tts": ("tone",)})
    assert {row.locale for row in offered(toys, policy="permissive")} == {"pt-BR", "en"}
    assert {"gl", "es", "oc"} <= {row.locale for row in offered(toys)}


def test_the_best_translation_comes_first() -> None:
    tiers = [row.translation_tier for row in offered(PLAN)]
    assert tiers == sorted(tiers, key=TIERS.index)


def test_a_locale_may_have_engines_of_its_own() -> None:
    plan = PLAN.model_copy(update={"tts": ("kokoro", "espeak"), "locales": {Locale("es"): LocalePlan(tts=("espeak",))}})
    rows = {row.locale: row for row in offered(plan)}
    assert (rows["es"].voice, rows["es"].clone) == ("espeak", "none")
    assert rows["it"].voice == "kokoro"


def test_a_text_is_spoken_by_the_voice_of_another_script_that_it_converts_into() -> None:
    rows = {row.locale: row for row in offered(PLAN.model_copy(update={"translation": ("nllb",), "tts": ("espeak",)}))}
    assert (rows["zh-Hant"].voice_locale, rows["zh"].voice_locale) == ("zh", "zh")
    assert rows["zh-Hant"].route == ("nllb en-zh-Hant",)
    assert "ks-Deva" not in rows, "no voice reads it and nothing converts it"


@pytest.mark.parametrize(
    ("engine", "asked", "spoken"),
    [
        ("espeak", "es-MX", "es-419"),
        ("espeak", "es-ES", "es"),
        ("espeak", "ca-valencia", "ca-valencia"),
        ("kokoro", "en-AU", "en"),
        ("omnivoice", "zh-TW", "zh"),
        ("mms", "uz", "uz-Cyrl"),
        ("espeak", "ks-Deva", None),
    ],
)
def test_a_voice_does_a_locale_as_the_nearest_wide_one_of_its_own(engine: str, asked: str, spoken: str | None) -> None:
    assert registry.spec("tts", engine).locale_for(Locale(asked)) == spoken


@pytest.mark.parametrize(("profile", "policy"), PROFILES)
def test_every_offered_locale_can_be_translated_and_spoken_under_its_policy(profile: str, policy: str) -> None:
    plan = read_plan(profile)
    for locale, row in _rows(profile, policy).items():
        assert language(locale), locale
        voice = registry.spec("tts", row.voice)
        assert voice.supports(locale)
        assert is_allowed(voice, policy)
        earlier = plan.voices_for(locale)[: plan.voices_for(locale).index(row.voice)]
        for engine_id in earlier:
            passed_over = registry.spec("tts", engine_id)
            assert not passed_over.supports(locale) or not is_allowed(passed_over, policy), locale
        assert row.route
        engines = [step.split()[0] for step in row.route]
        assert set(engines) <= set(plan.translators_for(locale))
        assert all(is_allowed(registry.spec("translation", engine_id), policy) for engine_id in engines)


@pytest.mark.parametrize("profile", ["embedded", "studio"])
def test_no_engine_of_a_profile_speaks_of_an_unknown_language(profile: str) -> None:
    plan = read_plan(profile)
    for family, engine_ids in (("tts", plan.tts), ("translation", plan.translation)):
        for engine_id in engine_ids:
            for locale in registry.spec(family, engine_id).locales or ():  # type: ignore[arg-type]
                assert language(locale).locale.language == locale.language
    for locale in plan.locales:
        assert language(locale)


def test_the_offer_is_the_route_that_a_run_takes() -> None:
    for row in offered(PLAN):
        if row.locale != "en":
            way = find_route(Locale("en"), row.locale, PLAN.translation)
            assert row.route == tuple(f"{hop.id} {hop.options['source']}-{hop.options['target']}" for hop in way)


def test_a_run_passes_over_what_the_policy_forbids_as_the_offer_does() -> None:
    plan = PLAN.model_copy(
        update={"policy": "permissive", "translation": ("apertium", "bergamot"), "tts": ("kokoro", "tone")}
    )
    [row] = [row for row in offered(plan, plan.policy) if row.locale != "en"]
    job = Job(source=Path("talk.mp4"), targets=(row.locale,), out=Path("out"))
    [[hop]] = find_ways(job, plan, Locale("en"), row.locale)
    assert (row.locale, hop.id, find_voice(plan, row.locale).id) == ("pt-BR", "bergamot", "tone")
    with pytest.raises(BadInput, match="licences"):
        find_voice(plan.model_copy(update={"tts": ("kokoro",)}), row.locale)


@pytest.mark.parametrize(("profile", "policy"), PROFILES)
def test_the_counts_are_those_of_the_rows(profile: str, policy: str) -> None:
    rows = _rows(profile, policy)
    counts = counted(rows.values())
    tongues = {locale.written for locale in rows}
    assert counts.locales == len(rows)
    assert counts.languages == len(tongues)
    for part in (counts.by_language_tier, counts.by_translation_tier, counts.by_clone, counts.by_licences):
        assert sum(part.values()) == len(tongues)
    tiers = [language(tongue).tier for tongue in tongues]
    assert {tier: tiers.count(tier) for tier in set(tiers)} == counts.by_language_tier


@pytest.mark.parametrize("policy", ["any", "permissive"])
def test_what_the_studio_offers_is_what_the_engines_lists_say(policy: str) -> None:
    """Counted another way: a language is offered when, by the lists themselves, one allowed engine translates it and
    one allowed voice speaks it; no routes and no offer."""
    plan = read_plan("studio")
    translated = _in_lists("translation", plan.translation, policy)
    spoken = _in_lists("tts", plan.tts, policy)
    convertible = {
        tongue for tongue, row in languages().items() if any(_kin(tongue, to) in spoken for to in row.converts_to)
    }
    expected = {tongue for tongue in languages() if tongue in translated and tongue in spoken | convertible}
    assert {locale.written for locale in _rows("studio", policy)} == expected


def test_the_studio_speaks_every_language_of_the_tiers_a_and_b() -> None:
    counts = counted(_rows("studio", "any").values())
    assert counts.by_language_tier["A"] + counts.by_language_tier["B"] >= 184
    missing = {tongue for tongue, row in languages().items() if row.tier in ("A", "B")} - {
        locale.written for locale in _rows("studio", "any")
    }
    assert missing <= {"doi"}, "Dogri's only translation engine is IndicTrans2, which the profile may lack"


def _in_lists(family: str, engine_ids: tuple[str, ...], policy: str) -> set[Locale]:
    specs = [registry.spec(family, engine_id) for engine_id in engine_ids]  # type: ignore[arg-type]
    return {locale.written for spec in specs if is_allowed(spec, policy) for locale in spec.locales or ()}


def _kin(tongue: Locale, script: str) -> Locale:
    return Locale(f"{tongue.language}-{script}")


def test_a_language_with_a_voice_and_no_translation_is_spoken_when_given() -> None:
    plan = read_plan("embedded")
    given = spoken_when_given(plan)
    assert {"sw", "ja", "uz"} <= set(given)
    assert not {row.locale.written for row in offered(plan)} & set(given)
    assert all(any(registry.spec("tts", voice).supports(locale) for voice in plan.tts) for locale in given)
