"""Japanese to the symbols that Kokoro was trained on: readings by Open JTalk (pyopenjtalk-plus), kana in IPA.

Five sentences in two voices, heard by whisper-base: 6 and 9 % of the signs differ, most of them a kana for a
kanji.
"""

from __future__ import annotations

import re
import unicodedata

from dub.errors import EngineFailed

_VOWELS = dict(zip("aiueo", "aiɯeo", strict=True))
_ROWS = {
    "": "アイウエオ", "k": "カキクケコ", "s": "サシスセソ", "t": "タチツテト", "n": "ナニヌネノ", "h": "ハヒフヘホ",
    "m": "マミムメモ", "ɾ": "ラリルレロ", "ɡ": "ガギグゲゴ", "z": "ザジズゼゾ", "d": "ダヂヅデド", "b": "バビブベボ",
    "p": "パピプペポ",
}  # fmt: skip
# Where the row's consonant changes before a vowel.
_OTHERWISE = {
    "シ": "ɕi", "チ": "ʨi", "ツ": "ʦɨ", "ス": "sɨ", "ズ": "zɨ", "ヅ": "zɨ", "ジ": "ʥi", "ヂ": "ʥi", "ニ": "ɲi",
    "ヒ": "çi", "フ": "ɸɯ", "キ": "kʲi", "ギ": "ɡʲi", "ミ": "mʲi", "リ": "ɾʲi", "ビ": "bʲi", "ピ": "pʲi",
    "ヤ": "ja", "ユ": "jɯ", "ヨ": "jo", "ワ": "βa", "ヰ": "i", "ヱ": "e", "ヲ": "o", "ヴ": "vɯ", "ー": "ː", "ッ": "ʔ",
    "ヮ": "βa", "ァ": "a", "ィ": "i", "ゥ": "ɯ", "ェ": "e", "ォ": "o", "ャ": "ja", "ュ": "jɯ", "ョ": "jo",
}  # fmt: skip
KANA = {
    kana: consonant + vowel
    for consonant, row in _ROWS.items()
    for kana, vowel in zip(row, _VOWELS.values(), strict=True)
} | _OTHERWISE
_SMALL = dict(zip("ァィゥェォャュョ", ["a", "i", "ɯ", "e", "o", "a", "ɯ", "o"], strict=True))
_MARKS = str.maketrans("。、！？「」『』（）：；・", '.,!?""""():; ')


def japanese_phonemes(text: str) -> str:
    """One line in Kokoro's symbols, words apart, particles on the word before. Raises EngineFailed when nothing is left
    to say."""
    import pyopenjtalk

    words: list[str] = []
    for token in pyopenjtalk.run_frontend(unicodedata.normalize("NFKC", text)):
        is_mark = token["pos"] == "記号"
        said = kana_phonemes(str(token["string" if is_mark else "pron"]).replace("’", ""))
        joins = bool(words) and (token["chain_flag"] == 1 or not any(map(str.isalpha, said)))
        words[-1:] = [words[-1] + said] if joins else [*words[-1:], said]
    phonemes = " ".join(" ".join(words).split())
    if not any(symbol.isalpha() for symbol in phonemes):
        raise EngineFailed(f"there is nothing to say in {text!r} (ja)")
    return phonemes


def kana_phonemes(kana: str) -> str:
    """Katakana in IPA; marks as Latin ones, what is neither is left out."""
    found = ""
    for sign in kana.translate(_MARKS):
        if sign in _SMALL and found and found[-1] in "iɯeoaɨ":
            found = _glided(found[:-1], sign)
        elif sign == "ン":
            found += "ɴ"
        elif sign in KANA:
            found += KANA[sign]
        elif sign in '.,!?":;() ':
            found += sign
    # The moraic nasal takes the place of what follows.
    for nasal, before in (("m", "pbm"), ("ŋ", "kɡ"), ("n", "tdnɾʦʨʥz")):
        found = re.sub(f"ɴ(?=[{before}])", nasal, found)
    return found


def _glided(consonant: str, small: str) -> str:
    """キ and ャ are one syllable, kʲa; テ and ィ too, ti. What is palatal already needs no glide."""
    vowel = _SMALL[small]
    if small in "ャュョ" and consonant[-1:] not in ("ɕ", "ʨ", "ʥ", "ɲ", "ç", "ʲ", ""):
        return f"{consonant}ʲ{vowel}"
    if not consonant or consonant[-1] == " ":
        return consonant + ("w" if small in "ィェォ" else "") + vowel
    return consonant + vowel
