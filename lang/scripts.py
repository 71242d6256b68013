"""Writing systems: which one a text is in, by its letters' Unicode property. Codes are ISO 15924's (`Latn`, `Hans`).

Conversion between the scripts of one language is in lang/script_conversion.py.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import lru_cache
from typing import Any

from lang.per_thread import made_once_per_thread

NO_SCRIPT = "Zyyy"
"""ISO 15924 for text that is in no script: digits, punctuation."""
ENOUGH_LETTERS = 0.6
"""Share of its letters that must be of a script for a text to count as written in it."""

_SAME_SCRIPT = {"Aran": "Arab", "Latf": "Latn", "Latg": "Latn", "Cyrs": "Cyrl", "Geok": "Geor", "Hrkt": "Jpan"}
"""Styles of writing that Unicode encodes as one script."""
_PARTS = {
    "Hans": frozenset({"Hani", "Bopo"}),
    "Hant": frozenset({"Hani", "Bopo"}),
    "Hani": frozenset({"Hani", "Bopo"}),
    "Jpan": frozenset({"Hani", "Hira", "Kana"}),
    "Kore": frozenset({"Hang", "Hani"}),
}
_LONGEST_WITHOUT_KANA = 8
"""Chinese signs in a row that Japanese may write before a kana must come; longer text without kana is Chinese."""
_LATIN_NAME = re.compile(r"\b(?=[\w'’.-]*[A-Z0-9])[A-Za-z0-9][A-Za-z0-9'’.-]*")


def dominant_script(text: str) -> str:
    """The script that most letters of a text are in, `Zyyy` for a text without letters.

    Chinese signs are resolved: `Jpan` beside kana, `Kore` beside Hangul, else `Hans` or `Hant` by the signs that only
    one of the two has, `Hani` where none tells.
    """
    found = _letters_by_script(text)
    if not found:
        return NO_SCRIPT
    east_asian = sum(found[part] for part in ("Hani", "Hira", "Kana", "Hang", "Bopo"))
    others = [(n, script) for script, n in found.items() if script not in ("Hani", "Hira", "Kana", "Hang", "Bopo")]
    most, script = max(others, default=(0, NO_SCRIPT))
    if most > east_asian:
        return script
    if found["Hang"] > found["Hira"] + found["Kana"]:
        return "Kore"
    if found["Hira"] + found["Kana"]:
        return "Jpan"
    simplified, traditional = _chinese_evidence(text)
    if simplified == traditional:
        return "Hani"
    return "Hans" if simplified > traditional else "Hant"


def is_in_script(text: str, script: str) -> bool:
    """Whether at least 60 % of a text's letters are of `script` (ISO 15924). Latin names (words with a capital or a
    digit) within another script do not count against it; a text without any letter is in every script.

    Simplified Chinese is not `Hant`, traditional is not `Hans`; `Jpan` asks for kana in anything longer than a name,
    `Kore` for Hangul.
    """
    script = _SAME_SCRIPT.get(script, script)
    if not _letters_by_script(text):
        return True
    parts = _PARTS.get(script, frozenset({script}))
    found = _letters_by_script(text)
    own = sum(found[part] for part in parts)
    if own and "Latn" not in parts:
        found = _letters_by_script(_LATIN_NAME.sub(" ", text))
    if own < ENOUGH_LETTERS * found.total():
        return False
    kana = found["Hira"] + found["Kana"]
    if script == "Jpan":
        return kana > 0 or found["Hani"] <= _LONGEST_WITHOUT_KANA
    if script == "Kore":
        return found["Hang"] > 0
    if script in ("Hans", "Hant"):
        simplified, traditional = _chinese_evidence(text)
        return simplified >= traditional if script == "Hans" else traditional >= simplified
    return True


def _letters_by_script(text: str) -> Counter[str]:
    """Letters and the marks on them, by script; those that many scripts share (ー, combining accents) do not count."""
    scripts = (script_of_char(char) for char in text if unicodedata.category(char)[0] in "LM")
    return Counter(script for script in scripts if script not in ("Zyyy", "Zinh", "Zzzz"))


@lru_cache(maxsize=4096)
def script_of_char(char: str) -> str:
    """ISO 15924 code of one character's script: `Hani` for every Chinese sign, `Zyyy` for shared ones."""
    import icu

    return str(icu.Script.getScript(char).getShortName())


def _chinese_evidence(text: str) -> tuple[int, int]:
    """How many signs of a text only simplified, and only traditional Chinese has."""
    kinds = [_kind_of_sign(char) for char in text]
    return kinds.count("Hans"), kinds.count("Hant")


@lru_cache(maxsize=8192)
def _kind_of_sign(char: str) -> str:
    """`Hans` or `Hant` for a sign of one of the two alone: the converter changes it and the character set that the
    other one is printed with (Big5, GB 2312) lacks it, so that 后, 里 and 台, which both have, tell nothing."""
    if char < "\u3400":
        return ""
    if not _encodes(char, "big5") and transliterator("Hans-Hant").transliterate(char) != char:
        return "Hans"
    if not _encodes(char, "gb2312") and transliterator("Hant-Hans").transliterate(char) != char:
        return "Hant"
    return ""


def _encodes(char: str, charset: str) -> bool:
    try:
        char.encode(charset)
    except UnicodeEncodeError:
        return False
    return True


@made_once_per_thread
def transliterator(name: str) -> Any:
    """ICU's transliterator of this id, this thread's own."""
    import icu

    return icu.Transliterator.createInstance(name)
