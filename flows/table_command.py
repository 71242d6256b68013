"""`polydub export` and `polydub import`: the translation table, out to people and back."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dub.corrections import Corrections
    from dub.location import S3Url
    from dub.script import DubScript, Translation
    from dub.translation_table import Change, GivenRow
    from lang.bcp47 import Locale


def add_table_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    export = commands.add_parser("export", help="a title's translations as a table, to be corrected and approved")
    export.add_argument("title", help="the name of the results in --out")
    export.add_argument("--locale", default="", metavar="LOCALES", help="only these, e.g. es,pt-BR (default: all)")
    export.add_argument(
        "--format", choices=("csv", "xliff"), default="csv", help="csv: one file; xliff: one per locale"
    )
    export.add_argument("--to", metavar="FILE", help="where to write it (default: TITLE.translations.csv here)")
    export.set_defaults(run=run_export)
    back = commands.add_parser("import", help="take corrections and approvals from tables that people worked on")
    back.add_argument("title", help="the name of the results in --out")
    back.add_argument("files", nargs="+", metavar="FILE", help=".csv, .xlf or .xliff, as exported")
    back.add_argument("--dub", action="store_true", help="then run the title's job again")
    back.add_argument("--prefect", action="store_true", help="with --dub: as a Prefect flow")
    back.set_defaults(run=run_import)
    for command in (export, back):
        command.add_argument("--out", default="out", help="folder of the results, or s3://bucket/prefix (default: out)")


def run_export(options: argparse.Namespace) -> int:
    from dub.location import absolute
    from flows.publish import publish_text

    out, title = absolute(options.out), options.title
    chosen = _chosen(out, title, options.locale)
    files = _csv_file if options.format == "csv" else _xliff_files
    written = files(out, title, chosen, absolute(options.to) if options.to else None)
    for place, text in written.items():
        _check_free(place, text, is_asked_for=bool(options.to))
    for place, text in written.items():
        publish_text(text, place)
        print(f"Written: {place}")
    return 0


def _check_free(place: Path | S3Url, text: str, *, is_asked_for: bool) -> None:
    """Raises BadInput rather than write over a table that somebody may have worked on."""
    from dub.errors import BadInput
    from flows.publish import published_text

    if not is_asked_for and published_text(place) not in (None, text):
        raise BadInput(f"{place} is there already", mend="import it, move it away, or name the file to write with --to")


def run_import(options: argparse.Namespace) -> int:
    """0 done; with --dub the exit code of the run. Raises BadInput before anything is written."""
    from datetime import UTC, datetime

    from dub.location import absolute
    from dub.translation_table import table_of, with_rows
    from flows.title_files import read_corrections, read_job, read_source_script, write_corrections

    out, title = absolute(options.out), options.title
    job, script = read_job(out, title), read_source_script(out, title)
    before = read_corrections(out, title)
    table = table_of(script, [*_published(out, title, job.targets).values()], before)
    given = [row for file in options.files for row in _rows_of(file)]
    corrections, changes = with_rows(before, table, given, datetime.now(UTC).replace(microsecond=0))
    if changes:
        write_corrections(corrections, out, title)
    _print_changes(changes, len(given))
    if not options.dub:
        return 0
    from flows.cli import run_job

    return run_job(job, prefect=options.prefect)


def _chosen(out: Path | S3Url, title: str, tags: str) -> dict[Locale, Translation]:
    """The published translations of the locales asked for. Raises BadInput for one that the title lacks."""
    from dub.errors import BadInput
    from flows.cli import locale_of
    from flows.title_files import read_job

    targets = read_job(out, title).targets
    wanted = [locale_of(tag) for tag in tags.split(",") if tag.strip()]
    for locale in wanted:
        if locale not in targets:
            raise BadInput(f"{title} is not dubbed into {locale}", mend=f"its locales are {', '.join(targets)}")
    found = _published(out, title, wanted or targets)
    if missing := [locale for locale in wanted if locale not in found]:
        raise BadInput(
            f"{title} has no translation into {', '.join(missing)} yet", mend="see its report for the reason"
        )
    return found


def _published(out: Path | S3Url, title: str, locales: Sequence[Locale]) -> dict[Locale, Translation]:
    """Those that there are: a language may have failed before it had words. Raises BadInput where none has."""
    from dub.errors import BadInput
    from flows.title_files import find_translation

    found = {locale: there for locale in locales if (there := find_translation(out, title, locale))}
    if not found:
        raise BadInput(f"{title} has no translation in {out} yet", mend="dub the title first, or see its report")
    return found


def _csv_file(
    out: Path | S3Url, title: str, translations: dict[Locale, Translation], to: Path | S3Url | None
) -> dict[Path | S3Url, str]:
    from dub.table_csv import to_table_csv
    from dub.translation_table import table_of

    script, corrections = _script_and_corrections(out, title)
    table = table_of(script, [*translations.values()], corrections)
    return {to or Path(f"{title}.translations.csv"): to_table_csv(table)}


def _xliff_files(
    out: Path | S3Url, title: str, translations: dict[Locale, Translation], to: Path | S3Url | None
) -> dict[Path | S3Url, str]:
    from dub.corrections import approvals
    from dub.errors import BadInput
    from dub.translation_table import in_present_words
    from dub.xliff import to_xliff

    if to is not None and len(translations) > 1:
        raise BadInput(
            f"--to names one file, but XLIFF has one per language ({', '.join(translations)})",
            mend="name one with --locale, or leave --to out",
        )
    script, corrections = _script_and_corrections(out, title)
    files: dict[Path | S3Url, str] = {}
    for locale, published in translations.items():
        translation = in_present_words(script, published, corrections)
        approved = approvals(script, translation, corrections.of(locale))
        files[to or Path(f"{title}.{locale}.xlf")] = to_xliff(script, translation, approved)
    return files


def _script_and_corrections(out: Path | S3Url, title: str) -> tuple[DubScript, Corrections]:
    from flows.title_files import read_corrections, read_source_script

    return read_source_script(out, title), read_corrections(out, title)


def _rows_of(file: str) -> list[GivenRow]:
    from dub.errors import BadInput
    from dub.location import located
    from dub.table_csv import parse_table_csv
    from dub.table_xliff import parse_table_xliff

    place = located(file)
    readers = {".csv": parse_table_csv, ".xlf": parse_table_xliff, ".xliff": parse_table_xliff}
    read = readers.get(place.suffix.lower())
    if read is None:
        raise BadInput(f"{file} is no table", mend=f"give one of {', '.join(readers)}, as `polydub export` writes them")
    return read(_content(place), place.name)


def _content(place: Path | S3Url) -> bytes:
    from dub.bucket import Bucket
    from dub.errors import BadInput

    if isinstance(place, Path):
        try:
            return place.read_bytes()
        except OSError as error:
            raise BadInput(f"cannot read {place}: {error.strerror}", mend="give a readable file") from error
    content = Bucket(place.bucket).read_bytes(place.key)
    if content is None:
        raise BadInput(f"there is no object {place}", mend="check the key, or upload it")
    return content


def _print_changes(changes: Sequence[Change], n_rows: int) -> None:
    """A row per locale, then the lines."""
    if not changes:
        print(f"{n_rows} rows: nothing has changed")
        return
    for locale in dict.fromkeys(change.locale for change in changes):
        own = [change for change in changes if change.locale == locale]
        reworded = [change.line for change in own if change.is_reworded]
        approved = [change.line for change in own if change.is_approved]
        withdrawn = [change.line for change in own if change.was_approved and not change.is_approved]
        parts = [
            f"{len(ids)} {what} ({', '.join(ids[:8])}{', …' if len(ids) > 8 else ''})"
            for what, ids in (("reworded", reworded), ("approved", approved), ("no longer approved", withdrawn))
            if ids
        ]
        print(f"{locale}: {'; '.join(parts)}")
