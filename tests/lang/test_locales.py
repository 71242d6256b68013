"""Locale: every code that people and engines use for a language becomes one canonical tag."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lang.bcp47 import LANGUAGE_OF_CODE, Locale, default_script
from lang.registry import languages, nearest


@pytest.mark.parametrize(
    ("code", "tag"),
    [
        pair.split("=")
        for pair in """
        arb=ar cmn=zh pes=fa zsm=ms lvs=lv swh=sw uzn=uz khk=mn npi=ne ory=or ydd=yi gaz=om plt=mg als=sq ayr=ay kmr=ku
        nob=nb azj=az ekk=et dik=din knc=kr knn=kok dgo=doi gug=gn aka=ak twi=ak kpv=kv mhr=chm bcl=bik tgl=fil tl=fil
        src=sc pbu=ps
        """.split()  # noqa: SIM905
    ],
)
def test_the_dominant_individual_language_is_its_macrolanguage(code: str, tag: str) -> None:
    assert Locale(code) == tag


@pytest.mark.parametrize(("code", "tag"), [("iw", "he"), ("ji", "yi"), ("jw", "jv"), ("in", "id"), ("mo", "ro")])
def test_withdrawn_codes_are_the_new_ones(code: str, tag: str) -> None:
    assert Locale(code) == tag


@pytest.mark.parametrize(("code", "tag"), LANGUAGE_OF_CODE.items())
def test_where_cldr_means_another_language_ours_is_taken(code: str, tag: str) -> None:
    import langcodes

    assert Locale(code) == tag
    assert langcodes.standardize_tag(code, macro=True) != tag, "an override that nothing needs"


@pytest.mark.parametrize(
    ("typed", "tag"),
    [
        ("no-NO", "nb-NO"), ("prs-AF", "prs-AF"), ("swc-CD", "swc-CD"), ("PBT", "ps"), ("ajp", "apc"),
        ("es_419", "es-419"), ("EN-us", "en-US"), ("eng", "en"), ("chi", "zh"), ("ca-valencia", "ca-valencia"),
        ("i-klingon", "tlh"), ("zh-min-nan", "nan"), ("cmn-Hans-CN", "zh-CN"),
    ],
)  # fmt: skip
def test_regions_variants_and_grandfathered_tags(typed: str, tag: str) -> None:
    assert Locale(typed) == tag


@pytest.mark.parametrize(
    ("typed", "tag", "script", "written"),
    [
        ("zh-Hans", "zh", "Hans", "zh"),
        ("zh-TW", "zh-Hant-TW", "Hant", "zh-Hant"),
        ("zh-Hans-TW", "zh-Hans-TW", "Hans", "zh"),
        ("yue", "yue", "Hant", "yue"),
        ("sr-Cyrl-RS", "sr-RS", "Cyrl", "sr"),
        ("sr-ME", "sr-Latn-ME", "Latn", "sr-Latn"),
        ("sh", "sr-Latn", "Latn", "sr-Latn"),
        ("pa-PK", "pa-Arab-PK", "Arab", "pa-Arab"),
        ("pbt", "ps", "Arab", "ps"),
        ("nan", "nan", "Latn", "nan"),
        ("acm-IQ", "acm-IQ", "Arab", "acm"),
        ("es-MX", "es-MX", "Latn", "es"),
        ("ca-valencia", "ca-valencia", "Latn", "ca"),
    ],
)
def test_a_tag_names_its_script_only_where_it_is_not_the_usual_one(
    typed: str, tag: str, script: str, written: str
) -> None:
    locale = Locale(typed)
    assert (locale, locale.script, locale.written) == (tag, script, written)


def test_the_usual_script_is_the_one_of_the_table() -> None:
    for locale, row in languages().items():
        assert locale.script == row.script, locale
        assert "-" in locale or default_script(locale) == row.script


@pytest.mark.parametrize("typed", ["", "xx", "e", "../etc", "en-ZZZZZ", "zz-Latn", "es-LX", "en US"])
def test_what_is_no_registered_tag_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="language"):
        Locale(typed)


@given(
    language=st.sampled_from(sorted(languages())),
    script=st.sampled_from(["", "-Latn", "-Cyrl", "-Arab", "-Hans", "-Hant", "-Deva"]),
    region=st.sampled_from(["", "-US", "-TW", "-PK", "-RS", "-ME", "-AF", "-419", "-UZ"]),
)
def test_a_locale_is_canonical_once_and_for_all(language: str, script: str, region: str) -> None:
    locale = Locale((language if "-" in language else language + script) + region)
    assert Locale(str(locale)) == locale
    assert locale.written.written == locale.written
    assert locale.written.script == locale.script


@pytest.mark.parametrize(
    ("asked", "offered", "served"),
    [
        ("es-MX", ["es", "es-419", "pt-BR"], "es-419"),
        ("es-MX", ["es", "pt-BR"], "es"),
        ("es-GQ", ["es", "es-419"], "es"),
        ("pt-AO", ["pt-BR", "pt-PT"], "pt-PT"),
        ("pt", ["pt-PT", "pt-BR"], "pt-BR"),
        ("zh-TW", ["zh", "zh-Hant"], "zh-Hant"),
        ("zh-TW", ["zh"], None),
        ("sr-Latn", ["sr", "hr"], None),
        ("nb", ["nn", "da"], None),
    ],
)
def test_a_region_is_served_by_the_nearest_of_its_language_and_script(
    asked: str, offered: list[str], served: str | None
) -> None:
    match = nearest(Locale(asked), {Locale(tag) for tag in offered})
    assert (match.locale if match else None) == served
