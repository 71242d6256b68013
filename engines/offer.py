"""What a plan offers: the locales that its engines can both translate into and speak, computed, never listed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Literal

from dub.artifact import Record
from dub.plan import Plan
from engines import registry
from engines.spec import EngineSpec, Family, LicenceClass
from engines.translation.network import TIERS, Hop, cost_of, tier_of
from engines.translation.routing import ENGLISH, hops, paths_from
from lang.bcp47 import Locale
from lang.language import Tier
from lang.registry import language, name_of

Policy = Literal["permissive", "any"]
Clone = Literal["native", "fitted", "converted", "none"]

LICENCES: tuple[LicenceClass, ...] = ("permissive", "copyleft", "terms", "noncommercial")
"""The freest first."""


class OfferedLocale(Record):
    """One locale that a plan can dub into.

    `route`: the engines and hops, from English. `translation_tier`: `good`, `fair` or `demo`, the worst of the hops.
    `language_tier`: the registry's, A best. `voice`: the engine that speaks it; `voice_locale`: as which locale of the
    engine's own, in another script where the text is converted for it (`zh` for `zh-Hant`). `clone`: `native` (the
    engine takes the speaker's voice by itself), `fitted` (a voice of the engine's is fitted to the speaker, as Kokoro's
    styles are, and called cloned only where an encoder takes it for theirs), `converted` (another's speech is turned
    into their voice afterwards) or `none`. `licences`: the strictest licence class on the way.
    """

    locale: Locale
    name: str
    autonym: str
    route: tuple[str, ...]
    translation_tier: str
    language_tier: Tier
    voice: str
    voice_locale: Locale
    clone: Clone
    licences: LicenceClass


class Counts(Record):
    """What an offer adds up to. `languages`: a language counts once however many regions it is offered in, and once
    per script; the other counts are of languages too, each by the best of its locales."""

    locales: int
    languages: int
    by_language_tier: dict[str, int]
    by_translation_tier: dict[str, int]
    by_clone: dict[str, int]
    by_licences: dict[str, int]


def offered(plan: Plan, policy: str = "any") -> tuple[OfferedLocale, ...]:
    """Every locale that the plan's engines reach from English and speak, and English itself where some language is
    translated into it; the best translation first, then by tag.

    `policy` "permissive" passes over every engine under another licence: a locale takes the first that is left in each
    list. An engine that is not installed counts: the list says what the plan can do, `polydub doctor` what is missing
    here. A voice engine of every locale (a toy) is asked for the translation engines' targets.
    """
    rows = [row for locale in _candidates(plan, policy) if (row := _offer(plan, locale, policy)) is not None]
    return tuple(sorted(rows, key=lambda row: (TIERS.index(row.translation_tier), row.locale)))


def spoken_when_given(plan: Plan, policy: str = "any") -> tuple[Locale, ...]:
    """Languages that some voice of the plan speaks and that it translates into by nothing: for lines that are given.
    One locale for each way of writing a language, in the order of the tags."""
    offers = {row.locale.written for row in offered(plan, policy)}
    voices = {*plan.tts, *(own for one in plan.locales.values() for own in one.tts)}
    spoken = {
        locale.written
        for voice_id in allowed_ids("tts", sorted(voices), policy)
        for locale in registry.spec("tts", voice_id).locales or ()
    }
    return tuple(sorted(locale for locale in spoken - offers if locale.language != ENGLISH.language))


def counted(rows: Iterable[OfferedLocale]) -> Counts:
    """The counts of an offer."""
    of_language: dict[Locale, list[OfferedLocale]] = {}
    n_locales = 0
    for row in rows:
        of_language.setdefault(row.locale.written, []).append(row)
        n_locales += 1
    clones: tuple[str, ...] = ("native", "converted", "fitted", "none")

    def best(field: str, order: tuple[str, ...]) -> dict[str, int]:
        counter = Counter(min((getattr(row, field) for row in rows), key=order.index) for rows in of_language.values())
        return {value: counter[value] for value in order if counter[value]}

    return Counts(
        locales=n_locales,
        languages=len(of_language),
        by_language_tier=best("language_tier", ("A", "B", "C", "D", "")),
        by_translation_tier=best("translation_tier", TIERS),
        by_clone=best("clone", clones),
        by_licences=best("licences", LICENCES),
    )


def _candidates(plan: Plan, policy: str) -> list[Locale]:
    """Every locale that some voice speaks or some translation ends in; a bare language only where the locale that it
    means is not there itself (`pt-BR`, not `pt` beside it)."""
    engines = {*plan.translation, *(own for one in plan.locales.values() for own in one.translation)}
    voices = {*plan.tts, *(own for one in plan.locales.values() for own in one.tts)}
    found = {ENGLISH, *plan.locales, *paths_from(ENGLISH, hops(allowed_ids("translation", sorted(engines), policy)))}
    for voice_id in voices:
        found |= registry.spec("tts", voice_id).locales or frozenset()
    return [locale for locale in sorted(found) if _stands_for_itself(locale, found)]


def _stands_for_itself(locale: Locale, found: set[Locale]) -> bool:
    if locale.language == ENGLISH.language:
        return locale == ENGLISH
    tongue = language(locale)
    return locale != tongue.locale or locale == tongue.default_locale or tongue.default_locale not in found


def _offer(plan: Plan, locale: Locale, policy: str) -> OfferedLocale | None:
    voices = [registry.spec("tts", engine_id) for engine_id in allowed_ids("tts", plan.voices_for(locale), policy)]
    voice = next((spec for spec in voices if spec.supports(locale)), None)
    translators = allowed_ids("translation", plan.translators_for(locale), policy)
    path = _into_english(translators) if locale == ENGLISH else _path(locale, translators)
    if voice is None or not path:
        return None
    tongue = language(locale)
    return OfferedLocale(
        locale=locale,
        name=name_of(locale),
        autonym=tongue.autonym,
        route=tuple(f"{hop.engine.id} {hop.source}-{hop.target}" for hop in path),
        translation_tier=tier_of(path),
        language_tier=tongue.tier,
        voice=voice.id,
        voice_locale=voice.locale_for(locale) or locale,
        clone=_clone(voice),
        licences=max((*(hop.engine.licence_class for hop in path), voice.licence_class), key=LICENCES.index),
    )


def _path(locale: Locale, translators: tuple[str, ...]) -> tuple[Hop, ...]:
    """The best way from English that ends in the locale's own script; () where there is none."""
    ways = hops(translators).ways_from(ENGLISH).ending_at(locale)
    written = [path for path in ways if path[-1].target.written == locale.written]
    return min(written, key=lambda path: (cost_of(path), path[-1].target != locale), default=())


def _into_english(translators: tuple[str, ...]) -> tuple[Hop, ...]:
    """The best single step into English, from the first source of those that are translated best."""
    steps = []
    for engine_id in translators:
        spec = registry.spec("translation", engine_id)
        pairs = {source: tier for (source, to), tier in spec.capabilities.get("tiers", {}).items() if to == ENGLISH}
        languages = spec.capabilities.get("languages", {})
        if ENGLISH in languages:
            pairs |= {source: tier for source, tier in languages.items() if source != ENGLISH}
        steps += [Hop(spec, source, ENGLISH, tier) for source, tier in sorted(pairs.items())]
    return tuple(sorted(steps, key=lambda hop: TIERS.index(hop.tier))[:1])


def _clone(voice: EngineSpec) -> Clone:
    can = voice.capabilities
    if can.get("converts"):
        return "converted"
    if can.get("clones"):
        return "native"
    return "fitted" if can.get("fits_voices") and can.get("clones") is not False else "none"


def allowed_ids(family: Family, engine_ids: Iterable[str], policy: str) -> tuple[str, ...]:
    """The engines that the policy allows, in their order."""
    return tuple(engine_id for engine_id in engine_ids if is_allowed(registry.spec(family, engine_id), policy))


def is_allowed(spec: EngineSpec, policy: str) -> bool:
    """Whether an engine may be used under a licence policy."""
    return policy != "permissive" or spec.licence_class == "permissive"
