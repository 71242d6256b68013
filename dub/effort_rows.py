"""Efforts as the report, the terminal and spreadsheets show them: rounded for people, whole numbers for programs."""

from __future__ import annotations

import math

from dub.effort import Effort

HEADINGS = ("Finished video", "Own work", "Share of common work", "Work per minute of video")
COST_HEADINGS = ("Cost", "Cost per minute of video")


def duration(seconds: float) -> str:
    """`48.2 s`, `12.3 min`, `3.4 h`: three significant digits or so."""
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def money(amount: float | None, currency: str) -> str:
    """Cents are rarely reached: two significant digits below one unit. `–` where it is not known."""
    if amount is None:
        return "–"
    decimals = 2 if amount >= 1 or amount == 0 else min(8, 1 - math.floor(math.log10(amount)))
    return f"{amount:.{decimals}f} {currency}"


def cells(effort: Effort, *, has_prices: bool) -> tuple[str, ...]:
    """One row under HEADINGS, and COST_HEADINGS where there are prices."""
    per_minute = effort.work_s_per_minute
    work = (
        duration(effort.output_s) if effort.output_s else "–",
        duration(effort.own_s),
        duration(effort.shared_s),
        "–" if per_minute is None else duration(per_minute),
    )
    if not has_prices:
        return work
    return (*work, money(effort.cost, effort.currency), money(effort.cost_per_minute, effort.currency))


def sentence(effort: Effort) -> str:
    """One language's effort in a line; `` where nothing was done."""
    if not effort.work_s:
        return ""
    parts = [f"{duration(effort.work_s)} of work, {duration(effort.shared_s)} of it a share of what is done once"]
    if (per_minute := effort.work_s_per_minute) is not None:
        parts.append(f"{duration(per_minute)} per minute of video")
    if effort.cost is not None:
        parts.append(money(effort.cost, effort.currency))
    if effort.cost_per_minute is not None:
        parts.append(f"{money(effort.cost_per_minute, effort.currency)} per minute of video")
    return " · ".join(parts)


def columns(effort: Effort) -> dict[str, float | str | None]:
    """For a table: seconds and plain amounts; no cost columns without prices."""
    work = {
        "output_s": effort.output_s,
        "own_work_s": effort.own_s,
        "shared_work_s": effort.shared_s,
        "work_s_per_minute": effort.work_s_per_minute,
    }
    if effort.cost is None:
        return {**work}
    return {**work, "cost": effort.cost, "cost_per_minute": effort.cost_per_minute, "currency": effort.currency}
