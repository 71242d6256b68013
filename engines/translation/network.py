"""What translation engines do, as edges between languages, and the cheapest ways over them.

An engine says what it does in its capabilities: `tiers`, {(source, target): tier}, where its pairs are few;
`languages`, {locale: tier}, where it goes from any to any (200 languages are 40,000 pairs: only those on a way are
ever written out, and a hop's tier is the worse of its two languages').
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from math import inf

from engines.spec import EngineSpec
from lang.bcp47 import Locale
from lang.script_conversion import can_convert

TIERS = ("good", "fair", "demo")
"""Best first: good for everyday speech; understandable with faults; to show that it runs."""

_HOP_COST = {"good": 1, "fair": 10, "demo": 100}


@dataclass(frozen=True)
class Hop:
    """One engine's step from a language to a locale."""

    engine: EngineSpec
    source: Locale
    target: Locale
    tier: str


Path = tuple[Hop, ...]


def tier_of(path: Sequence[Hop]) -> str:
    """A route is as good as its worst hop."""
    return max((hop.tier for hop in path), key=TIERS.index, default=TIERS[0])


def cost_of(path: Sequence[Hop]) -> int:
    """Less is better: a worse tier costs more than any number of hops in a better one that makes sense."""
    return sum(_HOP_COST[hop.tier] for hop in path)


def serves(have: Locale, want: Locale) -> bool:
    """Text in `have` passes for `want`: the same locale; the same language where one of them has no region; or another
    script of it, where the one can be converted into the other (as tasks/translate.py does)."""
    if have == want or have.language != want.language:
        return have == want
    if have.written == want.written:
        return have.written in (have, want)
    return have.written == have and can_convert(have, want.script)


class Ways:
    """Everything that can be reached from one language, each locale by its best path."""

    def __init__(self, to: Mapping[Locale, Path]) -> None:
        self.to = to
        self._in_language = _by_language(to)

    def ending_at(self, target: Locale) -> list[Path]:
        """The ways whose last hop gives text that passes for the target."""
        return [self.to[locale] for locale in self._in_language.get(target.language, ()) if serves(locale, target)]


class Edges:
    """Every step that some engines do, in the order of the engines; remembers the ways it has found."""

    def __init__(self, specs: Iterable[EngineSpec]) -> None:
        self.specs = tuple(specs)
        self._steps: list[_Pairs | _Mesh] = []
        self._ways: dict[Locale, Ways] = {}
        for spec in self.specs:
            if tiers := spec.capabilities.get("tiers"):
                self._steps.append(_Pairs(spec, tiers))
            if languages := spec.capabilities.get("languages"):
                self._steps.append(_Mesh(spec, languages))

    def ways_from(self, source: Locale) -> Ways:
        if source not in self._ways:
            self._ways[source] = self.usable_ways_from(source, lambda hop: True)
        return self._ways[source]

    def usable_ways_from(self, source: Locale, is_usable: Callable[[Hop], bool]) -> Ways:
        """Over those edges only that `is_usable` accepts (Dijkstra). The order of the engines breaks ties, so that a
        way never depends on hashes."""
        best: dict[Locale, Path] = {}
        costs: dict[Locale, float] = {source: 0}
        entered: dict[str, int] = {}
        number = count()
        queue: list[tuple[float, int, Locale, Path]] = [(0, next(number), source, ())]
        while queue:
            cost, _, here, path = heapq.heappop(queue)
            if here in best:
                continue
            best[here] = path
            for steps in self._steps:
                for start, target, tier in steps.leaving(here, entered):
                    longer = cost + _HOP_COST[tier]
                    if longer < costs.get(target, inf) and is_usable(hop := Hop(steps.engine, start, target, tier)):
                        costs[target] = longer
                        heapq.heappush(queue, (longer, next(number), target, (*path, hop)))
        del best[source]
        return Ways(best)


class _Pairs:
    """An engine's single pairs."""

    def __init__(self, engine: EngineSpec, tiers: Mapping[tuple[Locale, Locale], str]) -> None:
        self.engine = engine
        self._of_language: dict[str, list[tuple[Locale, Locale, str]]] = defaultdict(list)
        for (source, target), tier in tiers.items():
            self._of_language[source.language].append((source, target, tier))

    def leaving(self, here: Locale, entered: dict[str, int]) -> Iterator[tuple[Locale, Locale, str]]:
        return (step for step in self._of_language.get(here.language, ()) if serves(here, step[0]))


class _Mesh:
    """An engine from any to any of its languages. `leaving` is empty the second time, unless it is entered by a better
    language than before: what a way gains by coming in again, one that went straight on already had."""

    def __init__(self, engine: EngineSpec, languages: Mapping[Locale, str]) -> None:
        self.engine = engine
        self._ranks = {locale: TIERS.index(tier) for locale, tier in languages.items()}
        self._in_language = _by_language(languages)

    def leaving(self, here: Locale, entered: dict[str, int]) -> Iterator[tuple[Locale, Locale, str]]:
        for source in self._in_language.get(here.language, ()):
            rank = self._ranks[source]
            if serves(here, source) and rank < entered.get(self.engine.id, len(TIERS)):
                entered[self.engine.id] = rank
                for target, its_rank in self._ranks.items():
                    if target != source:
                        yield source, target, TIERS[max(rank, its_rank)]


def _by_language(locales: Collection[Locale]) -> dict[str, list[Locale]]:
    grouped: dict[str, list[Locale]] = defaultdict(list)
    for locale in locales:
        grouped[locale.language].append(locale)
    return grouped
