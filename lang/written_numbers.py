"""Numbers as written in digits: in any script's digits, with the marks of the locale."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from functools import lru_cache

from lang.bcp47 import Locale

_SPACE_GROUPS = frozenset(" \u00a0\u202f\u2009'٬")


def parsed_number(digits: str, locale: Locale) -> Decimal | None:
    """The value of digits with marks between them, by the locale's marks; None for what is no single number."""
    plain = ascii_digits(digits)
    marks = [char for char in plain if not char.isdigit()]
    groups = re.split(r"\D", plain)
    if not marks:
        return Decimal(plain)
    if marks[-1] != marks[0] and marks[-1] not in _SPACE_GROUPS:
        whole = _ungrouped(groups[:-1], marks[:-1])
        return None if whole is None else Decimal(f"{whole}.{groups[-1]}")
    whole = _ungrouped(groups, marks)
    if len(marks) == 1 and marks[0] not in _SPACE_GROUPS:
        if whole is not None and groups[0] != "0" and marks[0] != _decimal_mark(locale):
            return Decimal(whole)
        return Decimal(f"{groups[0]}.{groups[1]}")
    return None if whole is None else Decimal(whole)


def _ungrouped(groups: list[str], marks: list[str]) -> str | None:
    """The digits of groups as thousands are written, all by one mark (12,34,567 in India); None for other groups."""
    is_one_mark = len(set(marks)) <= 1
    sizes = [len(group) for group in groups]
    is_grouped = sizes[0] <= 3 and all(size in (2, 3) for size in sizes[1:]) and sizes[-1] == 3
    return "".join(groups) if len(groups) == 1 or (is_one_mark and is_grouped) else None


def ascii_digits(digits: str) -> str:
    """Digits of any script as 0-9; marks stay."""
    return "".join(str(unicodedata.digit(char)) if char.isdigit() else char for char in digits)


@lru_cache(maxsize=256)
def _decimal_mark(locale: Locale) -> str:
    import icu

    symbols = icu.DecimalFormatSymbols(icu.Locale.forLanguageTag(locale))
    return str(symbols.getSymbol(icu.DecimalFormatSymbols.kDecimalSeparatorSymbol))
