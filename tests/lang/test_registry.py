"""The registry: what users type is understood, what is unknown is refused with what was perhaps meant."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import langcodes
import pytest

from lang.bcp47 import Locale
from lang.language import are_close
from lang.registry import (
    UnknownLanguage,
    language,
    languages,
    locale_of_whisper,
    name_of,
    nearest,
    supported_locale,
    whisper_code,
)

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("typed", "locale"),
    [
        ("es", "es"), ("ES", "es"), ("es_mx", "es-MX"), ("es-419", "es-419"), ("pt", "pt-BR"), ("pt-PT", "pt-PT"),
        ("Portuguese", "pt-BR"), ("català", "ca"), ("iw", "he"), ("eng", "en"), ("zh-hant", "zh-Hant"),
        ("sr-latn", "sr-Latn"), ("no", "no"), ("yue", "yue"), (" ca-valencia ", "ca-valencia"),
    ],
)  # fmt: skip
def test_what_users_type(typed: str, locale: str) -> None:
    assert supported_locale(typed) == locale


@pytest.mark.parametrize(
    ("typed", "meant"), [("portugese", "pt"), ("spansh", "es"), ("catalan language", "ca"), ("esp", "es")]
)
def test_a_mistyped_language_is_refused_with_what_was_meant(typed: str, meant: str) -> None:
    with pytest.raises(UnknownLanguage) as refused:
        supported_locale(typed)
    assert meant in refused.value.near
    assert f"{meant} (" in str(refused.value)


@pytest.mark.parametrize("typed", ["", "xx", "tlh", "e", "../etc", "en-ZZZZZ"])
def test_what_is_no_language_of_ours_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="no language"):
        supported_locale(typed)


@pytest.mark.parametrize(
    ("asked", "offered", "served"),
    [
        ("es-MX", {"es", "pt-BR"}, "es"),
        ("es-MX", {"es", "es-419"}, "es"),
        ("pt", {"pt-BR"}, "pt-BR"),
        ("pt-PT", {"pt-BR", "es"}, "pt-BR"),
        ("pt-BR", {"pt-BR", "pt"}, "pt-BR"),
        ("zh-Hant", {"zh"}, None),
        ("de", {"es", "pt-BR"}, None),
    ],
)
def test_the_nearest_offered_locale_and_what_is_said_about_it(
    asked: str, offered: set[str], served: str | None
) -> None:
    match = nearest(Locale(asked), {Locale(tag) for tag in offered})
    assert (match.locale if match else None) == served
    if match:
        assert (match.note == "") == (match.locale == asked)


def test_a_script_of_its_own_changes_the_direction() -> None:
    assert not language(Locale("pa")).is_rtl
    assert language(Locale("pa-Arab")).is_rtl
    assert language(Locale("ar-EG")).is_rtl


def test_every_row_is_a_valid_language_and_its_script_and_direction_are_those_of_cldr() -> None:
    rows = languages()
    assert len(rows) >= 184
    for tag, row in rows.items():
        assert langcodes.get(row.iso639_3).is_valid(), tag
        assert name_of(tag) == row.name
        assert len(row.script) == 4
        assert row.is_rtl == (row.script in {"Arab", "Hebr", "Thaa", "Nkoo", "Adlm", "Syrc"}), tag


def test_whisper_codes_go_there_and_back() -> None:
    assert whisper_code(Locale("nb")) == "no"
    assert locale_of_whisper("no") == "nb"
    assert locale_of_whisper("jw") == "jv"
    assert whisper_code(Locale("pt-BR")) == "pt"
    assert whisper_code(Locale("kab")) is None


def test_close_languages() -> None:
    assert are_close(Locale("es-MX"), Locale("gl"))
    assert not are_close(Locale("es"), Locale("pt-BR"))


def test_the_checked_in_table_is_what_its_script_writes() -> None:
    path = ROOT / "infra" / "build_language_table.py"
    spec = importlib.util.spec_from_file_location("build_language_table", path)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert (ROOT / "lang" / "data" / "languages.csv").read_text("utf-8") == script.build()
