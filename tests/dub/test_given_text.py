"""Given words laid over heard lines."""

from __future__ import annotations

from fractions import Fraction

import pytest

from dub.errors import BadInput
from dub.given_text import with_words
from dub.script import DubScript, Utterance
from dub.timecode import Span
from lang.bcp47 import Locale


def heard(*texts: str) -> DubScript:
    lines = tuple(
        Utterance(id=f"u{n:04}", speaker="s1", span=Span.of_seconds(2 * n, 2 * n + 1), text=text)
        for n, text in enumerate(texts, 1)
    )
    return DubScript(source_locale=Locale("en"), duration=Fraction(20), utterances=lines)


def texts(script: DubScript) -> list[str]:
    return [line.text for line in script.utterances]


def test_words_misheard_take_their_neighbours_line() -> None:
    script = heard("hello my name is Anna Blue", "every Friday about 45 people", "come by for breakfast")
    given = "Hello, my name is Anna Bloom. Every Friday, about forty-five people bring bread. Come by for breakfast!"
    assert texts(with_words(script, given)) == [
        "Hello, my name is Anna Bloom.",
        "Every Friday, about forty-five people bring bread.",
        "Come by for breakfast!",
    ]


def test_a_line_that_was_never_said_is_left_out() -> None:
    script = heard("good morning to you", "thanks for watching", "I am from Barcelona")
    assert texts(with_words(script, "Good morning to you. I am from Barcelona.")) == [
        "Good morning to you.",
        "I am from Barcelona.",
    ]


def test_text_of_another_video_is_refused() -> None:
    with pytest.raises(BadInput, match="only 0"):
        with_words(heard("good morning my name is Jordi"), "Всем привет, я снова рада")
