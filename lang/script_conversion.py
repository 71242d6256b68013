"""One language from one of its scripts into another: Chinese, Serbian, Uzbek, Azerbaijani.

ICU converts where its rules are the language's own orthography. Its romanisations for maps (BGN) of other languages
are not: nobody writes Kazakh that way, so that no conversion is offered.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import partial

from lang.bcp47 import Locale
from lang.scripts import transliterator

Conversion = Callable[[str], str]


class NoConversion(LookupError):
    """A language that this project cannot write in the script asked for."""

    def __init__(self, locale: Locale, script: str) -> None:
        self.locale, self.script = locale, script
        known = sorted(to for language, to in _CONVERSIONS if language == _family(locale))
        offered = f"; it can be converted into {' and '.join(known)}" if known else ""
        super().__init__(f"no conversion of {locale} into the script {script}{offered}")


def can_convert(locale: Locale, to_script: str) -> bool:
    """Whether `converted` knows this language and script."""
    return (_family(locale), to_script) in _CONVERSIONS


def converted(text: str, locale: Locale, to_script: str) -> str:
    """`text` of the language of `locale` in `to_script` (ISO 15924), its letters of other scripts as they are.

    Text already in that script comes back unchanged, but for single letters that only the other script has. Raises
    NoConversion.
    """
    conversion = _CONVERSIONS.get((_family(locale), to_script))
    if conversion is None:
        raise NoConversion(locale, to_script)
    return conversion(text)


def _family(locale: Locale) -> str:
    return _WRITTEN_LIKE.get(locale.language, locale.language)


def _by_icu(name: str, text: str) -> str:
    return unicodedata.normalize("NFC", str(transliterator(name).transliterate(text)))


_WRITTEN_LIKE = dict.fromkeys(("yue", "wuu", "hak", "gan", "lzh", "cmn"), "zh") | dict.fromkeys(
    ("bs", "sh", "cnr"), "sr"
)

_SERBIAN_LETTERS = str.maketrans(
    "abvgdđežzijklmnoprstćufhcčšABVGDĐEŽZIJKLMNOPRSTĆUFHCČŠ", "абвгдђежзијклмнопрстћуфхцчшАБВГДЂЕЖЗИЈКЛМНОПРСТЋУФХЦЧШ"
)
_SERBIAN_DIGRAPHS = {"lj": "љ", "nj": "њ", "dž": "џ", "Lj": "Љ", "Nj": "Њ", "Dž": "Џ", "LJ": "Љ", "NJ": "Њ", "DŽ": "Џ"}
_SERBIAN_APART = re.compile(
    r"\b(?:in(?=jek[ct])|kon(?=jug|junk)|nad(?=živ|žnj)|pod(?=žanr)|tan(?=jug)|van(?=jezi))", re.IGNORECASE
)
"""Beginnings of words after which two letters are no digraph (инјекција, надживети)."""
_BORDER = "\u2060"


def _serbian_cyrillic(text: str) -> str:
    text = _SERBIAN_APART.sub(lambda found: found.group() + _BORDER, unicodedata.normalize("NFC", text))
    text = re.sub("lj|nj|dž|LJ|NJ|DŽ|Lj|Nj|Dž", lambda found: _SERBIAN_DIGRAPHS[found.group()], text)
    return text.replace(_BORDER, "").translate(_SERBIAN_LETTERS)


_AZERBAIJANI = ("абвгғдеәжзиыјкҝлмноөпрстуүфхһчҹш", "abvqğdeəjziıykglmnoöprstuüfxhçcş")
_AZERBAIJANI_CAPITALS = ("АБВГҒДЕӘЖЗИЫЈКҜЛМНОӨПРСТУҮФХҺЧҸШ", "ABVQĞDEƏJZİIYKGLMNOÖPRSTUÜFXHÇCŞ")


def _azerbaijani(from_side: int, text: str) -> str:
    for letters in (_AZERBAIJANI, _AZERBAIJANI_CAPITALS):
        text = text.translate(str.maketrans(letters[from_side], letters[1 - from_side]))
    return text


_UZBEK_APOSTROPHES = "'’‘`ʼʻ"


def _uzbek_cyrillic(text: str) -> str:
    """ICU's rules, which know one form of the apostrophe and write э for every e."""
    text = re.sub(rf"(?<=[OoGg])[{_UZBEK_APOSTROPHES}](?=\w|\b)", "ʻ", text)
    text = re.sub(rf"(?<=[^\WOoGg])[{_UZBEK_APOSTROPHES}](?=\w)", "ʼ", text)
    cyrillic = _by_icu("uz_Latn-uz_Cyrl", text)
    cyrillic = re.sub(r"(?<=[бвгғджзйкқлмнпрстфхҳцчшщъь])э", "е", cyrillic)
    return re.sub(r"(?<=[БВГҒДЖЗЙКҚЛМНПРСТФХҲЦЧШЩ])Э", "Е", cyrillic)


_CONVERSIONS: dict[tuple[str, str], Conversion] = {
    ("zh", "Hant"): partial(_by_icu, "Hans-Hant"),
    ("zh", "Hans"): partial(_by_icu, "Hant-Hans"),
    ("sr", "Latn"): partial(_by_icu, "sr-sr_Latn/BGN"),
    ("sr", "Cyrl"): _serbian_cyrillic,
    ("uz", "Latn"): partial(_by_icu, "uz_Cyrl-uz_Latn"),
    ("uz", "Cyrl"): _uzbek_cyrillic,
    ("az", "Latn"): partial(_azerbaijani, 0),
    ("az", "Cyrl"): partial(_azerbaijani, 1),
}
