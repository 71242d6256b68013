"""How many syllables a text has, estimated from its letters."""

from __future__ import annotations

import re
import unicodedata


def n_syllables(text: str) -> int:
    """Spoken syllables, estimated by script: vowel groups (Latin, Cyrillic, Greek), signs (CJK, kana, Hangul),
    consonant letters without a killer mark (Indic, Ethiopic), 0.6 a letter (Arabic, Hebrew), 1.8 a digit."""
    count = 0.0
    for word in re.findall(r"[^\W\d_]+(?:[’'][^\W\d_]+)*|\d|[\u0300-\u036f]", unicodedata.normalize("NFC", text)):
        count += _word_syllables(word)
    return round(count)


def _word_syllables(word: str) -> float:
    if word.isdigit():
        return 1.8
    name = unicodedata.name(word[0], "")
    if name.startswith(("LATIN", "CYRILLIC", "GREEK")):
        plain = "".join(char for char in unicodedata.normalize("NFD", word.lower()) if not unicodedata.combining(char))
        groups = re.findall(r"[aeiouyœæøıаеиоуыэюяіїєαεηιουω]+", plain)
        n = len(groups) + sum(max(0, len(group) - 2) for group in groups)
        return max(1, n)
    if name.startswith(("ARABIC", "HEBREW", "SYRIAC", "THAANA")):
        return max(1.0, 0.6 * len(word))
    letters = [char for char in word if unicodedata.category(char) == "Lo"]
    killers = sum("VIRAMA" in unicodedata.name(char, "") for char in word)
    if name.startswith(("THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN")):
        return max(1.0, 0.45 * len(letters))
    small_kana = sum(char in "ゃゅょャュョぁぃぅぇぉァィゥェォ" for char in word)
    return max(1.0, len(letters) - killers - small_kana)
