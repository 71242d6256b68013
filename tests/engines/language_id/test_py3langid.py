from __future__ import annotations

import pytest

from engines import registry
from engines.language_id.contract import LanguageIdentifier
from lang.bcp47 import Locale


@pytest.fixture(scope="module")
def reader() -> LanguageIdentifier:
    loaded: LanguageIdentifier = registry.load("language_id", "py3langid")
    return loaded


@pytest.mark.parametrize(
    ("text", "locale", "verdict"),
    [
        ("Yo soy de Barcelona y amo la ciudad.", "es-MX", True),
        ("Yo soy de Barcelona y amo la ciudad.", "pt-BR", False),
        ("Eu sou de Barcelona e amo a cidade onde nasci.", "pt-BR", True),
        ("Saya tinggal di Jakarta bersama keluarga saya.", "ms", True),  # Indonesian and Malay: no ground for a veto
        ("Jeg bor i Oslo og elsker byen.", "nb", True),
        ("Deo so de Bartzellona e amo sa tzitade.", "sc", None),  # Sardinian is none of its labels
        ("1969 – 2026", "es", None),
        ("", "es", None),
    ],
)
def test_it_vetoes_only_what_it_can_name(
    reader: LanguageIdentifier, text: str, locale: str, verdict: bool | None
) -> None:
    assert reader.agrees(text, Locale(locale)) is verdict


def test_what_it_knows(reader: LanguageIdentifier) -> None:
    assert reader.knows(Locale("nb"))
    assert reader.knows(Locale("fil"))
    assert not reader.knows(Locale("sc"))
    read = reader.identify("The keys are in the car, and the car is in the garage.")
    assert read is not None
    assert read.locale == "en"
    assert read.probability > 0.5
