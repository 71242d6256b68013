"""Shorter wordings by rule."""

from __future__ import annotations

import pytest

from lang.bcp47 import Locale
from lang.shorter import shorter_wordings


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
