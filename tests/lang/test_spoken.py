"""What a voice that knows letters alone is given to read."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lang.bcp47 import Locale
from lang.registry import languages
from lang.spelled_numbers import can_spell, spelled
from lang.spoken import spoken_form
from lang.udhr import article_1
from lang.written_numbers import parsed_number


@pytest.mark.parametrize(
    ("locale", "text", "said"),
    [
        ("en", "In 1984 I paid $3.50.", "In nineteen eighty-four I paid three point five US dollars."),
        ("en", "1,234 people, the 3rd of May", "one thousand two hundred thirty-four people, the third of May"),
        ("en", "-5 °C at 9:30, 24/7", "minus five degrees Celsius at nine thirty, twenty-four seven"),
        ("en", "the 1960s, 2½ hours, B2B", "the nineteen sixties, two point five hours, B two B"),
        ("en", "Call 555-123-456.", "Call five five five, one two three, four five six."),
        ("en", "Room 007 on 2024-03-12", "Room zero zero seven on twenty twenty-four three twelve"),
        ("en", "5000000 or 12345678", "five million or one two three four five six seven eight"),
        ("en", "20 m. Then 5.", "twenty meters. Then five."),
        ("de", "Am 3. Oktober 1990, um 9:30.", "Am dritten Oktober neunzehnhundertneunzig, um neun dreißig."),
        ("de", "1.234,5 kg", "eintausendzweihundertvierunddreißig Komma fünf Kilogramm"),
        ("de", "Es sind 3. Oder?", "Es sind drei. Oder?"),
        ("fr", "12 300 km, 1er, 9h30", "douze mille trois cents kilomètres, premier, neuf heures trente"),
        ("pt-BR", "R$ 1.500,00 e 3,5 %", "mil e quinhentos Reais brasileiros e três vírgula cinco por cento"),
        ("pt-BR", "1 mph, 1ª", "uma milha por hora, primeira"),
        ("es-MX", "1,234.5", "mil doscientos treinta y cuatro punto cinco"),
        ("ru", "2 км, 5 км, 1-й", "два километра, пять километров, первый"),
        ("ru", "1984 человека", "одна тысяча девятьсот восемьдесят четыре человека"),
        ("ru", "в 1984 году", "в одна тысяча девятьсот восемьдесят четвертого году"),
        ("pl", "1984 razy", "tysiąc dziewięćset osiemdziesiąt cztery razy"),
        ("pl", "od 1984 roku", "od tysiąc dziewięćset osiemdziesiątego czwartego roku"),
        ("ar", "٣٫٥ كم و25%", "ثلاثة فاصل خمسة كيلومتر وخمسة وعشرون بالمئة"),
        ("hi", "५० किलोमीटर, 25%", "पचास किलोमीटर, पच्चीस प्रतिशत"),
        ("zh", "1984年有1234人，50%，9:30", "一九八四年有一千二百三十四人，百分之五十，九点三十分"),
        ("ja", "3.5kmを9:30に", "三・五キロメートルを九時三十分に"),
        ("vi", "50%", "năm mươi phần trăm"),
        ("th", "50 คน", "ห้าสิบ คน"),
        ("bn", "৫০%", "পঞ্চাশ শতাংশ"),
        ("bn", "-5", "মাইনাস পাঁচ"),
        ("te", "9000000000000", "9000000000000"),
        ("bs", "1000 km", "tisuću kilometara"),
        ("sr", "5 км", "пет километара"),
        ("sr-Latn", "5 km", "pet kilometara"),
    ],
)
def test_numbers_are_said(locale: str, text: str, said: str) -> None:
    assert spoken_form(text, Locale(locale)) == said


@pytest.mark.parametrize("tag", ["kac", "uz", "ht", "yo", "zu"])
def test_a_language_without_number_words_keeps_its_digits(tag: str) -> None:
    """ICU would give these English (or, for Haitian, French) words without a warning."""
    assert not can_spell(Locale(tag))
    assert spoken_form("25 km, 50%", Locale(tag)) == "25 km, 50%"


def test_no_language_but_english_counts_in_english() -> None:
    english = spelled(1234, Locale("en"))
    spellers = [locale for locale in languages() if can_spell(locale)]
    assert len(spellers) > 75
    assert [locale for locale in spellers if spelled(1234, locale) == english] == ["en"]


@pytest.mark.parametrize(
    ("locale", "digits", "value"),
    [
        ("en", "1,234", "1234"),
        ("en", "1,5", "1.5"),
        ("en", "1,234,567.89", "1234567.89"),
        ("de", "1.234", "1234"),
        ("de", "3.50", "3.50"),
        ("de", "1,234", "1.234"),
        ("hi", "12,34,567", "1234567"),
        ("fr", "1 234,5", "1234.5"),
        ("de", "0.125", "0.125"),
        ("ar", "١٬٢٣٤٫٥", "1234.5"),
        ("en", "1.2.3", None),
        ("en", "5'10", None),
        ("de", "1'234", "1234"),
    ],
)
def test_marks_are_read_as_the_locale_writes_them(locale: str, digits: str, value: str | None) -> None:
    assert parsed_number(digits, Locale(locale)) == (None if value is None else Decimal(value))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<i>Hello</i> {\\an8}**big** world 😀👍🏽!", "Hello big world !"),
        ("- one\n• two\n# three", "one two three"),
        ("“Don’t”, she said\u200f.", '"Don\'t", she said.'),
        ("a &amp; b\x07c\u00ad", "a & b c"),
        ("e\u0301te\u0301", "été"),
        ("می\u200cروم", "می\u200cروم"),
        ("o‘zbek ‘uy’", "o‘zbek 'uy'"),
        ("[the site](https://example.org) ♪", "the site"),
        ("snake_case and 2*3*4", "snake_case and 2 3 4"),
    ],
)
def test_what_no_voice_reads_is_left_out(text: str, said: str) -> None:
    assert spoken_form(text, Locale("xh")) == said


def test_text_without_numbers_keeps_every_letter() -> None:
    for locale, text in article_1().items():
        kept = "".join(char for char in spoken_form(text, locale) if char.isalpha())
        assert kept == "".join(char for char in _nfc(text) if char.isalpha()), locale


@given(
    st.text(alphabet="0123456789.,:/-+%€$ akm½ºs'", max_size=40), st.sampled_from(["en", "de", "ru", "zh", "ar", "bn"])
)
def test_any_digits_become_words(text: str, tag: str) -> None:
    said = spoken_form(text, Locale(tag))
    if len(re.sub(r"\D", "", text)) <= 15:
        assert not re.search(r"\d", said)


def test_a_number_too_large_for_words_keeps_its_digits() -> None:
    assert spoken_form("9000000000000000000 km", Locale("en")) == "9000000000000000000 km"


def test_every_language_says_or_keeps_a_line_of_numbers() -> None:
    text = "1984: 3.5 km, 50 %, $20, 9:30, 1/2, +34 555 123 456, 2024-03-12, -5 °C"
    for locale in languages():
        said = spoken_form(text, locale)
        assert "None" not in said
        assert can_spell(locale) != bool(re.search(r"\d", said)), (locale, said)


def test_threads_do_not_disturb_one_another() -> None:
    """ICU's formatters and iterators hold state while they work."""
    texts = [(f"{number} km, 25.{number} %", Locale(tag)) for number in range(200) for tag in ("en", "de", "ru", "zh")]
    alone = [spoken_form(text, locale) for text, locale in texts]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda asked: spoken_form(*asked), texts)) == alone


def _nfc(text: str) -> str:
    import unicodedata

    return unicodedata.normalize("NFC", text)
