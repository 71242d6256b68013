"""Translation: whole utterances, one in, one out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from lang.bcp47 import Locale


class Translator(Protocol):
    def routes(self) -> frozenset[tuple[Locale, Locale]]:
        """Every (source, target) it translates directly."""
        ...

    def translate(self, lines: Sequence[str], source: Locale, target: Locale) -> list[str]:
        """As many lines out as in, in order. Raises EngineFailed naming the line, never returns text that must not be
        spoken (an error message, a blank for a line that had words). Deterministic, thread-safe."""
        ...
