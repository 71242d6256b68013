"""The registry: what users type is understood, what is unknown is refused with what was perhaps meant."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from lang.bcp47 import Locale
from lang.engine_codes import codes_of
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
from lang.script_conversion import converted
from lang.sentences import ends_sentence
from lang.spelled_numbers import can_spell
from lang.udhr import article_1

ROOT = Path(__file__).resolve().parents[2]

ENGINES = (
    "nllb200", "madlad400", "m2m100", "opus_mt", "hy_mt2", "indictrans2", "omnivoice", "chatterbox_mtl", "xtts_v2",
    "mms_tts", "coqui_vits", "kokoro", "espeak_ng_1.52", "whisper", "omniasr_v2", "py3langid",
)  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "locale"),
    [
        ("es", "es"), ("ES", "es"), ("es_mx", "es-MX"), ("es-419", "es-419"), ("pt", "pt-BR"), ("pt-PT", "pt-PT"),
        ("Portuguese", "pt-BR"), ("català", "ca"), ("iw", "he"), ("eng", "en"), ("zh-hant", "zh-Hant"),
        ("sr-latn", "sr-Latn"), ("no", "nb"), ("yue", "yue"), (" ca-valencia ", "ca-valencia"),
        ("Farsi", "fa"), ("burmese", "my"), ("Mandarin", "zh"), ("cmn", "zh"), ("Traditional Chinese", "zh-Hant"),
        ("zh-TW", "zh-Hant-TW"), ("Brazilian Portuguese", "pt-BR"), ("Tagalog", "fil"), ("Flemish", "nl"),
        ("Mon", "mnw"), ("mon", "mn"), ("Sorani", "ckb"), ("中文", "zh"),
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


@pytest.mark.parametrize(("typed", "kin"), [("prs", "fa"), ("gsw", "de"), ("hak", "zh"), ("pcm", "en")])
def test_a_language_that_we_lack_is_refused_with_its_kin(typed: str, kin: str) -> None:
    with pytest.raises(UnknownLanguage) as refused:
        supported_locale(typed)
    assert refused.value.near[0] == kin


@pytest.mark.parametrize("typed", ["", "xx", "tlh", "e", "../etc", "en-ZZZZZ"])
def test_what_is_no_language_of_ours_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="no language"):
        supported_locale(typed)


@pytest.mark.parametrize(
    ("asked", "offered", "served"),
    [
        ("es-MX", {"es", "pt-BR"}, "es"),
        ("es-MX", {"es", "es-419"}, "es-419"),
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


def test_every_row_is_a_valid_language_in_a_script_that_runs_its_way() -> None:
    rows = languages()
    assert len(rows) >= 370
    for tag, row in rows.items():
        assert Locale(row.iso639_3).language in (tag.language, "ojb"), tag
        assert name_of(tag) == row.name
        assert len(row.script) == 4
        assert row.is_rtl == (row.script in {"Arab", "Hebr", "Thaa", "Nkoo", "Adlm", "Syrc"}), tag
        assert row.default_locale.written == tag
        assert row.sentence_terminators


def test_a_language_has_the_tier_that_was_counted_for_it() -> None:
    tiers = [row.tier for row in languages().values()]
    assert (tiers.count("A"), tiers.count("B"), tiers.count("C"), tiers.count("D")) == (99, 86, 183, 3)


def test_a_sentence_ends_as_its_script_ends_it() -> None:
    ends = {tag: language(Locale(tag)).sentence_terminators for tag in ("en", "hi", "ur", "am", "km", "hy", "el", "zh")}
    for tag, marks in {
        "en": ".!?",
        "hi": "।",
        "ur": "۔؟",
        "am": "።",
        "km": "។",
        "hy": "։",
        "el": ";",
        "zh": "。",
    }.items():
        assert set(marks) <= set(ends[tag]), tag
    assert ";" not in ends["en"]


def test_a_mark_that_ends_a_sentence_in_the_table_ends_one_in_a_text() -> None:
    for tag, row in languages().items():
        for mark in row.sentence_terminators:
            assert ends_sentence(("ναι" if row.script == "Grek" else "xyz") + mark), (tag, mark)


def test_every_name_alias_and_code_means_one_language() -> None:
    owners: dict[str, set[Locale]] = {}
    for tag, row in languages().items():
        for name in {row.name, row.autonym, *row.aliases} - {""}:
            owners.setdefault(name.casefold(), set()).add(tag)
            assert supported_locale(name) == row.default_locale, name
        for code in row.codes:
            assert Locale(code) == tag
    assert {name: tags for name, tags in owners.items() if len(tags) > 1} == {}


def test_what_spells_numbers_is_what_really_spells_them() -> None:
    for tag, row in languages().items():
        assert (row.number_speller != "none") == can_spell(tag), tag


def test_a_language_has_the_text_and_the_conversions_that_it_says() -> None:
    assert {tag for tag, row in languages().items() if row.has_udhr_text} == set(article_1())
    for tag, row in languages().items():
        for script in row.converts_to:
            assert converted(NAME_IN.get(tag, ""), tag, script) == NAME_IN[Locale(f"{tag.language}-{script}").written]


NAME_IN = {
    Locale(tag): name
    for tag, name in {
        "zh": "汉语", "zh-Hant": "漢語", "yue": "粵語", "yue-Hans": "粤语", "sr": "српски", "sr-Latn": "srpski",
        "bs": "bosanski", "bs-Cyrl": "босански", "uz": "oʻzbek", "uz-Cyrl": "ўзбек", "az": "azərbaycan",
        "az-Cyrl": "азәрбајҹан",
    }.items()
}  # fmt: skip


def test_whisper_codes_go_there_and_back() -> None:
    assert whisper_code(Locale("nb")) == "no"
    assert locale_of_whisper("no") == "nb"
    assert locale_of_whisper("jw") == "jv"
    assert whisper_code(Locale("pt-BR")) == "pt"
    assert whisper_code(Locale("kab")) is None


def test_close_languages() -> None:
    assert are_close(Locale("es-MX"), Locale("gl"))
    assert not are_close(Locale("es"), Locale("pt-BR"))


def test_whisper_speaks_of_a_hundred_languages_by_its_own_codes() -> None:
    from faster_whisper.tokenizer import _LANGUAGE_CODES

    codes = codes_of("whisper")
    assert set(codes.values()) == set(_LANGUAGE_CODES)
    assert all(locale_of_whisper(code) == tag for tag, code in codes.items())


def test_the_language_identifier_has_the_labels_that_the_table_says() -> None:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    labels = set(LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True).labels)
    assert set(codes_of("py3langid").values()) <= labels


def test_an_engine_has_one_code_for_a_language_and_only_for_languages_of_the_table() -> None:
    for engine in ENGINES:
        codes = codes_of(engine)
        assert set(codes) <= set(languages()), engine
        assert all(codes.values())
    assert codes_of("nllb200")[Locale("zh-Hant")] == "zho_Hant"
    assert codes_of("nllb200")[Locale("ak")] == "twi_Latn"
    assert codes_of("omnivoice")[Locale("yi")] == "yi"
    assert codes_of("mms_tts")[Locale("quc")] == "quc-dialect_central"
    assert codes_of("mms_tts")[Locale("uz-Cyrl")] == "uzb-script_cyrillic"
    assert Locale("uz") not in codes_of("mms_tts"), "its Uzbek voice reads Cyrillic alone"
    assert codes_of("omniasr_v2")[Locale("el")] == "ell_Grek"


@pytest.mark.parametrize("engine", sorted({*ENGINES} - {"opus_mt", "coqui_vits", "kokoro"}))
def test_an_engines_code_read_as_a_tag_is_the_language_that_it_stands_for(engine: str) -> None:
    others = {locale: code for locale, code in codes_of(engine).items() if _as_tag(engine, code) != locale}
    assert others == ODD_CODES.get(engine, {})


ODD_CODES = {
    "nllb200": {"ko": "kor_Hang", "sat": "sat_Beng"},  # Hangul with Hanja, and Ol Chiki, whatever the code says
    "omniasr_v2": {"ko": "kor_Hang", "oj": "ojb_Latn"},
    "mms_tts": {"oj": "ojb-script_latin"},
    "m2m100": {"nso": "ns"},
}


def _as_tag(engine: str, code: str) -> Locale | None:
    scripts = {"latin": "Latn", "cyrillic": "Cyrl", "arabic": "Arab", "ethiopic": "Ethi"}
    if engine == "madlad400":
        code = code.removeprefix("<2").removesuffix(">")
    elif engine == "mms_tts":
        name, _, variety = code.partition("-")
        script = scripts.get(variety.removeprefix("script_"), "")
        code = f"{name}-{script}" if script else name
    elif engine in ("nllb200", "indictrans2", "omniasr_v2"):
        code = "-".join(code.split("_")[:2])
    try:
        return Locale(code).written
    except ValueError:
        return None


def test_the_checked_in_tables_are_what_their_script_writes() -> None:
    script = runpy.run_path(str(ROOT / "infra" / "build_language_table.py"))
    tables = script["build"]()
    assert {path.name for path in tables} == {"languages.csv", "engine_codes.csv"}
    assert {path.name for path, text in tables.items() if path.read_text("utf-8") != text} == set()


def test_a_stale_table_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    main = runpy.run_path(str(ROOT / "infra" / "build_language_table.py"))["main"]
    table = ROOT / "lang" / "data" / "languages.csv"
    monkeypatch.setitem(main.__globals__, "build", lambda: {table: "locale\n"})
    before = table.read_text("utf-8")
    assert main(["--check"]) == 1
    assert "languages.csv is not what its sources give" in capsys.readouterr().out
    assert table.read_text("utf-8") == before
