"""One language in its other script, there and back."""

from __future__ import annotations

import unicodedata

import pytest

from lang.bcp47 import Locale
from lang.script_conversion import NoConversion, can_convert, converted
from lang.scripts import is_in_script
from lang.udhr import article_1


@pytest.mark.parametrize(
    ("tag", "own", "other"),
    [("zh", "Hans", "Hant"), ("sr", "Cyrl", "Latn"), ("uz", "Latn", "Cyrl"), ("az", "Latn", "Cyrl")],
)
def test_there_and_back_again(tag: str, own: str, other: str) -> None:
    locale = Locale(tag)
    text = unicodedata.normalize("NFC", article_1()[locale])
    there = converted(text, locale, other)
    assert is_in_script(there, other)
    assert not is_in_script(there, own)
    assert converted(there, locale, other) == there
    assert converted(there, locale, own) == text
    assert converted(text, locale, own) == text


@pytest.mark.parametrize(
    ("tag", "script", "text", "wanted"),
    [
        ("zh", "Hant", "头发的发展，后来皇后在里面", "頭髮的發展，後來皇后在裡面"),
        ("zh", "Hans", "頭髮的發展", "头发的发展"),
        ("yue", "Hans", "佢哋講廣東話", "佢哋讲广东话"),
        ("sr", "Latn", "Љубав, ЉУБАВ, џеп, Ђорђе и ћуп", "Ljubav, LJUBAV, džep, Đorđe i ćup"),
        ("sr", "Cyrl", "Ljubav, LJUBAV, džep, Konjic, c\u0301up", "Љубав, ЉУБАВ, џеп, Коњиц, ћуп"),
        ("sr", "Cyrl", "injekcija, nadživeti, Tanjug", "инјекција, надживети, Танјуг"),
        ("uz", "Cyrl", "O‘zbekiston, teng, etdi, ELEKTR", "Ўзбекистон, тенг, этди, ЭЛЕКТР"),
        ("uz", "Cyrl", "San'at ma’nosi, bo'ldi", "Санъат маъноси, бўлди"),
        ("uz", "Latn", "Ўзбекистон, Ёқуб, тенг", "Oʻzbekiston, Yoqub, teng"),
        ("az", "Cyrl", "Işıq, İlin, Jalə", "Ышыг, Илин, Жалә"),
    ],
)
def test_spellings(tag: str, script: str, text: str, wanted: str) -> None:
    assert converted(text, Locale(tag), script) == wanted


def test_what_cannot_be_converted_is_refused_with_what_can() -> None:
    with pytest.raises(NoConversion, match="no conversion of kk into the script Latn"):
        converted("Қазақ", Locale("kk"), "Latn")
    with pytest.raises(LookupError, match=r"sr into the script Arab; it can be converted into Cyrl and Latn"):
        converted("Љубав", Locale("sr"), "Arab")
    assert can_convert(Locale("zh-TW"), "Hant")
    assert not can_convert(Locale("es"), "Cyrl")
