"""The translation guard at work on a title: each line judged alone, and by the company it keeps."""

from __future__ import annotations

from collections.abc import Sequence

from dub.finding import Finding, Level
from dub.stage import EngineChoice
from dub.translation_guard import Fault, Line, ReadAs, fault_of, is_long_enough_to_read, reads_otherwise
from engines import registry
from engines.language_id.contract import LanguageIdentifier
from lang.bcp47 import Locale
from lang.registry import name_of

_LEFT_TO_THE_AUTHOR = frozenset({"too_long", "too_short"})
"""An engine that says four times as much is lost; a person may have reasons."""


def is_left_to_its_author(fault: Fault) -> bool:
    """Whether a line that a person wrote may be spoken in spite of this fault."""
    return fault.name in _LEFT_TO_THE_AUTHOR


def odd_line(utterance_id: str, where: str, fault: Fault) -> Finding:
    """A person's line that is spoken as it stands, and that somebody should look at. `where`: `In talk.es.srt`."""
    return Finding(
        level=Level.DEGRADED,
        check="given_line_length",
        message=f"{where} {fault.message}. Check that it belongs to this line.",
        value=fault.value,
        limit=fault.limit,
        unit="x",
        utterance_id=utterance_id,
    )


class LineGuard:
    """Judges lines in one language by dub/translation_guard.py. Without `language_id` no line is held to be in another
    language of the same script."""

    def __init__(self, language_id: EngineChoice | None) -> None:
        self._identifier: LanguageIdentifier | None = (
            registry.load("language_id", language_id.id, **language_id.options) if language_id else None
        )

    def faults(
        self, sources: Sequence[str], targets: Sequence[str], source_locale: Locale, target_locale: Locale
    ) -> list[Fault | None]:
        """For each line why it may not be spoken, or None. Lines that are too short to tell their language by
        themselves are taken to be in the one that all lines together are in."""
        read = [self._read_as(text, target_locale) for text in targets]
        faults = [
            fault_of(Line(source, source_locale, target, target_locale, as_))
            for source, target, as_ in zip(sources, targets, read, strict=True)
        ]
        title = " ".join(text for text, fault in zip(targets, faults, strict=True) if fault is None)
        if not is_long_enough_to_read(title):  # then those that were refused are all there is to go by
            title = " ".join(targets)
        title_read = self._read_as(title, target_locale)
        if title_read is None or not reads_otherwise(title_read, title, target_locale):
            return faults
        message = (
            f"all lines together read like {name_of(title_read.locale)}, not like {name_of(target_locale)}, "
            "and this one reads no better"
        )
        in_bad_company = Fault(name="wrong_language", message=message, value=title_read.probability)
        return [
            fault or (None if as_ and as_.locale.language == target_locale.language else in_bad_company)
            for fault, as_ in zip(faults, read, strict=True)
        ]

    def _read_as(self, text: str, target_locale: Locale) -> ReadAs | None:
        if self._identifier is None or not self._identifier.knows(target_locale):
            return None
        read = self._identifier.identify(text)
        return ReadAs(read.locale, read.probability) if read else None
