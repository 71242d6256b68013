"""Consent: who agreed that their voice or face is used, for what, in which languages, until when.

`consent.toml` holds one table per agreement:

    [[consent]]
    speaker = "anna"                      # as the cast names her, or as the report does (s1, s2, ...)
    given_by = "Anna Lind"                # who agreed, where `speaker` is not their name
    given_on = 2026-03-01
    purposes = ["dubbing", "reuse"]       # dubbing | portrait | reuse
    languages = ["es", "pt-BR"]           # left out: every language
    until = 2028-03-01                    # the last day; left out: no end was agreed
    evidence = "release form 17"          # free text or a URL
    evidence_file = "release-17.pdf"      # beside this file; its SHA-256 is recorded

Whether an agreement still holds depends on the day, so it is asked before the work, never in a stage: what a stage
gets is the record, and the record has no clock in it.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from dub.artifact import Record, sha256_of
from dub.errors import BadInput
from lang.bcp47 import Locale

Setting = Literal["noted", "required"]

OPERATOR_VARIABLE = "POLYDUB_CONSENT"
NO_RECORD = "no record was given"


class Purpose(StrEnum):
    """What an agreement can allow. `dubbing`: their own video in their own voice; `portrait`: a photo of them made to
    talk; `reuse`: their voice, taken from elsewhere, on this title."""

    DUBBING = "dubbing"
    PORTRAIT = "portrait"
    REUSE = "reuse"


ALWAYS_ASKED = frozenset({Purpose.PORTRAIT, Purpose.REUSE})
"""What nobody may do without a record, whatever the setting."""


class ConsentTerms(Record):
    """What was agreed, without the name of the speaker: the fields of a table, as a user writes them."""

    given_by: str = ""
    given_on: date
    purposes: tuple[Purpose, ...] = Field(min_length=1)
    languages: tuple[Locale, ...] = ()
    until: date | None = None
    evidence: str = ""
    evidence_file: str = ""


class ConsentRecord(Record):
    """One agreement of one speaker. `languages`: () = every language; `es` covers es-419, `es-419` only itself.
    `until`: the last day on which it holds. `evidence_sha256`: of the file that proves it, "" for none."""

    schema_version: Literal[1] = 1
    speaker: str = Field(min_length=1)
    given_by: str
    given_on: date
    purposes: tuple[Purpose, ...]
    languages: tuple[Locale, ...] = ()
    until: date | None = None
    evidence: str = ""
    evidence_sha256: str = ""

    @classmethod
    def of(cls, speaker: str, terms: ConsentTerms, folder: Path, where: str) -> ConsentRecord:
        """The record of a table in a file that lies in `folder`. Raises BadInput, which names the table by `where`."""
        if terms.until is not None and terms.until < terms.given_on:
            raise BadInput(f"{where}, field 'until': {terms.until} is before given_on, {terms.given_on}")
        digest = ""
        if terms.evidence_file:
            evidence = folder / terms.evidence_file
            if not evidence.is_file():
                raise BadInput(
                    f"{where}, field 'evidence_file': {evidence} does not exist", mend="give an existing file"
                )
            digest = sha256_of(evidence)
        facts = terms.model_dump(exclude={"evidence_file", "given_by"})
        return cls(speaker=speaker, given_by=terms.given_by or speaker, evidence_sha256=digest, **facts)

    def refusal(self, purpose: Purpose, locale: Locale | None, on: date) -> str:
        """Why it does not allow `purpose` in `locale` (None: in no language in particular) on a day; "" = it does."""
        if purpose not in self.purposes:
            return f"is for {' and '.join(self.purposes)}, not for {purpose}"
        if locale is not None and not self.is_for(locale):
            return f"is for {', '.join(self.languages)}, not for {locale}"
        if on < self.given_on:
            return f"holds from {self.given_on} on"
        if self.until is not None and on > self.until:
            return f"ended on {self.until}"
        return ""

    def is_for(self, locale: Locale) -> bool:
        """Whether its languages hold this one: a language covers its regions."""
        return not self.languages or any(locale == held or locale.startswith(f"{held}-") for held in self.languages)

    def in_words(self) -> str:
        """For reports and for the note in the finished file."""
        by = self.given_by if self.given_by == self.speaker else f"{self.given_by} (as {self.speaker})"
        words = f"given by {by} on {self.given_on} for {', '.join(self.purposes)}"
        words += f", in {', '.join(self.languages)}" if self.languages else ", in every language"
        words += f", until {self.until}" if self.until else ""
        evidence = [self.evidence] if self.evidence else []
        evidence += [f"file sha256 {self.evidence_sha256[:16]}"] if self.evidence_sha256 else []
        return words + (f"; evidence: {', '.join(evidence)}" if evidence else "")


class ConsentRecords(Record):
    """The agreements that a user gave. `file`: the name to say in errors."""

    file: str = ""
    records: tuple[ConsentRecord, ...] = ()

    @classmethod
    def read(cls, path: Path) -> ConsentRecords:
        """Raises BadInput that names the file, the table and the field."""
        tables = _tables(path)
        records = []
        for number, table in enumerate(tables, 1):
            where = f"the consent file {path}, [[consent]] number {number}"
            if not isinstance(table, dict) or not isinstance(table.get("speaker"), str) or not table["speaker"]:
                raise BadInput(f"{where}: field 'speaker' is missing", mend='for example speaker = "s1"')
            terms = {name: value for name, value in table.items() if name != "speaker"}
            records.append(ConsentRecord.of(table["speaker"], read_terms(terms, where), path.parent, where))
        return cls(file=path.name, records=tuple(records))

    def of(self, speaker: str, *, is_only_speaker: bool = False) -> tuple[ConsentRecord, ...]:
        """The speaker's records; the file's single record, whatever the name, where it can mean nobody else."""
        named = tuple(record for record in self.records if record.speaker.casefold() == speaker.casefold())
        return named or (self.records if is_only_speaker and len(self.records) == 1 else ())

    def for_(
        self, speaker: str, purpose: Purpose, locale: Locale | None, on: date, *, is_only_speaker: bool = False
    ) -> ConsentRecord:
        """The record that allows it. Raises BadInput where there is none, with every record's reason."""
        theirs = self.of(speaker, is_only_speaker=is_only_speaker)
        refusals = []
        for record in theirs:
            refusal = record.refusal(purpose, locale, on)
            if not refusal:
                return record
            refusals.append(f"the one given by {record.given_by} on {record.given_on} {refusal}")
        what = f"{_DEED[purpose]} {speaker}" + (f" in {locale}" if locale else "")
        where = self.file or "no consent file"
        why = "; ".join(refusals) if refusals else f"{where} has no record of {speaker}" if self.file else where
        raise BadInput(
            f'{what} needs a consent record: {why}; none fits whose speaker is "{speaker}"',
            mend=f'--consent FILE with a [[consent]] of that speaker whose purposes hold "{purpose}"',
        )


_DEED = {
    Purpose.DUBBING: "dubbing",
    Purpose.PORTRAIT: "animating a portrait of",
    Purpose.REUSE: "using on this title the stored voice of",
}


def setting_of(plans: Setting) -> Setting:
    """The plan's setting; an operator's POLYDUB_CONSENT=required makes it stricter, nothing makes it laxer. Raises
    BadInput for another value."""
    operators = os.environ.get(OPERATOR_VARIABLE, "")
    if operators not in ("", "noted", "required"):
        raise BadInput(f"{OPERATOR_VARIABLE}={operators!r} is neither noted nor required", mend="set one of the two")
    return "required" if "required" in (plans, operators) else "noted"


def check_consent(
    records: ConsentRecords,
    speaker: str,
    purpose: Purpose,
    locales: Sequence[Locale],
    on: date,
    *,
    setting: Setting = "noted",
    is_only_speaker: bool = False,
) -> tuple[ConsentRecord, ...]:
    """Ask for leave before any work: the speaker's records that give it, each once; () where none is given and none is
    needed. A record that is given and forbids it always refuses. No `locales`: for no language in particular. Raises
    BadInput with the reason and the mend."""
    given = records.of(speaker, is_only_speaker=is_only_speaker)
    if not given and purpose not in ALWAYS_ASKED and setting != "required":
        return ()
    asked: Sequence[Locale | None] = locales or (None,)
    found = [records.for_(speaker, purpose, locale, on, is_only_speaker=is_only_speaker) for locale in asked]
    return tuple(record for number, record in enumerate(found) if record not in found[:number])


def read_terms(table: dict[str, Any], where: str) -> ConsentTerms:
    """The fields of one table. Raises BadInput naming the field."""
    try:
        return ConsentTerms.model_validate(table)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        fields = ", ".join(ConsentTerms.model_fields)
        raise BadInput(f"{where}, field {field!r}: {first['msg']}", mend=f"the fields are {fields}") from error


def _tables(path: Path) -> list[Any]:
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BadInput(f"cannot read the consent file {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"the consent file {path} is not TOML: {error}") from error
    unknown = sorted(set(content) - {"consent"})
    if unknown or not isinstance(content.get("consent"), list) or not content["consent"]:
        what = f"unknown table {unknown[0]!r}" if unknown else "there is no [[consent]]"
        raise BadInput(f"the consent file {path}: {what}", mend="write one [[consent]] table per agreement")
    return list(content["consent"])
