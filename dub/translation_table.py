"""The translation table: every line of a title in every language, for people to correct and approve; and what they
made of it, as corrections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dub.artifact import Record
from dub.check_translation import check_translation
from dub.corrections import Correction, Corrections, approvals, corrected, one_line
from dub.errors import BadInput
from dub.finding import Level
from dub.gates import Gates
from dub.script import DubScript, Translation
from dub.timecode import timecode
from lang.bcp47 import Locale

_MOST_NAMED = 10
"""Faults of an import that are told in full."""


class TableRow(Record):
    """One line in one language. `translation`: "" for a line that is withheld; `remarks`: why, and what else was found;
    `start`, `end`: `HH:MM:SS.mmm` in the source."""

    locale: Locale
    line: str
    start: str
    end: str
    speaker: str
    source: str
    translation: str
    remarks: str
    is_approved: bool
    approved_by: str


@dataclass(frozen=True)
class GivenRow:
    """A row as a file gives it back. `place`: the file and its row or line; `columns`: what the file calls the fields
    `locale`, `line`, `source`, `translation`, `approved`, for messages."""

    place: str
    locale: str
    line: str
    source: str
    translation: str
    is_approved: bool
    approved_by: str
    columns: Mapping[str, str]


@dataclass(frozen=True)
class Change:
    """What an import did to one line."""

    locale: Locale
    line: str
    is_reworded: bool
    is_approved: bool
    was_approved: bool


def in_present_words(script: DubScript, translation: Translation, corrections: Corrections) -> Translation:
    """A published translation with the corrections that were made since. One that the guard refused when it was tried
    stays withheld."""
    refused = {(line.utterance_id, line.text) for line in translation.withheld}
    wordings = corrections.wordings(translation.locale)
    tried = tuple(line for line in wordings if (line.utterance_id, line.text) not in refused)
    return corrected(script, translation, tried)


def table_of(script: DubScript, translations: Sequence[Translation], corrections: Corrections) -> tuple[TableRow, ...]:
    """All lines, language by language in the given order. `translations`: as published."""
    rows: list[TableRow] = []
    for published in translations:
        translation = in_present_words(script, published, corrections)
        texts = {line.utterance_id: line.text for line in translation.lines}
        approved = approvals(script, translation, corrections.of(translation.locale))
        remarks: dict[str, list[str]] = {}
        for finding in check_translation(script, translation, Gates()):
            if finding.level is not Level.OK and finding.utterance_id:
                remarks.setdefault(finding.utterance_id, []).append(one_line(finding.message))
        rows += [
            TableRow(
                locale=translation.locale,
                line=utterance.id,
                start=timecode(utterance.span.start),
                end=timecode(utterance.span.end),
                speaker=utterance.speaker,
                source=one_line(utterance.text),
                translation=one_line(texts.get(utterance.id, "")),
                remarks=" | ".join(dict.fromkeys(remarks.get(utterance.id, []))),
                is_approved=utterance.id in approved,
                approved_by=approved.get(utterance.id, ""),
            )
            for utterance in script.utterances
        ]
    return tuple(rows)


def with_rows(
    corrections: Corrections, table: Sequence[TableRow], given: Sequence[GivenRow], now: datetime
) -> tuple[Corrections, tuple[Change, ...]]:
    """The corrections with what was changed in the given rows, and the changes in order. Rows may be left out.

    `table`: as it is now. Raises BadInput that names every fault by its row and column, and how to mend it: a locale or
    a line that the title lacks, another source text, a line without words, a line given twice.
    """
    now_by_key = {(str(row.locale), row.line): row for row in table}
    faults: list[str] = []
    seen: dict[tuple[str, str], str] = {}
    for row in given:
        faults += _faults(row, now_by_key, seen)
    if faults:
        more = f"\n  and {len(faults) - _MOST_NAMED} more" if len(faults) > _MOST_NAMED else ""
        raise BadInput(
            "nothing was imported:\n  " + "\n  ".join(faults[:_MOST_NAMED]) + more,
            mend="correct these and import again; `polydub export` writes the table as it is now",
        )
    changes = []
    for row in given:
        before = now_by_key[row.locale, row.line]
        change = _change(before, row)
        if change is None:
            continue
        changes.append(change)
        correction = Correction(
            text=one_line(row.translation),
            source_text=before.source,
            approved_by=row.approved_by if row.is_approved else "",
            approved_at=now if row.is_approved else None,
        )
        corrections = corrections.with_lines(before.locale, {row.line: correction})
    return corrections, tuple(changes)


def _change(before: TableRow, row: GivenRow) -> Change | None:
    text = one_line(row.translation)
    if (text, row.is_approved, row.approved_by) == (before.translation, before.is_approved, before.approved_by):
        return None
    return Change(before.locale, row.line, text != before.translation, row.is_approved, before.is_approved)


def _faults(row: GivenRow, table: Mapping[tuple[str, str], TableRow], seen: dict[tuple[str, str], str]) -> list[str]:
    """What is wrong with a row, in words; notes it in `seen`."""

    def say(field: str, what: str, mend: str) -> str:
        return f"{row.place}, {row.columns[field]}: {what}; {mend}"

    locales = sorted({locale for locale, _ in table})
    if row.locale not in locales:
        return [say("locale", f"the title has no {row.locale!r}", f"write one of {', '.join(locales)}")]
    if (before := table.get((row.locale, row.line))) is None:
        return [say("line", f"the title has no line {row.line!r}", "put back the id that was exported")]
    if first := seen.get((row.locale, row.line)):
        return [say("line", f"{row.locale} {row.line} stands in {first} too", "keep one of them")]
    seen[row.locale, row.line] = row.place
    if one_line(row.source) != before.source:
        what = "it is not what the line says in the source"
        return [say("source", what, "export the table anew, or put back the id and the text that were exported")]
    faults = []
    if not one_line(row.translation) and (before.translation or row.is_approved):
        faults.append(say("translation", "it has no words", "write them, or leave the row out"))
    if row.approved_by and not row.is_approved:
        faults.append(
            say("approved", "it is empty, but somebody is named who approved", "write yes, or take the name out")
        )
    return faults
