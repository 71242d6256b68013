"""Effort: what one language, or a whole run, took to make: seconds of work, and money where the plan has prices."""

from __future__ import annotations

from collections.abc import Iterable

from dub.artifact import Record
from dub.prices import Prices


class StageWork(Record):
    """One stage's work. `seconds`: when it was done, be it in this run or an earlier one."""

    stage: str
    seconds: float
    n_cpu: int = 1
    on_gpu: bool = False


class Effort(Record):
    """`output_s`: seconds of finished video, 0 where none came out. `own_s`: seconds of work for this language alone;
    `shared_s`: its equal share of what is done once per source. Costs in `currency`, None without prices."""

    output_s: float = 0.0
    own_s: float = 0.0
    shared_s: float = 0.0
    own_cost: float | None = None
    shared_cost: float | None = None
    currency: str = ""

    @property
    def work_s(self) -> float:
        return self.own_s + self.shared_s

    @property
    def cost(self) -> float | None:
        known = [cost for cost in (self.own_cost, self.shared_cost) if cost is not None]
        return sum(known) if known else None

    @property
    def work_s_per_minute(self) -> float | None:
        """Seconds of work per minute of finished video; None where none came out."""
        return 60 * self.work_s / self.output_s if self.output_s else None

    @property
    def cost_per_minute(self) -> float | None:
        return None if self.cost is None or not self.output_s else 60 * self.cost / self.output_s


def effort(works: Iterable[StageWork], prices: Prices | None, *, output_s: float = 0.0) -> Effort:
    """What these works took, as a language's own."""
    done = tuple(works)
    return Effort(
        output_s=output_s,
        own_s=sum(work.seconds for work in done),
        own_cost=sum(prices.cost(work.seconds, work.n_cpu, on_gpu=work.on_gpu) for work in done) if prices else None,
        currency=prices.currency if prices else "",
    )


def shared_out(languages: Iterable[Effort], once: Effort) -> tuple[Effort, ...]:
    """The languages' efforts, each with an equal share of what was done once for all of them."""
    alone = tuple(languages)
    n = max(1, len(alone))
    share = {"shared_s": once.own_s / n, "shared_cost": None if once.own_cost is None else once.own_cost / n}
    return tuple(each.model_copy(update=share) for each in alone)


def total(parts: Iterable[Effort]) -> Effort:
    """All languages together."""
    all_parts = tuple(parts)
    costs = [(part.own_cost, part.shared_cost) for part in all_parts]
    has_prices = any(own is not None for own, _ in costs)
    return Effort(
        output_s=sum(part.output_s for part in all_parts),
        own_s=sum(part.own_s for part in all_parts),
        shared_s=sum(part.shared_s for part in all_parts),
        own_cost=sum(own or 0.0 for own, _ in costs) if has_prices else None,
        shared_cost=sum(shared or 0.0 for _, shared in costs) if has_prices else None,
        currency=next((part.currency for part in all_parts if part.currency), ""),
    )
