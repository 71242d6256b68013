"""Syllables, counted by script."""

from __future__ import annotations

import pytest

from lang.syllables import n_syllables


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
