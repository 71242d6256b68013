"""Manifest: the titles of a scheduled run. Each row is one job; every error of the whole file is told at once.

    source,to,title,scripts
    talks/pump.mp4,es;pt-BR,pump,es=talks/pump.es.srt

Columns: `source` (a path relative to the manifest, or s3://), `to`, `title`, `out` (relative to the batch's),
`profile`, `from`, `speakers`, `scripts`, `cast`, `consent`, `memory`, `glossary`, and any further field of a Job by its
own name. An empty cell means what the batch says (`Batch`), and where that says nothing, what a Job does.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dub.artifact import Record
from dub.errors import BadInput
from dub.location import Location, S3Url, located
from dub.manifest_rows import Row, read_rows
from dub.plan import Job
from lang.bcp47 import Locale
from lang.registry import UnknownLanguage, supported_locale

N_TOLD = 50
"""Errors that one refusal names; who has more has one kind of error."""
MAX_TITLE_BYTES = 150
"""A file name may have 255 bytes, and ours add a locale and an ending."""

FIELD_OF_COLUMN = {"to": "targets", "from": "source_locale", "speakers": "n_speakers"}
PLACES = ("source", "cast", "consent", "memory", "glossary")
NO_COLUMNS = ("store",)  # one store for the whole batch: what two titles share is worked on once


class Batch(Record):
    """What a scheduled run is asked for. `manifest`: a table, a folder or an S3 prefix; `out`: where each title gets a
    folder of its own, and the summary lies. The rest holds for rows that say nothing else; `n_at_once`: titles under
    way at a time, where workers do the work."""

    manifest: Location
    out: Location
    targets: tuple[Locale, ...] = ()
    profile: str = "embedded"
    source_locale: Locale | None = None
    store: Location | None = None
    n_at_once: int = 4


@dataclass(frozen=True)
class ManifestTitle:
    """One row's job. `name`: the title, never empty."""

    row: int
    job: Job

    @property
    def name(self) -> str:
        return self.job.title


@dataclass(frozen=True)
class RowError:
    """What is wrong with one cell, and the mend."""

    row: int
    column: str
    message: str
    mend: str

    def __str__(self) -> str:
        where = f"row {self.row}, column {self.column}" if self.row else self.column
        return f"{where}: {self.message}" + (f"; {self.mend}" if self.mend else "")


def read_manifest(batch: Batch) -> tuple[ManifestTitle, ...]:
    """Every title of the manifest. Raises BadInput that names all errors (up to 50), each with its row and column."""
    errors: list[RowError] = []
    rows = read_rows(batch.manifest, batch.out)
    if unknown := _unknown_columns(rows):
        refuse(batch.manifest, unknown)
    titles = [title for row in rows if (title := _title(row, batch, errors)) is not None]
    errors += _shared_places(titles)
    if not rows:
        errors.append(RowError(0, "the manifest", "has no row", "name one source per row"))
    refuse(batch.manifest, errors)
    return tuple(titles)


def refuse(manifest: Path | S3Url, errors: Iterable[RowError]) -> None:
    """Raises BadInput with all of them, in the order of the rows; nothing when there is none."""
    told = [str(error) for error in sorted(errors, key=lambda error: error.row)]
    if not told:
        return
    more = [f"and {len(told) - N_TOLD} more"] if len(told) > N_TOLD else []
    number = "an error" if len(told) == 1 else f"{len(told)} errors"
    lines = "\n".join(f"  {line}" for line in [*told[:N_TOLD], *more])
    raise BadInput(f"{manifest} has {number}; nothing was started:\n{lines}")


def _title(row: Row, batch: Batch, errors: list[RowError]) -> ManifestTitle | None:
    """None where a cell is wrong: then `errors` say which."""
    n_before = len(errors)
    fields: dict[str, Any] = {"profile": batch.profile, "source_locale": batch.source_locale, "store": batch.store}
    fields["targets"] = batch.targets

    def read(column: str, parse: Callable[[str], Any], mend: str = "") -> None:
        if column not in row.cells:
            return
        try:
            fields[FIELD_OF_COLUMN.get(column, column)] = parse(row.cells[column])
        except (BadInput, ValueError) as error:
            message, _, said = str(error).partition("\n  mend: ")
            errors.append(RowError(row.number, column, message, said or mend))

    def near(text: str) -> Path | S3Url:
        return _beside(batch.manifest, text)

    if "source" not in row.cells:
        errors.append(RowError(row.number, "source", "is empty", "name a video"))
    for column in PLACES:
        read(column, near)
    read("to", _locales, "for example es;pt-BR")
    read("from", _locale)
    read("speakers", _number_of_people)
    read("scripts", lambda text: _scripts(text, near), "for example es=talk.es.srt;pt-BR=talk.pt.srt")
    read("out", lambda text: _under(batch.out, text))
    read("profile", lambda text: _profile(text, near))
    for column in row.cells.keys() - _read_columns():
        read(column, str)
    if not fields["targets"] and len(errors) == n_before:
        errors.append(RowError(row.number, "to", "names no language", "fill the column `to`, or give --to"))
    _read_title(row, fields, errors)
    if len(errors) > n_before:
        return None
    if "out" not in fields:
        fields["out"] = batch.out / (f"{row.within}/{fields['title']}" if row.within else fields["title"])
    try:
        return ManifestTitle(row.number, Job.model_validate(fields))
    except ValidationError as error:
        names = {field: column for column, field in FIELD_OF_COLUMN.items()}
        for fault in error.errors():
            field = str(fault["loc"][0])
            errors.append(RowError(row.number, names.get(field, field), fault["msg"], ""))
        return None


def _read_title(row: Row, fields: dict[str, Any], errors: list[RowError]) -> None:
    source = fields.get("source")
    title = row.cells.get("title") or (source.stem if source is not None else "")
    if not title:
        return  # the source is what is wrong
    fields["title"] = title
    column = "title" if "title" in row.cells else "source"
    if "/" in title or "\\" in title or title.startswith(".") or not title.isprintable():
        errors.append(RowError(row.number, column, f"{title!r} cannot be part of a file name", "name it plainly"))
    elif len(title.encode()) > MAX_TITLE_BYTES:
        errors.append(RowError(row.number, column, f"the title has more than {MAX_TITLE_BYTES} bytes", "shorten it"))


def _read_columns() -> set[str]:
    return {*PLACES, "to", "from", "speakers", "scripts", "out", "profile", "title"}


def _unknown_columns(rows: Iterable[Row]) -> list[RowError]:
    """A column that nobody reads is an error: who wrote it meant something."""
    known = _read_columns() | (set(Job.model_fields) - set(FIELD_OF_COLUMN.values()) - set(NO_COLUMNS))
    errors: dict[str, RowError] = {}
    for row in rows:
        for column in row.cells.keys() - known - errors.keys():
            if not column:
                fault = RowError(
                    row.number, "-", "has more cells than the first row", "put cells with commas in quotes"
                )
            else:
                close = difflib.get_close_matches(column, known, 1)
                mend = f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(sorted(known))}"
                fault = RowError(row.number, column, "there is no such column", mend)
            errors[column] = fault
    return list(errors.values())


def _shared_places(titles: Iterable[ManifestTitle]) -> list[RowError]:
    """Two titles in one folder would overwrite each other's report."""
    first: dict[str, ManifestTitle] = {}
    errors = []
    for title in titles:
        place = str(title.job.out).casefold()  # some file systems and people do not tell capitals apart
        other = first.setdefault(place, title)
        if other is not title:
            who = f"row {other.row}" if other.row else str(other.job.source)
            what = "" if title.row else f"{title.job.source}: "
            mend = "give each a title or an out of its own" + ("" if title.row else ", in a CSV manifest")
            errors.append(RowError(title.row, "title", f"{what}its results would lie in the folder of {who}", mend))
    return errors


def _beside(manifest: Path | S3Url, text: str) -> Path | S3Url:
    place = located(text)
    if isinstance(place, S3Url) or place.is_absolute():
        return place
    if isinstance(manifest, S3Url):
        return manifest.parent / place.as_posix()
    folder = manifest if manifest.is_dir() else manifest.parent
    return (folder / place).absolute()


def _under(out: Path | S3Url, text: str) -> Path | S3Url:
    place = located(text)
    return place if isinstance(place, S3Url) or place.is_absolute() else out / place.as_posix()


def _profile(text: str, near: Callable[[str], Path | S3Url]) -> str:
    """A shipped one by its name, or a file beside the manifest."""
    if not text.endswith(".toml"):
        return text
    if isinstance(place := near(text), S3Url):
        raise BadInput("a profile lies on the machine that does the work", mend="give the absolute path of a .toml")
    return str(place)


def _locales(text: str) -> tuple[Locale, ...]:
    locales = tuple(_locale(tag) for tag in re.split(r"[;,\s]+", text) if tag)
    if twice := sorted({locale for locale in locales if locales.count(locale) > 1}):
        raise BadInput(f"{twice[0]} is named twice", mend="name each locale once")
    return locales


def _locale(tag: str) -> Locale:
    try:
        return supported_locale(tag)
    except UnknownLanguage as error:
        raise BadInput(str(error), mend="`polydub languages` lists what is offered") from error


def _number_of_people(text: str) -> int:
    number = text.removesuffix(".0")  # a spreadsheet's column with empty cells is one of decimals
    if not number.isdecimal() or int(number) < 1:
        raise BadInput(f"{text!r} is no number of people", mend="give 1 or more, or leave it empty")
    return int(number)


def _scripts(text: str, near: Callable[[str], Path | S3Url]) -> dict[Locale, Path | S3Url]:
    scripts: dict[Locale, Path | S3Url] = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        tag, separator, place = (piece.strip() for piece in part.partition("="))
        if not separator or not place:
            raise BadInput(f"{part!r} is not LOCALE=FILE")
        locale = _locale(tag)
        if locale in scripts:
            raise BadInput(f"there are two scripts for {locale}", mend="keep one of them")
        scripts[locale] = near(place)
    return scripts
