"""Writes the tables of lang/data from infra/language_source: `python infra/build_language_table.py`.

languages.csv has a row per language and per script variant that an engine writes; engine_codes.csv what each engine's
own list calls it, aliases.csv what people call it, scripts.csv how its script runs and ends a sentence. Names in a
language itself come from CLDR by langcodes; whether numbers can be spelled is found by asking ICU and num2words, into
which scripts it can be converted by asking lang.script_conversion. lang/data/udhr_article1.csv is read, not written.
`--check` writes nothing and fails when lang/data is not what this would write.
"""

from __future__ import annotations

import csv
import io
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import icu
import langcodes
import num2words
from langcodes import data_dicts

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from lang.bcp47 import LANGUAGE_OF_CODE, Locale  # noqa: E402 (found by the path above)
from lang.script_conversion import can_convert  # noqa: E402

SOURCE = ROOT / "infra" / "language_source"
DATA = ROOT / "lang" / "data"

DEFAULT_LOCALES = {"pt": "pt-BR"}
"""Where a bare language means a regional one in everything we ship (CLDR's likely region)."""

INVALID_SPEECH_TIME = {"ja", "hak", "chr"}
"""espeak-ng reads kanji, Han and Cherokee letter by letter: its time says nothing."""

NUMBERS_TO_SPELL = (7, 21, 384, 1999)

NUMBERS_LIKE = dict.fromkeys(("acm", "aeb", "apc", "ars", "ary", "arz"), "ar")
"""Varieties whose numbers are read out as another language's: CLDR has Arabic's rules once."""

NUM2WORDS_NAMES = {"kz": "kk", "dk": "da", "cz": "cs"}
"""num2words calls some languages by their country."""

Row = dict[str, str]


def language_rows() -> list[Row]:
    """lang/data/languages.csv. Raises ValueError where the sources contradict one another."""
    scripts = {row["script"]: row for row in _source("scripts")}
    names = _grouped(_source("aliases"), "locale")
    codes = _codes_by_locale()
    with_text = {row["locale"] for row in csv.DictReader((DATA / "udhr_article1.csv").read_text("utf-8").splitlines())}
    rows = []
    for row in _source("languages"):
        tag = row["locale"]
        aliases = [alias["alias"] for alias in names.pop(tag, [])]
        rows.append(
            {
                "locale": tag,
                "iso639_3": row["iso639_3"],
                "script": row["script"],
                "direction": scripts[row["script"]]["direction"],
                "name": row["name"],
                "autonym": _autonym(tag, row["script"]),
                "aliases": "; ".join(aliases),
                "codes": " ".join(sorted(codes.get(tag, ()))),
                "tier": row["tier"],
                "default_locale": DEFAULT_LOCALES.get(tag, tag),
                "sentence_terminators": scripts[row["script"]]["sentence_terminators"],
                "number_speller": number_speller(tag),
                "char_ratio": row["char_ratio"],
                "speech_time_ratio": "" if tag in INVALID_SPEECH_TIME else row["speech_time_ratio"],
                "has_udhr_text": "yes" if tag in with_text else "",
                "converts_to": " ".join(to for to in scripts if to != row["script"] and can_convert(Locale(tag), to)),
            }
        )
    _hold_together(rows, unused=[*names, *(with_text - {row["locale"] for row in rows})])
    return rows


def code_rows() -> list[Row]:
    """lang/data/engine_codes.csv: one code per engine and locale."""
    iso = {row["locale"]: row["iso639_3"] for row in _source("languages")}
    chosen = {(row["engine"], row["locale"]): row["code"] for row in _source("engine_code_choices")}
    listed: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in _source("engine_codes"):
        listed[row["engine"], row["locale"]].append(row["code"])
    rows = []
    for (engine, tag), codes in sorted(listed.items()):
        code = chosen.pop((engine, tag), None) or best_code(codes, tag, iso[tag])
        if code not in codes:
            raise ValueError(f"engine_code_choices.csv: {engine} lists no {code!r} for {tag}")
        rows.append({"engine": engine, "locale": tag, "code": code})
    if chosen:
        raise ValueError(f"engine_code_choices.csv: nothing to choose for {sorted(chosen)}")
    return rows


def best_code(codes: list[str], tag: str, iso639_3: str) -> str:
    """The code that means the standard variety: the language's own tag (`yi`, not `ydd`), then its ISO 639-3 code and
    script (`ell_Grek`, not `ell_Grek_cypr1249`), then the dialect that is called central, then the first."""
    scripted = f"{iso639_3}_{Locale(tag).script}"
    preferred = [tag, iso639_3, scripted, f"{iso639_3}-dialect_central"]
    return next((code for code in preferred if code in codes), min(codes))


def number_speller(tag: str) -> str:
    """`icu`, `num2words` or `none`: the library that has number words of this very language. ICU falls back to English
    (or the root's digits) in silence, so its words are held against English and its data's own locale is asked."""
    asked = icu.Locale.forLanguageTag(NUMBERS_LIKE.get(tag, tag))
    speller = icu.RuleBasedNumberFormat(icu.URBNFRuleSetTag.SPELLOUT, asked)
    english = icu.RuleBasedNumberFormat(icu.URBNFRuleSetTag.SPELLOUT, icu.Locale.getEnglish())
    words = [speller.format(number) for number in NUMBERS_TO_SPELL]
    is_english = words == [english.format(number) for number in NUMBERS_TO_SPELL]
    has_own_rules = speller.getLocale(icu.ULocDataLocaleType.ACTUAL_LOCALE).getLanguage() == asked.getLanguage()
    if has_own_rules and (tag == "en" or not is_english) and not any(char.isdigit() for char in "".join(words)):
        return "icu"
    known = {NUM2WORDS_NAMES.get(name, name) for name in num2words.CONVERTER_CLASSES}
    return "num2words" if tag in known else "none"


def _autonym(tag: str, script: str) -> str:
    """The language's name for itself; "" where CLDR has none and langcodes gives the English one in its place."""
    autonym = langcodes.get(tag).autonym()
    is_foreign = autonym == tag or (script != "Latn" and autonym.isascii())
    return "" if is_foreign else autonym


def _codes_by_locale() -> dict[str, set[str]]:
    """Three-letter, macrolanguage and withdrawn codes that mean a language of ours, by its tag."""
    known = (
        *data_dicts.LANGUAGE_ALPHA3.values(),
        *data_dicts.LANGUAGE_ALPHA3_BIBLIOGRAPHIC.values(),
        *data_dicts.NORMALIZED_MACROLANGUAGES,
        *data_dicts.LANGUAGE_REPLACEMENTS,
        *LANGUAGE_OF_CODE,
    )
    found: dict[str, set[str]] = defaultdict(set)
    for code in known:
        try:
            tag = Locale(code)
        except ValueError:
            continue
        if tag != code and code.isalpha():
            found[tag].add(code)
    return found


def _hold_together(rows: list[Row], unused: Iterable[str]) -> None:
    """Raises ValueError for a tag that is not canonical, a name that two languages have, or a source for neither."""
    owners: dict[str, str] = {}
    for row in rows:
        tag = row["locale"]
        if Locale(tag) != tag or Locale(tag).script != row["script"]:
            raise ValueError(f"languages.csv: {tag} in {row['script']} is, canonically, {Locale(tag)}")
        names = (row["name"], row["autonym"], *row["aliases"].split("; "))
        for name in {name.casefold() for name in names if name}:
            if owners.setdefault(name, tag) != tag:
                raise ValueError(f"{name!r} names both {owners[name]} and {tag}")
    if unused:
        raise ValueError(f"rows for languages that languages.csv does not have: {sorted(unused)}")


def _source(name: str) -> list[Row]:
    with (SOURCE / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _grouped(rows: Iterable[Row], column: str) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row[column]].append(row)
    return groups


def build() -> Mapping[Path, str]:
    """The text of each table."""
    return {DATA / "languages.csv": _csv(language_rows()), DATA / "engine_codes.csv": _csv(code_rows())}


def _csv(rows: list[Row]) -> str:
    out = io.StringIO()
    table = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    table.writeheader()
    table.writerows(sorted(rows, key=lambda row: list(row.values())))
    return out.getvalue()


def main(arguments: list[str]) -> int:
    tables = build()
    stale = [path for path, text in tables.items() if not path.exists() or path.read_text("utf-8") != text]
    if "--check" in arguments:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is not what its sources give: run python infra/build_language_table.py")
        return 1 if stale else 0
    for path, text in tables.items():
        path.write_text(text, encoding="utf-8")
        print(f"{path.relative_to(ROOT)}: {len(text.splitlines()) - 1} rows")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
