"""The way from one language to another over several translation engines: the best tier first, then the fewest hops."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dub.errors import EngineUnavailable, LanguageNotSupported
from dub.stage import EngineChoice
from engines import registry
from engines.translation.network import TIERS, Edges, Hop, Path, cost_of, serves, tier_of
from lang.bcp47 import Locale
from lang.registry import name_of

__all__ = [
    "ENGLISH",
    "TIERS",
    "Edges",
    "Hop",
    "best_path",
    "find_route",
    "find_routes",
    "hops",
    "is_installed",
    "paths_from",
    "tier_of",
]

ENGLISH = Locale("en")

EngineOptions = Mapping[str, Mapping[str, Any]]

_MOST_NAMED = 30
"""Languages that an error lists."""

_edges: dict[tuple[int, ...], Edges] = {}


def find_route(
    source: Locale,
    target: Locale,
    engine_ids: Sequence[str],
    *,
    has_english: bool = False,
    options: EngineOptions | None = None,
) -> tuple[EngineChoice, ...]:
    """The engines in the order they work, each with its hop in `options` ({"source": "en", "target": "pt-BR"}).

    `options`: per engine id, from the plan. `has_english`: the script's lines are there in English too
    (`DubScript.pivot`), so where no way starts at `source`
    one may start at English. () when source and target are the same language. Raises LanguageNotSupported naming what
    is near, EngineUnavailable when a way is known but the data of one of its hops is not installed.
    """
    if serves(source, target):
        return ()
    edges = hops(engine_ids)
    start = source if edges.ways_from(source).ending_at(target) or not has_english else ENGLISH
    if serves(start, target):
        return ()
    return tuple(_choice(hop, options or {}) for hop in best_path(start, target, edges))


def find_routes(
    source: Locale,
    target: Locale,
    engine_ids: Sequence[str],
    *,
    has_english: bool = False,
    options: EngineOptions | None = None,
    most: int = 3,
) -> tuple[tuple[EngineChoice, ...], ...]:
    """Up to `most` ways, the best first; each next one without the engine that ended the ways before it, so that a
    line which one engine fails at is given to another. Raises as `find_route` does when there is no way at all."""
    left = list(engine_ids)
    routes = [find_route(source, target, left, has_english=has_english, options=options)]
    while routes[-1] and len(routes) < most:
        left.remove(routes[-1][-1].id)
        try:
            routes.append(find_route(source, target, left, has_english=has_english, options=options))
        except (LanguageNotSupported, EngineUnavailable):
            break
    return tuple(routes)


def best_path(source: Locale, target: Locale, edges: Edges) -> tuple[Hop, ...]:
    """The cheapest path over the edges. Data that is not installed is passed by where another way is as good; where
    none is, the path with the missing hop is given, and loading it says what to install."""
    wanted = _cheapest(edges.ways_from(source).ending_at(target), target)
    if wanted is None:
        raise _no_way(source, target, list(paths_from(source, edges)))
    if all(map(is_installed, wanted)):
        return wanted
    here = _cheapest(edges.usable_ways_from(source, is_installed).ending_at(target), target)
    return here if here is not None and tier_of(here) == tier_of(wanted) else wanted


def _cheapest(ways: Iterable[Path], target: Locale) -> Path | None:
    return min(ways, key=lambda path: (cost_of(path), *_distance(path[-1].target, target)), default=None)


def _distance(reached: Locale, target: Locale) -> tuple[bool, bool]:
    """Nearer is less: the locale itself, then its own script."""
    return (reached != target, reached.script != target.script)


def paths_from(source: Locale, edges: Edges) -> Mapping[Locale, tuple[Hop, ...]]:
    """Everything that can be reached, by its best path."""
    return edges.ways_from(source).to


def hops(engine_ids: Iterable[str]) -> Edges:
    """Every step that the engines do, in the order of the engines."""
    specs = tuple(registry.spec("translation", engine_id) for engine_id in engine_ids)
    key = tuple(map(id, specs))  # of specs that the edges keep, so that no other can come to have their id
    if key not in _edges:
        _edges[key] = Edges(specs)
    return _edges[key]


def is_installed(hop: Hop) -> bool:
    require = hop.engine.capabilities.get("require")
    try:
        if require:
            require(hop.source, hop.target)
    except EngineUnavailable:
        return False
    return True


def _choice(hop: Hop, of_plan: EngineOptions) -> EngineChoice:
    capabilities = hop.engine.capabilities
    if require := capabilities.get("require"):
        require(hop.source, hop.target)
    options = {**of_plan.get(hop.engine.id, {}), "source": str(hop.source), "target": str(hop.target)}
    if model_of := capabilities.get("model_of"):
        options["model"] = model_of(hop.source, hop.target)
    if digest := capabilities.get("data_digest"):
        options["data"] = digest(hop.source, hop.target)
    return EngineChoice(
        family="translation", id=hop.engine.id, fingerprint=hop.engine.fingerprint(options), options=options
    )


def _no_way(source: Locale, target: Locale, reached: Sequence[Locale]) -> LanguageNotSupported:
    near = [locale for locale in reached if locale.language == target.language]
    named = [f"{locale} ({name_of(locale)})" for locale in sorted(reached)[:_MOST_NAMED]]
    more = [f"{len(reached) - _MOST_NAMED} more (polydub languages)"] if len(reached) > _MOST_NAMED else []
    offered = ", ".join(named + more) or "nothing"
    mend = f"did you mean {near[0]} ({name_of(near[0])})?" if near else f"from {source} it can be {offered}"
    return LanguageNotSupported(f"no engine of the plan translates {source} to {target} ({name_of(target)})", mend=mend)
