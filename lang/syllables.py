"""How many syllables a text has, estimated from its letters by the way its script writes vowels."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import partial
from itertools import pairwise

from lang.scripts import script_of_char

_DIGIT_SYLLABLES = 1.8
"""Of a digit that is not spelled out."""

_VOWELS = {
    "Latn": "aeiouyœæøıəɛɔɨʉɩʋǝ",
    "Cyrl": "аеиоуыэюяіїєѣѵөүұәӕ",
    "Grek": "αεηιουω",
    "Armn": "աեէըիոօ",
    "Geor": "აეიოუჷ",
    "Olck": "ᱚᱟᱤᱩᱮᱳ",
    "Nkoo": "ߊߋߌߍߎߏߐ",
    "Tfng": "ⴰⵉⵓⴻⵄ",
}
"""Vowel letters of scripts that write every vowel; accents are taken off first."""
_MARKED_VOWELS = str.maketrans({"ё": "е", "ј": "j", "ў": "u"})
_EACH_VOWEL_COUNTS = frozenset({"Cyrl", "Geor", "Armn", "Olck", "Nkoo", "Tfng"})
"""Scripts whose languages say every vowel letter as a syllable of its own; elsewhere two side by side are one."""

_KILLERS = frozenset("\u103a\u1039\u0d4d\u0bcd\u0c4d\u0ccd\u094d\u09cd\u0acd\u0a4d\u0b4d\u0dca\u0f84\uabed")
"""Signs that take the vowel from the letter they stand on: viramas, the Burmese asat (after a vowel it is a tone)."""
_NUKTA = re.compile("[\u093c\u09bc\u0a3c\u0abc\u0b3c]")
_SMALL_KANA = frozenset("ゃゅょャュョぁぃぅぇぉァィゥェォ")
_WITHOUT_LAST_VOWEL = frozenset({"Deva", "Beng", "Gujr", "Guru"})
"""Scripts whose languages mostly leave the inherent vowel of a word's last letter unsaid."""


def n_syllables(text: str) -> int:
    """Spoken syllables, estimated by script: vowel groups (alphabets), letters with a vowel (India, Burma, Ethiopia),
    signs (CJK, kana, Hangul), syllable marks (Tibet), a share of the letters (Arabic, Hebrew, Thai, Lao, Khmer)."""
    text = unicodedata.normalize("NFC", text)
    count = _DIGIT_SYLLABLES * sum(char.isdecimal() for char in text)
    return round(count + sum(_word_syllables(word) for word in _words(text)))


def _words(text: str) -> list[str]:
    """Runs of letters with their marks; one script each."""
    words: list[str] = []
    script = ""
    for char in text:
        kind = unicodedata.category(char)[0]
        if kind == "M" and script:
            words[-1] += char
        elif kind == "L":
            new = script_of_char(char)
            if new == script:
                words[-1] += char
            else:
                words.append(char)
                script = new
        elif char not in "’'ʼ\u200c\u200d":
            script = ""
    return words


def _word_syllables(word: str) -> float:
    script = script_of_char(word[0])
    if script in _VOWELS:
        return _alphabetic(script, word)
    return _COUNT.get(script, partial(_share, 0.45))(word)


def _alphabetic(script: str, word: str) -> int:
    lowered = word.lower().translate(_MARKED_VOWELS)
    if script == "Armn":
        lowered = lowered.replace("ու", "ո").replace("եւ", "ե").replace("և", "ե")
    if script == "Cyrl":
        lowered = lowered.replace("й", "j")
    plain = "".join(char for char in unicodedata.normalize("NFD", lowered) if not unicodedata.combining(char))
    groups = re.findall(f"[{_VOWELS[script]}]+", plain)
    if script in _EACH_VOWEL_COUNTS:
        return max(1, sum(map(len, groups)))
    return max(1, len(groups) + sum(max(0, len(group) - 2) for group in groups))


def _letters(word: str) -> list[str]:
    return [char for char in word if unicodedata.category(char) == "Lo"]


def _share(share: float, word: str) -> float:
    return max(1.0, share * len(_letters(word)))


def _signs(word: str) -> int:
    return max(1, sum(char not in _SMALL_KANA for char in _letters(word)))


def _letters_with_vowels(word: str) -> int:
    """Letters whose vowel is not killed; a bare last letter has none in the scripts of northern India."""
    word = _NUKTA.sub("", word)
    killed = sum(char in _KILLERS and unicodedata.category(before) == "Lo" for before, char in pairwise(word))
    count = len(_letters(word)) - killed
    is_bare = unicodedata.category(word[-1]) == "Lo"
    return max(1, count - (is_bare and count > 1 and script_of_char(word[0]) in _WITHOUT_LAST_VOWEL))


def _marks(silent: str, word: str) -> int:
    """Vowel marks but the silent one: Thaana writes a mark on every letter."""
    return max(1, sum(unicodedata.category(char) == "Mn" and char not in silent for char in word))


_COUNT: dict[str, Callable[[str], float]] = (
    dict.fromkeys(("Hani", "Hang", "Hira", "Kana", "Bopo"), _signs)
    | dict.fromkeys(
        ("Deva", "Beng", "Gujr", "Guru", "Orya", "Taml", "Telu", "Knda", "Mlym", "Sinh", "Mymr", "Mtei"),
        _letters_with_vowels,
    )
    | {
        "Ethi": partial(_share, 0.83),
        "Arab": partial(_share, 0.52),
        "Hebr": partial(_share, 0.52),
        "Syrc": partial(_share, 0.52),
        "Thai": partial(_share, 0.45),
        "Laoo": partial(_share, 0.45),
        "Khmr": partial(_share, 0.5),
        "Thaa": partial(_marks, "\u07b0"),
        "Tibt": lambda word: 1,
    }
)
"""How words are counted in scripts that leave vowels unwritten or write them as marks. A Tibetan word, as it is cut
here, ends at every tsheg: it is one syllable. Shares are measured (see the test)."""
