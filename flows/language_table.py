"""`polydub languages`: what a profile offers, as a table with its counts or as JSON."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from dub.plan import Plan

if TYPE_CHECKING:
    from engines.offer import Counts, OfferedLocale

PIPED_WIDTH = 120
"""Columns of the table where no terminal says how many it has."""


def print_languages(plan: Plan, *, policy: str | None, as_json: bool) -> None:
    """What a plan offers under a licence policy (the plan's own by default): computed from its engines."""
    from engines.offer import counted, offered, spoken_when_given

    allowed = policy or plan.policy
    rows = offered(plan, policy=allowed)
    counts = counted(rows)
    given = spoken_when_given(plan, allowed)
    if as_json:
        listed = [row.model_dump(mode="json") for row in rows]
        facts = {"profile": plan.name, "policy": allowed, "counts": counts.model_dump(mode="json"), "locales": listed}
        facts["spoken_when_given"] = given
        print(json.dumps(facts, ensure_ascii=False, indent=1))
        return
    console = Console(width=None if sys.stdout.isatty() else PIPED_WIDTH)
    console.print(_table(plan.name, rows))
    for line in summary(counts, plan.name, allowed):
        console.print(line, highlight=False)
    if given:
        console.print(f"{len(given)} more are spoken when you give the lines (--script):", highlight=False)
        console.print(f"  {' '.join(given)}", highlight=False)


def summary(counts: Counts, profile: str, policy: str) -> list[str]:
    """The counts in words."""

    def words(parts: dict[str, int]) -> str:
        return ", ".join(f"{number} {name or 'of no tier'}" for name, number in parts.items()) or "none"

    return [
        f"{counts.languages} languages in {counts.locales} locales, by profile {profile!r} under licences: {policy}",
        f"  language tier: {words(counts.by_language_tier)}",
        f"  translation:   {words(counts.by_translation_tier)}",
        f"  voice cloned:  {words(counts.by_clone)}",
        f"  licences:      {words(counts.by_licences)}",
    ]


def _table(title: str, rows: tuple[OfferedLocale, ...]) -> Table:
    columns = ("locale", "language", "tier", "translated by", "", "spoken by", "clone", "licences")
    table = Table(*columns, title=title, box=SIMPLE_HEAD)
    for row in rows:
        is_converted = row.voice_locale.script != row.locale.script
        voice = f"{row.voice} (as {row.voice_locale})" if is_converted else row.voice
        engines = " → ".join(step.split()[0] for step in row.route)
        table.add_row(
            row.locale, row.name, row.language_tier, engines, row.translation_tier, voice, row.clone, row.licences
        )
    return table
