"""Translators that answer from a phrasebook: real engines to the registry, with the faults that a test writes in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from dub.errors import EngineFailed
from dub.stage import EngineChoice
from engines import registry
from engines.spec import EngineSpec
from lang.bcp47 import Locale

FAILS = "(fails)"
"""In place of an answer: the engine raises EngineFailed for this line, and for the whole batch that it is in."""


class Phrasebook:
    """Meets `contract.Translator`; a line it does not have comes back as it is. `asked`: every line it was given.
    `keeps_words`: whether it calls itself one that leaves unknown words alone."""

    def __init__(self, answers: Mapping[str, str], *, keeps_words: bool = False) -> None:
        self._answers = answers
        self.asked: list[str] = []
        self.keeps_words = keeps_words

    def routes(self) -> frozenset[tuple[Locale, Locale]]:
        return frozenset()

    def translate(self, lines: Sequence[str], source: Locale, target: Locale) -> list[str]:
        self.asked += lines
        for line in lines:
            if self._answers.get(line) == FAILS:
                raise EngineFailed(f"nothing for {line!r}")
        return [self._answers.get(line, line) for line in lines]


@contextmanager
def installed(**books: Phrasebook) -> Iterator[None]:
    """The registry with these engines, by id."""
    specs = registry.specs()
    for engine_id, book in books.items():
        specs["translation", engine_id] = EngineSpec(
            id=engine_id,
            family="translation",
            version=1,
            summary="a phrasebook",
            load=lambda book=book, **options: book,
            capabilities={"tiers": {}, "keeps_unknown_words": book.keeps_words},
        )
    try:
        yield
    finally:
        for engine_id in books:
            del specs["translation", engine_id]
            for key in [key for key in registry._loaded if key[1] == engine_id]:
                del registry._loaded[key]


def hop(engine_id: str, source: str = "en", target: str = "es") -> EngineChoice:
    return EngineChoice(
        family="translation", id=engine_id, fingerprint="x", options={"source": source, "target": target}
    )
