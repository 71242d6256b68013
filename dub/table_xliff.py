"""The translation table as XLIFF, for translators' tools: one file per language (`to_xliff`), read back into rows."""

from __future__ import annotations

from dub.errors import BadInput
from dub.translation_table import GivenRow
from dub.xliff import parse_reviewed

_NAMES = {"locale": "trgLang", "line": "unit id", "source": "source", "translation": "target", "approved": "state"}


def parse_table_xliff(content: bytes, file_name: str) -> list[GivenRow]:
    """A row per unit. Approved are those in state `final`. Raises BadInput naming the file's line: also for a target
    whose state says that it is yet to be translated, because one of the two must be wrong."""
    locale, units = parse_reviewed(content, file_name)
    for unit in units:
        if unit.target and unit.is_untranslated:
            raise BadInput(
                f"{file_name}, line {unit.line}, state: it says that the unit is not translated, but there is a target",
                mend='write state="translated", or "final" to approve it; or take the target out',
            )
    return [
        GivenRow(
            place=f"{file_name}, line {unit.line}",
            locale=str(locale),
            line=unit.id,
            source=unit.source,
            translation=unit.target,
            is_approved=unit.is_approved,
            approved_by=unit.approved_by if unit.is_approved else "",
            columns=_NAMES,
        )
        for unit in units
    ]
