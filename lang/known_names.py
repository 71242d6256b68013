"""Words with a capital letter that every language has its own word for: days, months, countries, languages, by CLDR."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=256)
def has_own_word(name: str, language: str) -> bool:
    """Whether `name`, or its first word, is a day, a month, a country, a continent or a language in `language` (a
    BCP-47 tag): it may well have no letter in common with its translation."""
    known = _own_words(language)
    return name.casefold() in known or name.split()[0].casefold() in known


@lru_cache(maxsize=32)
def _own_words(language: str) -> frozenset[str]:
    import icu

    locale = icu.Locale(language)
    symbols = icu.DateFormatSymbols(locale)
    words = [*symbols.getMonths(), *symbols.getWeekdays(), *symbols.getShortMonths(), *symbols.getShortWeekdays()]
    for code in icu.Locale.getISOCountries():
        words.append(icu.Locale("", code).getDisplayCountry(locale))
    for code in (*icu.Locale.getISOLanguages(), "zh-Hans"):
        words.append(icu.Locale(code).getDisplayLanguage(locale))
    words += [icu.Locale("", code).getDisplayCountry(locale) for code in ("001", "002", "009", "019", "142", "150")]
    return frozenset(word.casefold() for word in words if word)
