"""Each engine's own code for a language: `spa_Latn` is NLLB's for `es`, `<2es>` MADLAD's, `no` Whisper's for `nb`.

`lang/data/engine_codes.csv` is written by infra/build_language_table.py from the engines' own published lists, one code
for each language and script.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from types import MappingProxyType

from lang.bcp47 import Locale


def codes_of(engine: str) -> Mapping[Locale, str]:
    """One engine's code by locale, without regions. Raises KeyError for an engine of no list."""
    return _all()[engine]


@lru_cache(maxsize=1)
def _all() -> dict[str, Mapping[Locale, str]]:
    tables: dict[str, dict[Locale, str]] = {}
    text = resources.files("lang").joinpath("data/engine_codes.csv").read_text("utf-8")
    for row in csv.DictReader(text.splitlines()):
        tables.setdefault(row["engine"], {})[Locale(row["locale"])] = row["code"]
    return {engine: MappingProxyType(table) for engine, table in tables.items()}
