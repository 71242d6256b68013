"""The registry of languages, and the matching of what a user asks for to what there is.

`lang/data/languages.csv` is written by infra/build_language_table.py.
"""

from __future__ import annotations

import csv
import dataclasses
import difflib
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, cast

from lang.bcp47 import Locale
from lang.engine_codes import codes_of
from lang.language import Direction, Language, NumberSpeller, Tier


class UnknownLanguage(ValueError):
    """A tag or name that is no language of the registry; `near` are the tags that were perhaps meant."""

    def __init__(self, asked: str, near: tuple[Locale, ...]) -> None:
        self.asked = asked
        self.near = near
        meant = ", ".join(f"{locale} ({name_of(locale)})" for locale in near)
        super().__init__(f"{asked!r} is no language we know" + (f"; did you mean {meant}?" if near else ""))


@dataclass(frozen=True)
class Match:
    """What is offered for what was asked. `note` says where they differ, for the user to read; "" where they agree."""

    asked: Locale
    locale: Locale
    note: str = ""


@lru_cache(maxsize=1)
def languages() -> dict[Locale, Language]:
    """Every language by its tag without region, in the order of the table."""
    text = resources.files("lang").joinpath("data/languages.csv").read_text("utf-8")
    return {language.locale: language for language in map(_language, csv.DictReader(text.splitlines()))}


def language(locale: Locale) -> Language:
    """The language of any of its locales: `es` for `es-MX`. A script that the registry does not have for it is
    set into the answer. Raises UnknownLanguage."""
    known = languages()
    for tag in (locale.written, Locale(locale.language)):
        if tag in known:
            return _in_script(known[tag], locale.script)
    raise UnknownLanguage(locale, _near(locale))


def supported_locale(typed: str) -> Locale:
    """The Locale for what a user types: a tag (`es-MX`, `cmn`, `iw`) or a language's name (`Farsi`, `català`).

    A name as it is written in the table goes before a tag: `Mon` is a language of its own, `mon` a code of Mongolian's.
    A bare language becomes the locale it means in what we ship (`pt` -> `pt-BR`). Raises UnknownLanguage, which
    names near tags, for anything else.
    """
    asked = typed.strip()
    if asked in _by_name():
        return languages()[_by_name()[asked]].default_locale
    try:
        locale = Locale(asked)
        found = language(locale)
    except ValueError:
        named = _by_folded_name().get(asked.casefold())
        if named is None:
            raise UnknownLanguage(asked, _near(asked)) from None
        return languages()[named].default_locale
    return found.default_locale if locale == found.locale else locale


def nearest(asked: Locale, offered: Collection[Locale]) -> Match | None:
    """The offered locale that serves `asked`: itself, else the least distant one (CLDR's language matching) of the same
    language in the same script: `es-419` before `es` for `es-MX`. None where there is none.

    A sister locale (`pt-PT` asked, `pt-BR` offered) is named in the note: it is another variety, to be accepted by
    whoever asked, never silently taken.
    """
    import langcodes

    if asked in offered:
        return Match(asked, asked)
    sisters = [other for other in offered if other.written == asked.written]
    if not sisters:
        return None
    best = min(sisters, key=lambda other: (langcodes.tag_distance(asked, other), other != other.written, other))
    if best == best.written:
        return Match(asked, best, f"{asked} is served by {best} ({name_of(best)}), which has no region of its own")
    what = "means" if asked == asked.written else "is not offered; the nearest is"
    return Match(asked, best, f"{asked} {what} {best} ({name_of(best)})")


def name_of(locale: Locale) -> str:
    """English name, with region and script where the tag has them: `Portuguese (Brazil)`."""
    row = languages().get(locale)
    if row:
        return row.name
    import icu  # has CLDR's names at hand; langcodes reads megabytes for them

    return str(icu.Locale.forLanguageTag(locale).getDisplayName(icu.Locale.getEnglish()))


def whisper_code(locale: Locale) -> str | None:
    """Whisper's code for a locale's language; None where it knows none."""
    return codes_of("whisper").get(Locale(locale.language))


def locale_of_whisper(code: str) -> Locale:
    """The registry's locale for a Whisper code: `nb` for `no`, `jv` for `jw`."""
    return _by_whisper_code().get(code) or Locale(code)


def whisper_locales() -> frozenset[Locale]:
    return frozenset(codes_of("whisper"))


@lru_cache(maxsize=1)
def _by_whisper_code() -> dict[str, Locale]:
    return {code: locale for locale, code in codes_of("whisper").items()}


@lru_cache(maxsize=1)
def _by_name() -> dict[str, Locale]:
    """Locale by English name, autonym and alias: the table's script makes sure that no name is two languages'."""
    return {name: row.locale for row in languages().values() for name in (row.name, row.autonym, *row.aliases) if name}


@lru_cache(maxsize=1)
def _by_folded_name() -> dict[str, Locale]:
    return {name.casefold(): locale for name, locale in _by_name().items()}


def _near(asked: str) -> tuple[Locale, ...]:
    names = _by_folded_name()
    tags = {str(tag): tag for tag in languages()}
    close = [
        name
        for words in dict.fromkeys((asked.casefold(), *asked.casefold().split()))
        for name in difflib.get_close_matches(words, list(names), n=3, cutoff=0.7)
    ]
    close_tags = difflib.get_close_matches(asked.split("-")[0], list(tags), n=2, cutoff=0.6)
    found = [*_understood_instead(asked), *(names[name] for name in close), *(tags[tag] for tag in close_tags)]
    return tuple(dict.fromkeys(found))[:3]


_MOST_DISTANCE = 25
"""CLDR's distance of languages up to which one is offered to speakers of another: 4 for Persian to Dari's, 24 for
English to Nigerian Pidgin's."""


def _understood_instead(asked: str) -> list[Locale]:
    """The language of ours that CLDR would offer to who speaks one that we lack: `fa` for `prs`."""
    import langcodes

    try:
        tag = langcodes.closest_match(Locale(asked), list(languages()), max_distance=_MOST_DISTANCE)[0]
    except ValueError:
        return []
    return [] if tag == "und" else [Locale(tag)]


def _in_script(known: Language, script: str) -> Language:
    if script == known.script:
        return known
    from lang.direction import RTL_SCRIPTS

    direction: Direction = "rtl" if script in RTL_SCRIPTS else "ltr"
    return dataclasses.replace(known, script=script, direction=direction, tier="", converts_to=())


def _language(row: dict[str, Any]) -> Language:
    def number(name: str) -> float | None:
        return float(row[name]) if row[name] else None

    return Language(
        locale=Locale(row["locale"]),
        iso639_3=row["iso639_3"],
        script=row["script"],
        direction=cast(Direction, row["direction"]),
        name=row["name"],
        autonym=row["autonym"],
        aliases=tuple(row["aliases"].split("; ")) if row["aliases"] else (),
        codes=tuple(row["codes"].split()),
        tier=cast(Tier, row["tier"]),
        default_locale=Locale(row["default_locale"]),
        sentence_terminators=row["sentence_terminators"],
        number_speller=cast(NumberSpeller, row["number_speller"]),
        char_ratio=number("char_ratio"),
        speech_time_ratio=number("speech_time_ratio"),
        has_udhr_text=row["has_udhr_text"] == "yes",
        converts_to=tuple(row["converts_to"].split()),
    )
