"""How a film says in its viewers' language that it was made by AI.

lang/data/disclosures.csv holds wordings of ours for the languages that most films are dubbed into; no native speaker
has proofread them. Whoever must say it otherwise gives words of their own in the plan (`disclosure_text`).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import TypeVar

from lang.bcp47 import Locale

T = TypeVar("T")
ENGLISH = Locale("en")


@dataclass(frozen=True)
class DisclosureWords:
    """One language's wordings, by what is synthetic. `portrait`: all that is seen and heard."""

    voice: str
    voice_and_lips: str
    lips: str
    portrait: str


@lru_cache(maxsize=1)
def disclosure_words() -> Mapping[Locale, DisclosureWords]:
    text = resources.files("lang").joinpath("data/disclosures.csv").read_text("utf-8")
    rows = csv.DictReader(text.splitlines())
    return {Locale(row.pop("locale")): DisclosureWords(**row) for row in rows}


def nearest(table: Mapping[Locale, T], locale: Locale) -> T | None:
    """The locale's own entry, else that of its language in the same script; None where neither is there."""
    return table.get(locale) or table.get(locale.written)
