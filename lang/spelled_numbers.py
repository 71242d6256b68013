"""Numbers in words: ICU's rule-based spelling, then num2words for a few more languages, else none."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal

from lang.bcp47 import Locale
from lang.per_thread import made_once_per_thread

Kind = Literal["cardinal", "feminine", "year", "ordinal", "feminine ordinal", "day"]

LARGEST = 10**15
"""Beyond this ICU goes back to digits."""

_SPELLED_LIKE = dict.fromkeys(("acm", "aeb", "apc", "arb", "ars", "ary", "arz"), "ar") | {
    "bs": "hr",  # CLDR's Bosnian rules say "jedinica hiljada" for one thousand
    "cmn": "zh",
    "no": "nb",
    "prs": "fa",
    "tl": "fil",
}
_NUM2WORDS = {"bn": "মাইনাস", "ce": "минус", "kn": "ಮೈನಸ್", "te": "మైనస్", "tg": "минус"}
"""Languages that num2words 0.5.14 knows by native rules and ICU 78 does not, and their "minus", which num2words drops,
writes as a sign or fails at."""

_RULES: dict[Kind, tuple[str, ...]] = {
    "cardinal": ("%spellout-numbering",),
    "feminine": ("%spellout-cardinal-feminine", "%spellout-numbering"),
    "year": ("%spellout-numbering-year", "%spellout-numbering"),
    "ordinal": ("%spellout-ordinal-masculine", "%spellout-ordinal"),
    "day": ("%spellout-ordinal-n", "%spellout-ordinal-masculine", "%spellout-ordinal"),
    "feminine ordinal": ("%spellout-ordinal-feminine", "%spellout-ordinal"),
}
"""Rules by preference. `day`: of a month; in German in the case that follows "am", as it mostly does."""


@lru_cache(maxsize=256)
def can_spell(locale: Locale) -> bool:
    """Whether a library has number words of this very language, and not those of another to fall back to."""
    return _icu_name(locale) is not None or locale.language in _NUM2WORDS


def spelled(number: Decimal | int, locale: Locale, kind: Kind = "cardinal") -> str | None:
    """A number in words; None where no library has words (of this kind) for it in this language."""
    number = Decimal(number)
    if abs(number) >= LARGEST:
        return None
    name = _icu_name(locale)
    if name is None:
        return _by_num2words(number, locale, kind)
    rules = next((rule for rule in _RULES[kind] if rule in _rule_names(name)), None)
    if rules is None:
        return None
    formatter = _formatter(name)
    value = int(number) if number == number.to_integral_value() else float(number)
    words = str(formatter.format(value, rules))
    return " ".join(words.replace("\u200b", "").replace("\u00ad", "").split())


def _by_num2words(number: Decimal, locale: Locale, kind: Kind) -> str | None:
    if locale.language not in _NUM2WORDS or kind in ("ordinal", "feminine ordinal", "day"):
        return None
    from num2words import num2words

    size = abs(number)
    value = int(size) if size == size.to_integral_value() else float(size)
    try:
        words = str(num2words(value, lang=locale.language)).split()
    except OverflowError:  # Kannada and Telugu count to a thousand million
        return None
    return " ".join([_NUM2WORDS[locale.language], *words] if number < 0 else words)


@lru_cache(maxsize=256)
def _icu_name(locale: Locale) -> str | None:
    """ICU's locale whose rules spell for `locale`; None where ICU would silently spell in English or French."""
    asked = spelled_like(locale)
    formatter = _formatter(asked)
    import icu

    actual = str(formatter.getLocale(icu.ULocDataLocaleType.ACTUAL_LOCALE).getLanguage())
    return asked if actual == asked.split("-")[0] else None


def spelled_like(locale: Locale) -> str:
    """The tag of the language whose written numbers a locale shares: Arabic for its dialects, else itself."""
    return "-".join([_SPELLED_LIKE.get(locale.language, locale.language), *locale.split("-")[1:]])


@lru_cache(maxsize=256)
def _rule_names(name: str) -> frozenset[str]:
    formatter = _formatter(name)
    return frozenset(str(formatter.getRuleSetName(i)) for i in range(formatter.getNumberOfRuleSetNames()))


@made_once_per_thread
def _formatter(name: str) -> Any:
    import icu

    return icu.RuleBasedNumberFormat(icu.URBNFRuleSetTag.SPELLOUT, icu.Locale.forLanguageTag(name))
