"""Questions are told by the marks of every script."""

from __future__ import annotations

import pytest

from lang.bcp47 import Locale
from lang.questions import is_question, is_tonal


@pytest.mark.parametrize(
    "text",
    [
        "Are you there?",
        "«Vraiment ?»",
        "Why?!",
        "Well?...",
        "¿De dónde eres?",
        "Τι κάνεις;",
        "Ինչպե՞ս ես։",
        "كيف حالك؟",
        "ሰላም ነው፧",
        "你好吗？",
        "元気ですか。",
        "元気ですか",
        "क्या आप ठीक हैं?",
        "Nothing. Or is it?",
    ],
)
def test_a_question(text: str) -> None:
    assert is_question(text)


@pytest.mark.parametrize(
    "text", ["I am here.", "", "...", "Is it? Yes.", "first; second;", "Καλημέρα.", "そうだ。", "你好。", "Բարև։"]
)
def test_no_question(text: str) -> None:
    assert not is_question(text)


def test_where_pitch_tells_words_apart() -> None:
    assert is_tonal(Locale("zh-Hant"))
    assert is_tonal(Locale("vi"))
    assert not is_tonal(Locale("pt-BR"))
