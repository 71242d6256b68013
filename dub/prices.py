"""Prices: what an hour of a machine costs, as its owner says. None is ever assumed."""

from __future__ import annotations

from pydantic import Field

from dub.artifact import Record

SECONDS_PER_HOUR = 3600


class Prices(Record):
    """`cpu_hour`: one CPU slot (a core) for an hour; `gpu_hour`: one GPU with the cores beside it for an hour."""

    cpu_hour: float = Field(ge=0)
    gpu_hour: float | None = Field(default=None, ge=0)
    currency: str = Field("USD", pattern=r"[A-Z]{3}", description="ISO 4217")

    def cost(self, seconds: float, n_cpu: int, *, on_gpu: bool) -> float:
        """Of `seconds` of work that filled `n_cpu` slots, or a GPU where that has a price."""
        if on_gpu and self.gpu_hour is not None:
            return seconds * self.gpu_hour / SECONDS_PER_HOUR
        return seconds * n_cpu * self.cpu_hour / SECONDS_PER_HOUR
