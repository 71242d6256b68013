"""`watch.toml`: which prefixes are watched, where their dubs go, and how they are dubbed when nothing else says so.

deployment = "dub-title/title"
max_active_runs = 8

[[watch]]
uploads = "s3://studio/masters"        # "*" stands for one folder's name: s3://studio/*/masters
out = "s3://studio-dubs/dubs"
suffixes = [".mp4", ".mov"]
[watch.defaults]                        # the fields of a sidecar
targets = ["es", "pt-BR"]
"""

from __future__ import annotations

import itertools
import tomllib
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError, field_validator

from dub.artifact import Record
from dub.errors import BadInput
from dub.job_settings import SIDECAR_ENDING, JobSettings, read_defaults
from dub.location import Location, S3Url

VIDEO_SUFFIXES = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".mxf")


def _one_or_several(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class WatchedPrefix(Record):
    """`uploads`: bucket and folders, "*" for any one folder's name; everything below is watched. `store`: the artifact
    store of its runs (else the worker's own)."""

    uploads: str
    out: Location
    store: Location | None = None
    suffixes: Annotated[tuple[str, ...], BeforeValidator(_one_or_several)] = Field(VIDEO_SUFFIXES, min_length=1)
    defaults: JobSettings = JobSettings()

    @field_validator("uploads")
    @classmethod
    def _is_pattern(cls, uploads: str) -> str:
        url = S3Url(uploads)
        if "*" in url.bucket or any("*" in part and part != "*" for part in url.key.split("/")):
            raise ValueError('"*" stands for one whole folder\'s name')
        return str(url)

    @field_validator("out", "store")
    @classmethod
    def _is_absolute(cls, place: Path | S3Url | None) -> Path | S3Url | None:
        if isinstance(place, Path) and not place.is_absolute():
            raise ValueError(f"{place} is relative to nothing; write /a/folder or s3://bucket/prefix")
        return place

    @field_validator("suffixes")
    @classmethod
    def _are_suffixes(cls, suffixes: tuple[str, ...]) -> tuple[str, ...]:
        for suffix in suffixes:
            if not suffix.startswith(".") or suffix.lower() in SIDECAR_ENDING:
                raise ValueError(f"{suffix!r} is no video's suffix; write for example .mp4")
        return tuple(suffix.lower() for suffix in suffixes)

    @property
    def bucket(self) -> str:
        return S3Url(self.uploads).bucket

    @property
    def folders(self) -> tuple[str, ...]:
        return _folders(S3Url(self.uploads))

    def watches(self, url: S3Url) -> bool:
        """Whether the object lies below, whatever it is."""
        return url.bucket == self.bucket and _begins(_folders(url)[:-1], self.folders)

    def is_video(self, url: S3Url) -> bool:
        return url.suffix.lower() in self.suffixes

    def out_of(self, url: S3Url) -> Path | S3Url:
        """The folder of a title's results: `out`, the folders from the first "*" on (or below the prefix), its stem."""
        n_fixed = self.folders.index("*") if "*" in self.folders else len(self.folders)
        place = self.out
        for name in (*_folders(url)[n_fixed:-1], url.stem):
            place = place / name
        return place


class WatchSettings(Record):
    """`deployment`: whose runs are started. `max_active_runs`: a queue is left alone while so many of its runs are
    scheduled, pending or running."""

    watch: tuple[WatchedPrefix, ...] = Field(min_length=1)
    deployment: str = Field(default="dub-title/title", pattern=r"^[^/\s]+/[^/\s]+$")
    max_active_runs: int = Field(default=8, ge=1, le=10_000)

    def prefix_of(self, url: S3Url) -> WatchedPrefix | None:
        return next((prefix for prefix in self.watch if prefix.watches(url)), None)


def read_watch_settings(path: Path) -> WatchSettings:
    """Raises BadInput that names the file, the field and the mend; also where results would fall under a watched
    prefix and be dubbed in turn for ever, or where two prefixes share titles or results."""
    where = f"the watch settings {path}"
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BadInput(f"cannot read {where}: {error.strerror}", mend="give its path with --config") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{where} are not TOML: {error}", mend="see docs/triggers.md") from error
    prefixes = table.get("watch")
    for number, prefix in enumerate(prefixes if isinstance(prefixes, list) else (), 1):
        if isinstance(prefix, dict) and isinstance(prefix.get("defaults"), dict):
            prefix["defaults"] = read_defaults(prefix["defaults"], f"{where}, [[watch]] {number}, defaults")
    try:
        settings = WatchSettings.model_validate(table)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"{where}, field {field!r}: {first['msg']}", mend="see docs/triggers.md") from None
    except BadInput as error:  # a URL that S3Url refuses
        raise BadInput(f"{where}: {error}") from None
    _check_no_loop(settings, where)
    return settings


def _check_no_loop(settings: WatchSettings, where: str) -> None:
    for one, other in itertools.product(settings.watch, repeat=2):
        into = isinstance(one.out, S3Url) and one.out.bucket == other.bucket
        if into and _meet(_folders(S3Url(str(one.out))), other.folders):
            raise BadInput(
                f"{where}: results in {one.out} would fall under the watched {other.uploads} and start runs of their "
                "own, for ever",
                mend="give an out that is in no watched prefix and above none",
            )
    for one, other in itertools.combinations(settings.watch, 2):
        if one.bucket == other.bucket and _meet(one.folders, other.folders):
            raise BadInput(f"{where}: {one.uploads} and {other.uploads} watch the same objects", mend="drop one")
        if _same_place(one.out, other.out):
            raise BadInput(
                f"{where}: the results of {one.uploads} and {other.uploads} would overwrite each other",
                mend="give each an out of its own",
            )


def _same_place(one: Path | S3Url, other: Path | S3Url) -> bool:
    if isinstance(one, S3Url) and isinstance(other, S3Url):
        return one.bucket == other.bucket and _meet(_folders(one), _folders(other))
    if isinstance(one, Path) and isinstance(other, Path):
        return _meet(one.absolute().parts, other.absolute().parts)
    return False


def _folders(url: S3Url) -> tuple[str, ...]:
    return tuple(url.key.split("/")) if url.key else ()


def _begins(folders: tuple[str, ...], pattern: tuple[str, ...]) -> bool:
    return len(folders) >= len(pattern) and _meet(folders, pattern)


def _meet(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """One is at, above or below the other."""
    return all(a == b or "*" in (a, b) for a, b in zip(one, other, strict=False))
