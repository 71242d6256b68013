"""A user's translation memory and glossary at work on lines: what the memory has, and which terms a line lacks."""

from __future__ import annotations

from collections.abc import Sequence

from dub.finding import Finding, Level
from dub.glossary import Glossary, Term, read_glossary
from dub.plan import GivenFile
from dub.stage import Desk
from dub.translation_memory import Match, TranslationMemory, read_memory
from lang.bcp47 import Locale
from lang.registry import name_of

MEMORY = "memory"


class WordingAids:
    """The user's files, read once for each pair of languages that is needed. Raises BadInput naming file and line."""

    def __init__(self, desk: Desk, memory: GivenFile | None, glossary: GivenFile | None) -> None:
        self._store = desk.open_store()
        self._memory, self._glossary = memory, glossary
        self._memories: dict[tuple[Locale, Locale], TranslationMemory] = {}
        self._glossaries: dict[tuple[Locale, Locale], Glossary] = {}

    @property
    def memory_name(self) -> str:
        return self._memory.name if self._memory else ""

    @property
    def glossary_name(self) -> str:
        return self._glossary.name if self._glossary else ""

    def memory(self, source: Locale, target: Locale) -> TranslationMemory:
        """Empty where none was given."""
        if (source, target) not in self._memories:
            file = self._memory
            self._memories[source, target] = (
                read_memory(self._store.read_bytes(file.artifact), file.name, source, target)
                if file
                else TranslationMemory(())
            )
        return self._memories[source, target]

    def glossary(self, source: Locale, target: Locale) -> Glossary:
        """Empty where none was given."""
        if (source, target) not in self._glossaries:
            file = self._glossary
            self._glossaries[source, target] = (
                read_glossary(self._store.read_bytes(file.artifact), file.name, source, target)
                if file
                else Glossary((), source, target)
            )
        return self._glossaries[source, target]

    def without_pair(self, source: Locale, target: Locale) -> list[Finding]:
        """That a file which the user gave has nothing for this pair of languages."""
        sizes = (
            (self.memory_name, len(self.memory(source, target))),
            (self.glossary_name, len(self.glossary(source, target).terms)),
        )
        return [
            Finding(
                level=Level.OK,
                check="given_words",
                message=f"{name} has nothing from {name_of(source)} into {name_of(target)}: it was not used.",
            )
            for name, size in sizes
            if name and not size
        ]


def lacks(terms: Sequence[Term]) -> str:
    """`it lacks “bomba” for “pump”`."""
    return "it lacks " + " and ".join(
        f"“{term.target}”, which must not be translated" if term.is_kept else f"“{term.target}” for “{term.source}”"
        for term in terms
    )


def term_finding(utterance_id: str, terms: Sequence[Term], file: str) -> Finding:
    """No engine used a term that the glossary asks for."""
    return Finding(
        level=Level.DEGRADED,
        check="glossary_terms",
        message=f"By {file} this line is wrong: {lacks(terms)}. Correct it and dub it again.",
        value=float(len(terms)),
        limit=0.0,
        utterance_id=utterance_id,
    )


def memory_finding(utterance_id: str, match: Match, file: str, *, is_used: bool) -> Finding:
    """A line of the memory that is not quite the same: one that is spoken has to be looked at."""
    said = f"{file} has “{match.target}” for “{match.source}” ({match.likeness:.0%} alike)"
    return Finding(
        level=Level.DEGRADED if is_used else Level.OK,
        check="memory_match" if is_used else "memory_suggestion",
        message=f"{said}, and that is what is spoken. Check it." if is_used else f"{said}: a suggestion.",
        value=match.likeness,
        limit=1.0,
        utterance_id=utterance_id,
    )
