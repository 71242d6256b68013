"""Language identification of text: does a transcript read like the language it should be in?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from lang.bcp47 import Locale


@dataclass(frozen=True)
class ReadLanguage:
    """The likeliest language of a text; probability 0..1 over all the labels that the engine has."""

    locale: Locale
    probability: float


class LanguageIdentifier(Protocol):
    def knows(self, locale: Locale) -> bool:
        """Whether the engine could name this language at all. It must not judge one that it cannot name."""
        ...

    def identify(self, text: str) -> ReadLanguage | None:
        """None for a text without letters. Deterministic, thread-safe; sure only from about five words on."""
        ...

    def agrees(self, text: str, locale: Locale) -> bool | None:
        """True when the text reads like `locale` or a language that text cannot tell from it, False when it reads
        like another; None where the engine cannot say (no letters, or the language is not among its labels)."""
        ...
