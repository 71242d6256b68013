"""The way from one language to another over several translation engines: the best tier first, then the fewest hops."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dub.errors import EngineUnavailable, LanguageNotSupported
from dub.stage import EngineChoice
from engines import registry
from engines.spec import EngineSpec
from lang.bcp47 import Locale
from lang.registry import name_of

TIERS = ("good", "fair", "demo")
"""Best first: good for everyday speech; understandable with faults; to show that it runs."""

ENGLISH = Locale("en")

EngineOptions = Mapping[str, Mapping[str, Any]]

_HOP_COST = {"good": 1, "fair": 10, "demo": 100}


@dataclass(frozen=True)
class Hop:
    """One engine's step from a language to a locale."""

    engine: EngineSpec
    source: Locale
    target: Locale
    tier: str


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
    if _serves(source, target):
        return ()
    edges = hops(engine_ids)
    starts_at_source = any(_serves(reached, target) for reached in paths_from(source, edges))
    start = source if starts_at_source or not has_english else ENGLISH
    if _serves(start, target):
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


def best_path(source: Locale, target: Locale, edges: Sequence[Hop]) -> tuple[Hop, ...]:
    """The cheapest path over the edges. Data that is not installed is passed by where another way is as good; where
    none is, the path with the missing hop is given, and loading it says what to install."""
    wanted = _cheapest(source, target, edges)
    if wanted is None:
        raise _no_way(source, target, list(paths_from(source, edges)))
    if all(map(is_installed, wanted)):
        return wanted
    here = _cheapest(source, target, [hop for hop in edges if is_installed(hop)])
    return here if here is not None and tier_of(here) == tier_of(wanted) else wanted


def _cheapest(source: Locale, target: Locale, edges: Sequence[Hop]) -> tuple[Hop, ...] | None:
    found = [path for reached, path in paths_from(source, edges).items() if _serves(reached, target)]
    return min(found, key=lambda path: (_cost(path), path[-1].target != target), default=None)


def paths_from(source: Locale, edges: Sequence[Hop]) -> dict[Locale, tuple[Hop, ...]]:
    """Everything that can be reached, by its best path (Dijkstra)."""
    best: dict[Locale, tuple[Hop, ...]] = {}
    number = 0
    queue: list[tuple[int, int, Locale, tuple[Hop, ...]]] = [(0, 0, source, ())]
    while queue:
        _, _, here, path = heapq.heappop(queue)
        if here in best:
            continue
        best[here] = path
        for hop in edges:
            if hop.target not in best and _serves(here, hop.source):
                number += 1  # the order of the edges breaks ties, so a route never depends on hashes
                longer = (*path, hop)
                heapq.heappush(queue, (_cost(longer), number, hop.target, longer))
    del best[source]
    return best


def hops(engine_ids: Iterable[str]) -> tuple[Hop, ...]:
    """Every step that the engines do, in the order of the engines."""
    return tuple(
        Hop(spec, source, target, tier)
        for spec in (registry.spec("translation", engine_id) for engine_id in engine_ids)
        for (source, target), tier in spec.capabilities["tiers"].items()
    )


def tier_of(path: Sequence[Hop]) -> str:
    """A route is as good as its worst hop."""
    return max((hop.tier for hop in path), key=TIERS.index, default=TIERS[0])


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
    if digest := capabilities.get("data_digest"):
        options["data"] = digest(hop.source, hop.target)
    return EngineChoice(
        family="translation", id=hop.engine.id, fingerprint=hop.engine.fingerprint(options), options=options
    )


def _cost(path: Sequence[Hop]) -> int:
    return sum(_HOP_COST[hop.tier] for hop in path)


def _serves(have: Locale, want: Locale) -> bool:
    """Text in `have` passes for `want`: the same locale, or the same language where one of them has no region."""
    return have == want or (have.language == want.language and have.language in (have, want))


def _no_way(source: Locale, target: Locale, reached: Sequence[Locale]) -> LanguageNotSupported:
    near = [locale for locale in reached if locale.language == target.language]
    offered = ", ".join(f"{locale} ({name_of(locale)})" for locale in sorted(reached)) or "nothing"
    mend = f"did you mean {near[0]} ({name_of(near[0])})?" if near else f"from {source} it can be {offered}"
    return LanguageNotSupported(f"no engine of the plan translates {source} to {target} ({name_of(target)})", mend=mend)
