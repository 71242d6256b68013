"""The spoken form of a text, for voices that read letters alone: numbers, units, currencies, times as words.

What is read how:
- numbers by the locale's own decimal and grouping marks; a mark that cannot be grouping is read as the decimal one
  (`3.50` in German), so that a number copied from an English source keeps its value;
- four bare digits from 1100 to 2099 as a year, in languages that read years in a way of their own;
- `9:30` as its two numbers (with 点/時/heures where the language says them), dates and versions number by number;
- what looks like a telephone number or a code (a leading 0, groups joined by hyphens, seven bare digits or more that
  are no round number) digit by digit;
- ordinals where they are marked (1st, 1º, 1er, 1-й, a German or Nordic `3.` before a month) and the library has them;
- languages without a number speller keep their digits: `can_spell` tells.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from functools import lru_cache

from lang.bcp47 import Locale
from lang.language import UNSPACED_SCRIPTS
from lang.read_aloud import without_unspoken
from lang.scripts import script_of_char
from lang.spelled_numbers import Kind, can_spell, spelled
from lang.spoken_units import CURRENCIES, UNITS, spoken_amount
from lang.written_numbers import ascii_digits, parsed_number

__all__ = ["can_spell", "spoken_form"]

_NUMBER = r"\d+(?:[.,'٫٬\u00a0\u202f\u2009]\d+)*"
_LETTER = r"(?<=\w)[A-Za-zÀ-ɏͰ-ӿ\u0600-\u06ff]|[²³/]"
"""What may not follow a unit's symbol: a letter that would make a longer word of it. Kana and Chinese signs may."""
_SPACED_NUMBER = r"\d{1,3}(?:[ \u00a0\u202f\u2009]\d{3})+(?!\d)(?:[.,]\d+)?"


def _one_of(symbols: dict[str, str]) -> str:
    return "|".join(re.escape(symbol) for symbol in sorted(symbols, key=len, reverse=True))


_TOKEN = re.compile(
    rf"""
      (?P<phone>\+\d[\d ()-]{{6,}}\d | \d+(?:-\d+){{2,}} | (?<![\d.,])0\d{{1,}}[ -]?\d[\d -]*\d(?![\d:/%]|[.,]\d))
    | (?P<date>\b\d{{1,4}}(?P<slash>[./])\d{{1,2}}(?P=slash)\d{{2,4}}\b)
    | (?P<time>(?<![\d:])\d{{1,2}}(?::|[hH](?=\d\d\b))[0-5]\d(?::[0-5]\d)?(?![\d:]))
    | (?P<pair>(?<![\d/])\d+[/:]\d+(?![\d/]))
    | (?P<sign>{_one_of(CURRENCIES)})\ ?(?P<price>{_NUMBER})
    | (?P<minus>(?<![\w\d])[-−])?(?P<number>{_SPACED_NUMBER}|{_NUMBER})
      (?: (?P<half>[½¼¾])
        | [ \u00a0\u202f]?(?P<symbol>{_one_of(UNITS)}|{_one_of(CURRENCIES)})(?!{_LETTER})
        | (?P<ordinal>st|nd|rd|th|º|ª|\.º|\.ª|er|re|ère|e|ème|de|:a|:e|-й|-я|-е|-го)(?!\w)
        | (?P<decade>s)(?!\w)
        | (?P<dot>\.)(?=\s?[^\W\d_])
        )?
    | (?P<fraction>[½¼¾])
    """,
    re.VERBOSE,
)
_FRACTIONS = {"½": Decimal("0.5"), "¼": Decimal("0.25"), "¾": Decimal("0.75")}
_ORDINAL_MARKS = {
    "en": ("st", "nd", "rd", "th"),
    "fr": ("er", "re", "ère", "e", "ème"),
    "nl": ("e", "de"),
    "sv": (":a", ":e"),
    "ru": ("-й", "-я", "-е", "-го"),
    "uk": ("-й", "-я", "-е", "-го"),
} | dict.fromkeys(("es", "pt", "it", "gl", "ca"), ("º", "ª", ".º", ".ª"))
_FEMININE_MARKS = frozenset({"ª", ".ª", "re", "ère", "-я"})
_DOT_ORDINALS = frozenset({"de", "da", "nb", "nn", "no", "fi", "is", "lb", "et"})
"""Languages that write the day of a month as an ordinal with a dot, and say it in about its dictionary form."""
_YEARS_AS_HUNDREDS = frozenset({"en", "de", "da", "nb", "nn", "no", "nl", "sv", "is", "fo", "lb"})
_YEAR_IF_BEFORE = {"zh": "年", "yue": "年", "ru": r"год|г\.", "pl": r"rok|r\."}
"""Languages whose rules for years give what is said only before their word for year, and how that word begins."""
_TIMES = {"zh": "{}点{}分", "yue": "{}點{}分", "ja": "{}時{}分", "fr": "{} heures {}"}


def spoken_form(text: str, locale: Locale) -> str:
    """`text` as it is said, on one line: without what no voice reads (see `without_unspoken`), and with words for its
    numbers where `can_spell(locale)`; other numbers stay in the digits they came in."""
    text = without_unspoken(text)
    if not can_spell(locale) or not any(char.isdigit() or char in _FRACTIONS for char in text):
        return text
    pieces: list[str] = []
    end = 0
    for match in _TOKEN.finditer(text):
        said = _said(match, text, locale)
        if said is not None:
            pieces += [text[end : match.start()], _apart(said, text, match, locale)]
            end = match.end()
    return " ".join("".join([*pieces, text[end:]]).split())


def _said(match: re.Match[str], text: str, locale: Locale) -> str | None:
    found = match.groupdict()
    if found["phone"]:
        return _phone(found["phone"], locale)
    if found["date"]:
        return _numbers_apart(found["date"], locale)
    if found["time"]:
        return _time(found["time"], locale)
    if found["fraction"]:
        return spelled(_FRACTIONS[found["fraction"]], locale)
    if found["pair"]:
        return _pair(found["pair"], locale)
    digits = found["price"] or found["number"]
    if ascii_digits(digits)[0] == "0" and ascii_digits(digits).isdigit() and len(digits) > 1:
        return _digit_by_digit(digits, locale)
    number = parsed_number(digits, locale)
    if number is None:
        return _numbers_apart(digits, locale)
    if found["half"]:
        number += _FRACTIONS[found["half"]]
    if found["minus"]:
        number = -number
    symbol = found["sign"] or found["symbol"]
    if symbol:
        return spoken_amount(number, symbol, locale) or _with_symbol(number, symbol, locale)
    if found["ordinal"] or found["decade"]:
        return _with_suffix(number, digits, found["ordinal"] or "", found["decade"] or "", locale)
    rest = text[match.end() :]
    if found["dot"]:
        if _is_day_of_month(number, rest, locale.language):
            return spelled(number, locale, "day")
        said = _bare(number, digits, rest, locale)
        return None if said is None else f"{said}."
    return _bare(number, digits, rest, locale)


def _with_symbol(number: Decimal, symbol: str, locale: Locale) -> str | None:
    """The number in words beside a symbol whose name is not known."""
    words = spelled(number, locale)
    return None if words is None else f"{words} {symbol}"


def _is_day_of_month(number: Decimal, rest: str, language: str) -> bool:
    if language not in _DOT_ORDINALS or number > 31 or number != number.to_integral_value():
        return False
    word = re.split(r"\W+", rest.strip(), maxsplit=1)[0].casefold()
    return len(word) > 2 and any(month.startswith(word[:4]) for month in _months(language))


def _bare(number: Decimal, digits: str, rest: str, locale: Locale) -> str | None:
    plain = ascii_digits(digits)
    if plain.isdigit() and len(plain) >= 7 and int(plain) % 1000:
        return _digit_by_digit(digits, locale)
    kind: Kind = "year" if _is_year(plain, rest, locale.language) else "cardinal"
    return spelled(number, locale, kind)


def _is_year(plain: str, rest: str, language: str) -> bool:
    if not (len(plain) == 4 and plain.isdigit() and 1100 <= int(plain) <= 2099):
        return False
    if language in _YEARS_AS_HUNDREDS:
        return True
    return language in _YEAR_IF_BEFORE and re.match(_YEAR_IF_BEFORE[language], rest.lstrip()) is not None


def _with_suffix(number: Decimal, digits: str, mark: str, decade: str, locale: Locale) -> str | None:
    if mark in _ORDINAL_MARKS.get(locale.language, ()):
        return spelled(number, locale, "feminine ordinal" if mark in _FEMININE_MARKS else "ordinal")
    words = spelled(number, locale, "year" if _is_year(ascii_digits(digits), "", locale.language) else "cardinal")
    if words is None:
        return None
    if decade and locale.language == "en" and digits.endswith("0"):
        return words.removesuffix("y") + ("ies" if words.endswith("y") else "s")
    return f"{words} {mark or decade}"


def _phone(digits: str, locale: Locale) -> str | None:
    numbers = re.findall(r"\d+", digits)
    is_date = [len(number) for number in numbers] == [4, 2, 2]
    if is_date:
        return _numbers_apart(digits, locale)
    said = [_digit_by_digit(number, locale) for number in numbers]
    return None if None in said else ", ".join(map(str, said))


def _digit_by_digit(digits: str, locale: Locale) -> str | None:
    glue = "" if _is_unspaced(locale) else " "
    words = [spelled(unicodedata.digit(digit), locale) for digit in digits if digit.isdigit()]
    return None if None in words else glue.join(map(str, words))


def _numbers_apart(digits: str, locale: Locale) -> str | None:
    words = [
        spelled(int(number), locale, "year" if _is_year(ascii_digits(number), "", locale.language) else "cardinal")
        for number in re.findall(r"\d+", digits)
    ]
    return None if None in words else " ".join(map(str, words))


def _pair(digits: str, locale: Locale) -> str | None:
    """`1/2` as the decimal it is, where it has few digits; `24/7` and `3:2` as two numbers."""
    first, second = (int(number) for number in re.findall(r"\d+", digits))
    if "/" in digits and first < second and second in (2, 4):
        return spelled(Decimal(first) / Decimal(second), locale)
    return _numbers_apart(digits, locale)


def _time(clock: str, locale: Locale) -> str | None:
    hours, minutes, *seconds = (int(number) for number in re.findall(r"\d+", clock))
    if hours > 24 or seconds:
        return _numbers_apart(clock, locale)
    pattern = _TIMES.get(locale.language, "{} {}")
    hour, minute = spelled(hours, locale), spelled(minutes, locale) if minutes else ""
    if hour is None or minute is None:
        return None
    if not minutes:
        return pattern.format(hour, "").strip().removesuffix("分")
    zero = spelled(0, locale) if minutes < 10 and pattern == "{} {}" else ""
    return pattern.format(hour, f"{zero} {minute}".strip())


def _apart(said: str, text: str, match: re.Match[str], locale: Locale) -> str:
    """With a space between words and the letters they would run into (`B2B`), in scripts that have spaces."""
    if _is_unspaced(locale):
        return said
    before, after = text[: match.start()][-1:], text[match.end() :][:1]
    is_prefixed = script_of_char(before) in ("Arab", "Hebr") if before else False  # "and", "in": part of the next word
    return (" " if before.isalnum() and not is_prefixed else "") + said + (" " if after.isalnum() else "")


@lru_cache(maxsize=256)
def _is_unspaced(locale: Locale) -> bool:
    import langcodes

    return str(langcodes.get(locale).maximize().script) in UNSPACED_SCRIPTS


@lru_cache(maxsize=64)
def _months(language: str) -> tuple[str, ...]:
    import icu

    return tuple(month.casefold() for month in icu.DateFormatSymbols(icu.Locale(language)).getMonths())
