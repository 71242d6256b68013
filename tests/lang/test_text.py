"""Text put together: opening marks and letters' case."""

from __future__ import annotations

from lang.bcp47 import Locale
from lang.text import capitalised_like, with_opening_marks


def test_opening_marks() -> None:
    assert with_opening_marks("Hola. Cuál es su nombre? Vamos!", Locale("es-MX")) == "Hola. ¿Cuál es su nombre? ¡Vamos!"
    assert with_opening_marks("¿Qué?", Locale("es")) == "¿Qué?"
    assert with_opening_marks("¿Quale è?", Locale("it")) == "Quale è?"


def test_case_follows_the_model() -> None:
    assert capitalised_like("buenos días", "Bom dia") == "Buenos días"
    assert capitalised_like("E ieu aimi", "e eu amo") == "e ieu aimi"
    assert capitalised_like("¿qué?", "What?") == "¿Qué?"
    assert capitalised_like("ONU dice", "a ONU diz") == "ONU dice"
