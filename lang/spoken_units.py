"""Units, currencies and percentages in words, with the plural that goes with the number, from ICU's locale data."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from typing import Any

from lang.bcp47 import Locale
from lang.per_thread import made_once_per_thread
from lang.spelled_numbers import spelled, spelled_like

UNITS = {
    "km": "kilometer",
    "m": "meter",
    "cm": "centimeter",
    "mm": "millimeter",
    "km²": "square-kilometer",
    "m²": "square-meter",
    "m³": "cubic-meter",
    "ha": "hectare",
    "km/h": "kilometer-per-hour",
    "m/s": "meter-per-second",
    "mph": "mile-per-hour",
    "kg": "kilogram",
    "g": "gram",
    "mg": "milligram",
    "l": "liter",
    "L": "liter",
    "ml": "milliliter",
    "mL": "milliliter",
    "°C": "celsius",
    "°F": "fahrenheit",
    "°": "degree",
    "%": "percent",
    "٪": "percent",
    "‰": "permille",
    "kW": "kilowatt",
    "MW": "megawatt",
    "kWh": "kilowatt-hour",
    "W": "watt",
    "V": "volt",
    "Hz": "hertz",
    "kHz": "kilohertz",
    "MHz": "megahertz",
    "GHz": "gigahertz",
    "KB": "kilobyte",
    "kB": "kilobyte",
    "MB": "megabyte",
    "GB": "gigabyte",
    "TB": "terabyte",
    "min": "minute",
    "ms": "millisecond",
    "км/ч": "kilometer-per-hour",
    "км": "kilometer",
    "м": "meter",
    "см": "centimeter",
    "мм": "millimeter",
    "кг": "kilogram",
    "г": "gram",
    "л": "liter",
    "كم": "kilometer",
    "كجم": "kilogram",
}
"""Symbols as they are written after a number, and CLDR's names of the units."""

CURRENCIES = {
    "US$": "USD",
    "R$": "BRL",
    "A$": "AUD",
    "C$": "CAD",
    "HK$": "HKD",
    "NT$": "TWD",
    "$": "USD",
    "€": "EUR",
    "£": "GBP",
    "¥": "JPY",
    "₹": "INR",
    "₽": "RUB",
    "₩": "KRW",
    "₺": "TRY",
    "₴": "UAH",
    "₦": "NGN",
    "₫": "VND",
    "₱": "PHP",
    "₪": "ILS",
    "฿": "THB",
    "zł": "PLN",
    "Kč": "CZK",
}
"""Signs of currencies and their ISO 4217 codes; a bare $ is the American dollar, a bare ¥ the yen (the yuan in
Chinese)."""

_PERCENT_PHRASES = {
    "ar": "{} بالمئة",
    "ko": "{} 퍼센트",
    "lb": "{} Prozent",
    "mt": "{} fil-mija",
    "my": "{} ရာခိုင်နှုန်း",
    "su": "{} persén",
    "tg": "{} фоиз",
    "vi": "{} phần trăm",
    "yue": "百分之{}",
    "zh": "百分之{}",
}
"""How percentages are said where CLDR's long form keeps the sign."""
_SHOWN_NUMBER = re.compile(r"-?\d+(?:[.,٫٬'’\s\u200e\u200f]*\d)*")
_NO_SPACES = frozenset({"zh", "yue", "ja", "th", "lo", "km", "my"})
_FEMININE = 3
"""UDisplayOptions of ICU: the grammatical gender `feminine`."""


def spoken_amount(number: Decimal, symbol: str, locale: Locale) -> str | None:
    """`3.5` and `km` or `€` as words of the locale's language; None where ICU has no name of the unit there."""
    code = CURRENCIES.get(symbol)
    if symbol == "¥" and locale.language in ("zh", "yue", "wuu"):
        code = "CNY"
    if UNITS.get(symbol) == "percent" and locale.language in _PERCENT_PHRASES:
        words = spelled(number, locale)
        return None if words is None else _PERCENT_PHRASES[locale.language].format(words)
    if not _is_known(spelled_like(locale)):
        return None
    key = f"{spelled_like(locale)}|{code or ''}|{UNITS.get(symbol, '')}"
    shown, is_feminine = _named(key, number)
    if any(sign in shown for sign in "%°٪‰$€£/") or symbol in shown.split():
        return None
    words = spelled(number, locale, "feminine" if is_feminine and number == number.to_integral_value() else "cardinal")
    if words is None:
        return None
    said = " ".join(_SHOWN_NUMBER.sub(f" {words} ", shown, count=1).split())
    return said.replace(" ", "") if locale.language in _NO_SPACES else said


def _named(key: str, number: Decimal) -> tuple[str, bool]:
    """The amount as ICU writes it in full, and whether its unit's noun is feminine."""
    formatted = _formatter(key).formatDoubleToValue(float(number))
    return str(formatted), int(formatted.getNounClass()) == _FEMININE


@lru_cache(maxsize=1)
def _known_languages() -> frozenset[str]:
    import icu

    return frozenset(name.split("_")[0] for name in icu.Locale.getAvailableLocales())


def _is_known(tag: str) -> bool:
    """Whether ICU has data of this language at all; elsewhere it would name units in English."""
    return tag.split("-")[0] in _known_languages()


@made_once_per_thread
def _formatter(key: str) -> Any:
    """Of "locale|currency|unit", one of the last two empty."""
    import icu

    locale, currency, unit = key.split("|")
    named = icu.CurrencyUnit(currency) if currency else icu.MeasureUnit.forIdentifier(unit)
    formatter = icu.NumberFormatter.withLocale(icu.Locale.forLanguageTag(locale))
    return formatter.unit(named).unitWidth(icu.UNumberUnitWidth.FULL_NAME)
