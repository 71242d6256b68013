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
    decimal_mark = _decimal_mark(locale)
    marks = [char for char in plain if not char.isdigit()]
    groups = re.split(r"\D", plain)
    if not marks:
        return Decimal(plain)
    if marks[0] in _SPACE_GROUPS or len(set(marks)) == 2:
        *grouping, last = marks
        has_decimals = last not in _SPACE_GROUPS and last != marks[0]
        whole = "".join(groups[:-1]) if has_decimals else "".join(groups)
        if len(set(grouping if has_decimals else marks)) > 1:
            return None
        return Decimal(f"{whole}.{groups[-1]}") if has_decimals else Decimal(whole)
    is_grouped = len(groups[0]) <= 3 and all(len(group) in (2, 3) for group in groups[1:]) and len(groups[-1]) == 3
    if len(marks) > 1:
        return Decimal("".join(groups)) if is_grouped and len(set(marks)) == 1 else None
    if is_grouped and marks[0] != decimal_mark and groups[0] != "0":
        return Decimal("".join(groups))
    return Decimal(f"{groups[0]}.{groups[1]}")


def ascii_digits(digits: str) -> str:
    """Digits of any script as 0-9; marks stay."""
    return "".join(str(unicodedata.digit(char)) if char.isdigit() else char for char in digits)


@lru_cache(maxsize=256)
def _decimal_mark(locale: Locale) -> str:
    import icu

    symbols = icu.DecimalFormatSymbols(icu.Locale.forLanguageTag(locale))
    return str(symbols.getSymbol(icu.DecimalFormatSymbols.kDecimalSeparatorSymbol))
