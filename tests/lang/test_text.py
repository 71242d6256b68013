"""Sentences, lines, syllables and names over several scripts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lang.bcp47 import Locale
from lang.names import lost_names, lost_numbers, masked, names, unmasked
from lang.shorter import shorter_wordings
from lang.text import (
    break_lines,
    capitalised_like,
    ends_sentence,
    even_pieces,
    marked_rtl,
    n_syllables,
    reading_chars,
    split_sentences,
    with_opening_marks,
)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Hello Mr. Smith. I paid 3.50 today! Really?", ["Hello Mr. Smith.", "I paid 3.50 today!", "Really?"]),
        ('"Yes." he said… See example.org.', ['"Yes."', "he said…", "See example.org."]),
        ("今日は。元気？はい", ["今日は。", "元気？", "はい"]),
        ("यह घर है। वह पेड़ है।", ["यह घर है।", "वह पेड़ है।"]),
        ("هل أنت هنا؟ نعم.", ["هل أنت هنا؟", "نعم."]),
        ("no end", ["no end"]),
        ("", []),
    ],
)
def test_sentences(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences


def test_sentence_ends() -> None:
    assert ends_sentence("city.")
    assert ends_sentence('done."')
    assert ends_sentence("no.")
    assert not ends_sentence("Mr.")
    assert not ends_sentence("J.")
    assert not ends_sentence("Mas,")


@pytest.mark.parametrize(
    ("text", "n"),
    [
        ("Bom dia, meu nome é Jordi Mas.", 9),
        ("I am from Barcelona", 7),
        ("今日は元気", 5),
        ("Всем привет", 3),
        ("नमस्ते", 3),
        ("", 0),
    ],
)
def test_syllables(text: str, n: int) -> None:
    assert abs(n_syllables(text) - n) <= 1


def test_lines_break_at_clauses_and_before_link_words() -> None:
    text = "And so, my fellow Americans, ask not what your country can do for you, ask what you can do."
    assert break_lines(text, 42)[0] == "And so, my fellow Americans,"
    assert break_lines("we saw the man and the dog he had lost", 24) == ["we saw the man", "and the dog he had lost"]
    assert break_lines("今日はとてもいい天気ですね。散歩に行きましょう。", 16, is_spaced=False) == [
        "今日はとてもいい天気ですね。",
        "散歩に行きましょう。",
    ]


@given(st.text(alphabet="abc de.,é", min_size=1, max_size=300), st.integers(5, 50))
def test_breaking_loses_nothing_and_only_a_long_word_overflows(text: str, line_chars: int) -> None:
    words = text.split()
    lines = break_lines(text, line_chars)
    assert " ".join(lines).split() == words
    longest = max(map(reading_chars, words), default=0)
    assert all(reading_chars(line) <= max(line_chars, longest) for line in lines)


@given(st.text(alphabet="今日は、。「」AB 9", min_size=1, max_size=80))
def test_unspaced_text_breaks_without_stranding_punctuation(text: str) -> None:
    lines = break_lines(text, 16, is_spaced=False)
    assert "".join("".join(lines).split()) == "".join(text.split())
    stripped = text.lstrip()
    if stripped and stripped[0] not in "、。」":
        assert not any(line.startswith(("、", "。", "」")) for line in lines[1:])


def test_even_pieces_share_a_text_out() -> None:
    assert even_pieces("I am from Barcelona, and I love the city.", 2) == [
        "I am from Barcelona,",
        "and I love the city.",
    ]
    assert even_pieces("one", 3) == ["one"]


def test_opening_marks() -> None:
    assert with_opening_marks("Hola. Cuál es su nombre? Vamos!", Locale("es-MX")) == "Hola. ¿Cuál es su nombre? ¡Vamos!"
    assert with_opening_marks("¿Qué?", Locale("es")) == "¿Qué?"
    assert with_opening_marks("¿Quale è?", Locale("it")) == "Quale è?"


def test_case_follows_the_model() -> None:
    assert capitalised_like("buenos días", "Bom dia") == "Buenos días"
    assert capitalised_like("E ieu aimi", "e eu amo") == "e ieu aimi"
    assert capitalised_like("¿qué?", "What?") == "¿Qué?"
    assert capitalised_like("ONU dice", "a ONU diz") == "ONU dice"


def test_rtl_lines_are_marked_and_marks_are_not_read() -> None:
    assert reading_chars(marked_rtl("مرحبا!")) == 6


def test_numbers_are_compared_by_digits() -> None:
    assert lost_numbers("He paid $3.50 in 1969.", "Ele pagou US$ 3,50 em 1969.") == ()
    assert lost_numbers("Rooms 5, 5 and 12", "Salas 5 e 12") == ("5",)


def test_names() -> None:
    assert names("Hello, my name is Jordi Mas and I am from Barcelona.") == ("Jordi Mas", "Barcelona")
    assert names("The end. We go. I'm here, I think.") == ()
    assert lost_names("My name is Jordi Mas.", "mi nombre es Jordi Pero.") == ("Jordi Mas",)
    assert lost_names("I am from Barcelona.", "Io sono di Barcellona.") == ()


def test_masks_come_off_whole_or_not_at_all() -> None:
    hidden = ("Jordi Mas",)
    covered = masked("Meu nome é Jordi Mas, mas não.", hidden)
    assert "Jordi" not in covered
    assert covered.endswith("mas não.")
    assert unmasked(covered, hidden) == "Meu nome é Jordi Mas, mas não."
    assert unmasked(covered.replace("Qxbqa", ""), hidden) is None


@pytest.mark.parametrize(
    ("locale", "text", "shortest"),
    [
        ("pt-BR", "Eu sou de Barcelona e eu amo a cidade.", "Sou de Barcelona e amo a cidade."),
        ("es", "¡Bien, yo creo que podemos!", "¡Creo que podemos!"),
        ("ca", "Bon dia, el meu nom és Jordi,", "Bon dia, em dic Jordi,"),
        ("pt-BR", "Entre mim e eu mesmo", None),
        ("de", "Ich bin hier.", None),
    ],
)
def test_shorter_wordings(locale: str, text: str, shortest: str | None) -> None:
    wordings = shorter_wordings(text, Locale(locale))
    assert (wordings[0] if wordings else None) == shortest
    assert list(map(len, wordings)) == sorted(map(len, wordings))
    assert all(len(wording) < len(text) for wording in wordings)
