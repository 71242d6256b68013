"""What a plan offers: the locales that its engines can both translate into and speak, computed, never listed."""

from __future__ import annotations

from typing import Literal

from dub.artifact import Record
from dub.plan import Plan
from engines import registry
from engines.spec import EngineSpec
from engines.translation.routing import ENGLISH, TIERS, Hop, best_path, hops, paths_from, tier_of
from lang.bcp47 import Locale
from lang.language import Language
from lang.registry import language, name_of

Policy = Literal["permissive", "any"]


class OfferedLocale(Record):
    """One locale that a plan can dub into.

    `route`: the engines and hops, from English. `tier`: `good`, `fair` or `demo`, the worst of the hops. `voice`: the
    engine that speaks it. `clone`: `fitted` (its voice is fitted to the speaker), `native` (it clones by itself) or
    `none`. `licences`: the strictest licence class on the way.
    """

    locale: Locale
    name: str
    autonym: str
    route: tuple[str, ...]
    tier: str
    voice: str
    clone: str
    licences: str


def offered(plan: Plan, policy: str = "any") -> tuple[OfferedLocale, ...]:
    """Every locale that the plan's engines reach from English and speak, best tier first, then by tag.

    `policy` "permissive" leaves out every engine under another licence. An engine that is not installed counts: the
    list says what the plan can do, `polydub doctor` what is missing here. A voice engine of every locale (a toy) is
    asked for the translation engines' targets.
    """
    voices = [spec for spec in (registry.spec("tts", engine_id) for engine_id in plan.tts) if _allowed(spec, policy)]
    translators = [
        engine_id for engine_id in plan.translation if _allowed(registry.spec("translation", engine_id), policy)
    ]
    edges = hops(translators)
    reached = paths_from(ENGLISH, edges)
    voice_of: dict[Locale, EngineSpec] = {}
    for voice in voices:
        for locale in voice.locales if voice.locales is not None else frozenset(reached):
            voice_of.setdefault(locale, voice)
    rows = []
    for locale, voice in voice_of.items():
        tongue = language(locale)
        is_alias = locale == tongue.locale != tongue.default_locale and tongue.default_locale in voice_of
        is_reached = any(target.language == locale.language for target in reached)
        if is_alias or locale.language == ENGLISH.language or not is_reached:
            continue
        if (path := _path(locale, edges)) is not None:
            rows.append(_row(locale, tongue, path, voice))
    return tuple(sorted(rows, key=lambda row: (TIERS.index(row.tier), row.locale)))


def _path(locale: Locale, edges: tuple[Hop, ...]) -> tuple[Hop, ...] | None:
    from dub.errors import LanguageNotSupported

    try:
        return best_path(ENGLISH, locale, edges)
    except LanguageNotSupported:
        return None


def _row(locale: Locale, tongue: Language, path: tuple[Hop, ...], voice: EngineSpec) -> OfferedLocale:
    classes = ("permissive", "copyleft", "terms", "noncommercial")
    return OfferedLocale(
        locale=locale,
        name=name_of(locale),
        autonym=tongue.autonym,
        route=tuple(f"{hop.engine.id} {hop.source}-{hop.target}" for hop in path),
        tier=tier_of(path),
        voice=voice.id,
        clone=_clone(voice),
        licences=max((*(hop.engine.licence_class for hop in path), voice.licence_class), key=classes.index),
    )


def _clone(voice: EngineSpec) -> str:
    if voice.capabilities.get("clones"):
        return "native"
    return "fitted" if voice.capabilities.get("fits_voices") else "none"


def _allowed(spec: EngineSpec, policy: str) -> bool:
    return policy != "permissive" or spec.licence_class == "permissive"
