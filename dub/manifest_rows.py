"""The rows of a manifest, as they stand there: of a CSV or Parquet file, or one per video in a folder or under an S3
prefix."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from dub.bucket import Bucket
from dub.errors import BadInput
from dub.location import S3Url

TABLES = (".csv", ".tsv", ".parquet")
VIDEOS = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".mpg", ".mpeg", ".ts", ".mts", ".mxf", ".wmv", ".flv")
MAX_CELL = 1 << 20
"""Characters in one cell: a list of 140 scripts fits, a mistaken file does not."""


@dataclass(frozen=True)
class Row:
    """`number`: as a spreadsheet counts, its first row being 1; 0 for a video that was found and stands in no table.
    `cells`: what is not empty, by column. `within`: the video's folder under the place that was searched."""

    number: int
    cells: dict[str, str]
    within: str = ""


def read_rows(place: Path | S3Url, out: Path | S3Url) -> list[Row]:
    """All rows, in their order. Raises BadInput for a place that is not there or cannot be read as a table, for a table
    without the column `source`, and where `out` lies among the videos that are searched."""
    if place.suffix.lower() in TABLES:
        return list(_table_rows(place))
    if str(out) == str(place) or str(out).startswith(f"{str(place).rstrip('/')}/"):
        raise BadInput(
            f"the results {out} would lie among the videos of {place}, and be dubbed the next time",
            mend="give another place with --out",
        )
    rows = list(_found_in_bucket(place) if isinstance(place, S3Url) else _found_in_folder(place))
    if not rows:
        raise BadInput(f"there is no video in {place}", mend=f"they are known by their endings: {' '.join(VIDEOS)}")
    return rows


def _table_rows(place: Path | S3Url) -> Iterator[Row]:
    content = _content(place)
    lines = _parquet_lines(content, place) if place.suffix.lower() == ".parquet" else _csv_lines(content, place)
    header = [name.strip().lower() for name in next(iter(lines), [])]
    if "source" not in header:
        raise BadInput(
            f"{place} has no column `source`: its first row is {', '.join(header) or 'empty'}",
            mend="name the columns in the first row: source,to,title,...",
        )
    if twice := sorted({name for name in header if name and header.count(name) > 1}):
        raise BadInput(f"{place} has the column {twice[0]!r} twice", mend="keep one of them")
    for number, line in enumerate(lines[1:], start=2):
        cells = {name: cell.strip() for name, cell in zip(header, line, strict=False) if cell.strip()}
        if beyond := [cell for cell in line[len(header) :] if cell.strip()]:
            cells[""] = beyond[0]
        if cells:
            yield Row(number, cells)


def _content(place: Path | S3Url) -> bytes:
    if isinstance(place, S3Url):
        content = Bucket(place.bucket).read_bytes(place.key)
        if content is None:
            raise BadInput(f"there is no manifest {place}", mend="check the key, or upload it")
        return content
    try:
        return place.read_bytes()
    except OSError as error:
        raise BadInput(f"cannot read the manifest {place}: {error.strerror}", mend="give a file or a folder") from error


def _csv_lines(content: bytes, place: Path | S3Url) -> list[list[str]]:
    """Comma, semicolon or tab: the one that the first row has most of."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{place} is not UTF-8 (byte {error.start})", mend="save it as CSV UTF-8") from error
    first = text.partition("\n")[0]
    before = csv.field_size_limit(MAX_CELL)
    try:
        return list(csv.reader(io.StringIO(text), delimiter=max(",;\t", key=first.count), strict=True))
    except csv.Error as error:
        raise BadInput(f"{place} is no CSV: {error}", mend="save it as CSV UTF-8 from a spreadsheet") from error
    finally:
        csv.field_size_limit(before)


def _parquet_lines(content: bytes, place: Path | S3Url) -> list[list[str]]:
    import pyarrow
    from pyarrow import parquet

    try:
        columns = parquet.read_table(io.BytesIO(content)).to_pydict()
    except (pyarrow.ArrowException, OSError) as error:
        raise BadInput(f"{place} is no Parquet file: {error}", mend="write it with pandas' to_parquet") from error
    return [list(columns), *([_text(cell) for cell in line] for line in zip(*columns.values(), strict=True))]


def _text(cell: Any) -> str:
    """What a person would write: a list `es;pt-BR`, a record `es=talk.es.srt;...`."""
    if cell is None or cell != cell:  # a gap, or the NaN that stands for one
        return ""
    if isinstance(cell, dict):
        return ";".join(f"{name}={value}" for name, value in cell.items() if value is not None)
    if isinstance(cell, list):
        return ";".join(map(str, cell))
    return str(cell)


def _found_in_bucket(place: S3Url) -> Iterator[Row]:
    prefix = f"{place.key}/" if place.key else ""
    for stored in Bucket(place.bucket).list(prefix):
        name = PurePosixPath(stored.url.key.removeprefix(prefix))
        if _is_video(name):
            yield Row(0, {"source": str(stored.url)}, _folder(name))


def _found_in_folder(place: Path) -> Iterator[Row]:
    if not place.is_dir():
        what = "is neither a table nor a folder" if place.exists() else "does not exist"
        raise BadInput(
            f"the manifest {place} {what}", mend=f"give a file ({', '.join(TABLES)}), a folder or an S3 prefix"
        )
    for path in sorted(place.rglob("*")):
        name = PurePosixPath(path.relative_to(place))
        if _is_video(name) and path.is_file():
            yield Row(0, {"source": str(path)}, _folder(name))


def _is_video(name: PurePosixPath) -> bool:
    return name.suffix.lower() in VIDEOS and not any(part.startswith(".") for part in name.parts)


def _folder(name: PurePosixPath) -> str:
    return "" if str(name.parent) == "." else str(name.parent)
