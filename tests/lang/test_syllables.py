"""Syllables by script, against counts made by hand and against the vowels that espeak-ng speaks."""

from __future__ import annotations

from statistics import mean

import pytest

from engines.tts.espeak import load
from lang.bcp47 import Locale
from lang.syllables import n_syllables
from lang.udhr import article_1

COUNTED = {
    "en": ("All human beings are born free and equal in dignity and rights.", 17),
    "es": ("Todos los seres humanos nacen libres e iguales", 16),
    "pt": ("Bom dia, meu nome é Jordi Mas.", 9),
    "fr": ("Bonjour, je m'appelle Marie", 7),
    "de": ("Alle Menschen sind frei und gleich geboren", 11),
    "it": ("Buongiorno, mi chiamo Marco Rossi", 10),
    "pl": ("Dzień dobry, nazywam się Anna", 9),
    "ru": ("Все люди рождаются свободными", 11),
    "uk": ("Добрий день, мене звати Іван", 9),
    "el": ("Καλημέρα, με λένε Γιώργο", 9),
    "tr": ("Bütün insanlar hür doğarlar", 9),
    "fi": ("Hyvää huomenta, minun nimeni on Matti", 13),
    "hy": ("Բարեւ, իմ անունը Արամ է", 9),
    "ka": ("გამარჯობა, მე მქვია გიორგი", 10),
    "ja": ("こんにちは、わたしはたなかです", 14),
    "zh": ("你好，我叫王明", 6),
    "ko": ("안녕하세요 저는 민수입니다", 12),
    "hi": ("नमस्ते मेरा नाम राज है", 8),
    "bn": ("আমার নাম রহিম", 5),
    "ta": ("வணக்கம் என் பெயர் குமார்", 8),
    "te": ("నమస్కారం నా పేరు రవి", 9),
    "kn": ("ನಮಸ್ಕಾರ ನನ್ನ ಹೆಸರು ರವಿ", 11),
    "ml": ("നമസ്കാരം എന്റെ പേര് രവി", 10),
    "ar": ("السلام عليكم مرحبا شكرا", 12),
    "he": ("שלום תודה רבה בוקר טוב", 9),
    "fa": ("سلام حال شما چطور است", 9),
    "th": ("สวัสดีครับผมชื่อสมชาย", 8),
    "lo": ("ສະບາຍດີຂ້ອຍຊື່", 5),
    "km": ("សួស្តីខ្ញុំឈ្មោះ", 4),
    "my": ("မင်္ဂလာပါ ကျွန်တော်", 6),
    "bo": ("བཀྲ་ཤིས་བདེ་ལེགས།", 4),
    "am": ("ሰላም ስሜ አበበ ነው", 8),
    "vi": ("Xin chào tôi tên là Minh", 6),
    "sw": ("Jina langu ni Asha na ninatoka Kenya", 14),
    "dv": ("އައްސަލާމު ޢަލައިކުމް", 7),
}


@pytest.mark.parametrize("tag", COUNTED)
def test_a_sentence_counted_by_hand(tag: str) -> None:
    text, n = COUNTED[tag]
    assert abs(n_syllables(text) - n) <= max(1, 0.2 * n)


def test_over_all_of_them_the_estimate_errs_by_less_than_5_percent() -> None:
    assert mean(abs(n_syllables(text) - n) / n for text, n in COUNTED.values()) < 0.05


@pytest.mark.parametrize("tag", ["it", "es", "hr", "cs", "ro", "tr", "ru", "bg", "el", "ka", "hu", "sw", "id"])
def test_as_many_syllables_as_espeak_speaks_vowels(tag: str) -> None:
    """In languages without long diphthongs or silent vowels, whose phonemes are easily counted."""
    locale = Locale(tag)
    text = article_1()[locale]
    vowels = sum(phoneme.ipa[0] in "aeiouyɑɐɒæɛɜəɘɤɨɪʏɵøœɔʊʌʉɯ" for phoneme in load().say(text, locale).phonemes)
    assert n_syllables(text) == pytest.approx(vowels, rel=0.12)


def test_digits_and_nothing() -> None:
    assert n_syllables("") == 0
    assert n_syllables("... !") == 0
    assert n_syllables("25") == 4
