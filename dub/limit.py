"""A limit: where a measured value stops being ok, with the source of its default."""

from __future__ import annotations

from typing import Literal

from pydantic import ValidationError, model_validator

from dub.artifact import Record
from dub.errors import BadInput
from dub.finding import Level


class Limit(Record):
    """Where a measured value stops being ok, and where it is failed (None: this alone never fails a dub).

    `better`: whether low or high values are good. `what`: the measure in a localization manager's words.
    """

    what: str
    better: Literal["low", "high"]
    ok: float
    failed: float | None = None
    unit: str = ""
    source: str

    @model_validator(mode="after")
    def _failed_is_worse(self) -> Limit:
        sign = 1 if self.better == "low" else -1
        if self.failed is not None and sign * self.failed < sign * self.ok:
            raise ValueError(f"{self.what}: failed ({self.failed}) must be worse than ok ({self.ok})")
        return self

    def changed(self, change: LimitChange, check: str) -> Limit:
        """Raises BadInput where `failed` would be better than `ok`."""
        failed = self.failed if change.failed is None else change.failed
        facts = {
            "ok": self.ok if change.ok is None else change.ok,
            "failed": None if change.never_fails else failed,
            "source": f"the plan; by default {self.ok:g} ({self.source})",
        }
        try:
            return Limit.model_validate(self.model_dump() | facts)
        except ValidationError as error:
            raise BadInput(
                f"the plan's gates, {check}: {error.errors()[0]['msg']}", mend="set both ok and failed"
            ) from None

    def level(self, value: float) -> Level:
        """A value that is not a number is failed: it was measured and came out as nonsense."""
        sign = 1.0 if self.better == "low" else -1.0
        if value != value:
            return Level.FAILED
        if sign * value <= sign * self.ok:
            return Level.OK
        if self.failed is not None and sign * value > sign * self.failed:
            return Level.FAILED
        return Level.DEGRADED


class LimitChange(Record):
    """What a plan sets of a limit; what it leaves out stays. `never_fails`: beyond `ok` a person looks, no more."""

    ok: float | None = None
    failed: float | None = None
    never_fails: bool = False
