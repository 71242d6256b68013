"""Mandarin to the symbols that Kokoro was trained on: pinyin by pypinyin, syllables in IPA, tones as arrows.

The values of pinyin are those of any phonology (S. Duanmu, "The Phonology of Standard Chinese", 2007), in Kokoro's
one-letter affricates; a tone's arrow follows the syllable's nucleus: → high, ↗ rising, ↓ low, ↘ falling.
Five sentences in two voices, heard by whisper-base: 3 and 8 % of the signs misheard (3 written for 三 included).
"""

from __future__ import annotations

import re
from itertools import pairwise

from dub.errors import EngineFailed
from engines.tts.espeak_phonemes import phonemize
from lang.bcp47 import Locale
from lang.spoken import spoken_form

_INITIALS = {
    "": "", "b": "p", "p": "pʰ", "m": "m", "f": "f", "d": "t", "t": "tʰ", "n": "n", "l": "l", "g": "k", "k": "kʰ",
    "h": "x", "j": "ʨ", "q": "ʨʰ", "x": "ɕ", "zh": "\uab67", "ch": "\uab67ʰ", "sh": "ʂ", "r": "ɻ", "z": "ʦ", "c": "ʦʰ",
    "s": "s",
}  # fmt: skip
# Finals as pypinyin writes them in full (uei, iou, uen; v for ü); 0 is where the tone goes.
_FINALS = {
    "a": "a0", "o": "wo0", "e": "ɤ0", "ê": "ɛ0", "ai": "ai0", "ei": "ei0", "ao": "au0", "ou": "ou0", "an": "a0n",
    "en": "ə0n", "ang": "a0ŋ", "eng": "ə0ŋ", "ong": "ʊ0ŋ", "er": "ɚ0", "i": "i0", "ia": "ja0", "ie": "je0",
    "iao": "jau0", "iou": "jou0", "ian": "jɛ0n", "in": "i0n", "iang": "ja0ŋ", "ing": "i0ŋ", "iong": "jʊ0ŋ",
    "io": "jo0", "u": "u0", "ua": "wa0", "uo": "wo0", "uai": "wai0", "uei": "wei0", "uan": "wa0n", "uen": "wə0n",
    "uang": "wa0ŋ", "ueng": "wə0ŋ", "v": "y0", "ve": "ɥe0", "van": "ɥɛ0n", "vn": "y0n", "m": "m0", "n": "n0",
    "ng": "ŋ0",
}  # fmt: skip
_BUZZED = frozenset({"zh", "ch", "sh", "r", "z", "c", "s"})
"""After these, i is no vowel of its own but the consonant held: ɨ."""
_TONES = {"1": "→", "2": "↗", "3": "↓", "4": "↘", "5": ""}
_MARKS = str.maketrans("，、。！？；：（）「」《》〇", ',,.!?;:()""""零')
_SAID_MARKS = frozenset(',.!?;:()"“”—… ')
_HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003134f]+")


def mandarin_phonemes(text: str) -> str:
    """One line in Kokoro's symbols, words apart. Raises EngineFailed when nothing is left to say."""
    said = spoken_form(text, Locale("zh")).translate(_MARKS)
    pieces = []
    end = 0
    for run in _HAN.finditer(said):
        pieces += [_foreign(said[end : run.start()]), " ".join(map(_word, _words(run.group())))]
        end = run.end()
    pieces.append(_foreign(said[end:]))
    phonemes = re.sub(r" ([,.!?;:)])", r"\1", " ".join(" ".join(pieces).split()))
    if not any(symbol.isalpha() for symbol in phonemes):
        raise EngineFailed(f"there is nothing to say in {text!r} (zh)")
    return phonemes


def _words(run: str) -> list[str]:
    """Chinese signs in words, by ICU's dictionary."""
    import icu

    breaks = icu.BreakIterator.createWordInstance(icu.Locale("zh"))
    breaks.setText(run)
    edges = [0, *breaks]
    return [run[a:b] for a, b in pairwise(edges)]


def _word(word: str) -> str:
    from pypinyin import Style, lazy_pinyin

    initials = lazy_pinyin(word, style=Style.INITIALS, strict=True)
    finals = lazy_pinyin(word, style=Style.FINALS_TONE3, strict=True, neutral_tone_with_five=True, tone_sandhi=True)
    return "".join(map(_syllable, initials, finals))


def _syllable(initial: str, final: str) -> str:
    tone = final[-1:] if final[-1:] in _TONES else "5"
    final = final.rstrip("12345").replace("ü", "v")
    if final == "i" and initial in _BUZZED:
        nucleus = "ɨ0"
    elif final == "o" and initial:
        nucleus = "wo0"
    else:
        nucleus = _FINALS.get(final, "")
    return _INITIALS.get(initial, "") + nucleus.replace("0", _TONES[tone])


def _foreign(text: str) -> str:
    """What stands between Chinese signs: letters as English reads them, marks that Kokoro knows as they are."""
    if any(char.isalpha() for char in text):
        return phonemize(text, "en-us")
    return "".join(char for char in text if char in _SAID_MARKS).strip()
