"""Words misheard: what counts as an error, what does not, and to which line it belongs."""

from __future__ import annotations

import random

import pytest

from dub.word_error import ErrorRate, aligned, characters_wrong, comparable_words, per_line, words_wrong


def errors(expected: str, heard: str) -> ErrorRate:
    return words_wrong(aligned(comparable_words(expected), comparable_words(heard)))


@pytest.mark.parametrize(
    ("expected", "heard"),
    [
        ("Bom dia, meu nome é Jordi!", "bom dia meu nome é jordi"),
        ("Don’t worry — it’s the well-known one.", "don't worry it's the well known one"),
        ("São mil novecentos e oitenta e quatro pessoas", "São 1984 pessoas."),
        ("We have 5 cats and 1,000 dogs", "we have five cats and 1000 dogs"),
        ("ＡＢＣ", "abc"),
    ],
)
def test_what_sounds_the_same_is_no_error(expected: str, heard: str) -> None:
    assert errors(expected, heard).n_errors == 0


def test_a_numeral_hides_only_the_number_it_stands_for() -> None:
    assert errors("I have 5 cats", "I have five big dogs").n_errors == 2


def test_missing_changed_and_added_words_count_one_each() -> None:
    assert errors("the quick brown fox", "the brown box jumps") == ErrorRate(4, 3)


def test_accents_tell_words_apart() -> None:
    assert errors("un año", "un ano").n_errors == 1


def test_scripts_without_spaces_count_characters() -> None:
    assert errors("今日は良い天気", "今日は天気") == ErrorRate(7, 2)


def test_silence_for_a_line_is_all_wrong_and_speech_for_no_line_has_no_rate() -> None:
    assert errors("hello there", "").rate == 1.0
    assert errors("", "hello there").rate is None


def test_character_error_forgives_a_word_cut_in_two() -> None:
    alignment = aligned(comparable_words("go away now"), comparable_words("go a way now"))
    assert words_wrong(alignment).n_errors == 2
    assert characters_wrong(alignment) == ErrorRate(9, 0)


def test_words_find_their_line_though_their_times_are_loose() -> None:
    lines = [("good", "morning"), ("my", "name", "is", "ann"), ("bye",)]
    heard = ("good", "morning", "my", "name", "was", "ann", "oh", "bye")
    first, second, third = per_line(lines, heard, [0, 0, 0, 0, 1, 1, 1, 2])
    assert words_wrong(first) == ErrorRate(2, 0)
    assert words_wrong(second) == ErrorRate(4, 2), "`was` changed, `oh` added while this line was spoken"
    assert words_wrong(third) == ErrorRate(1, 0)


def test_a_missing_line_is_charged_to_itself() -> None:
    lines = [tuple(f"w{line}x{k}" for k in range(30)) for line in range(4)]
    heard = [*lines[0], *lines[1], *lines[3]]
    rates = [words_wrong(words).rate for words in per_line(lines, heard, [0] * len(heard))]
    assert rates == [0.0, 0.0, 1.0, 0.0]


def test_the_band_finds_the_same_distance_as_a_full_table() -> None:
    generator = random.Random(5)
    for _ in range(40):
        expected = [generator.choice("abcd") for _ in range(generator.randint(0, 14))]
        heard = [generator.choice("abcd") for _ in range(generator.randint(0, 14))]
        assert words_wrong(aligned(expected, heard)).n_errors == _full_table(expected, heard)


def _full_table(a: list[str], b: list[str]) -> int:
    table = [[i + j if not i or not j else 0 for j in range(len(b) + 1)] for i in range(len(a) + 1)]
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            change = table[i - 1][j - 1] + (a[i - 1] != b[j - 1])
            table[i][j] = min(change, table[i - 1][j] + 1, table[i][j - 1] + 1)
    return table[-1][-1]
