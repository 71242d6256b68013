"""Bring what a job names in S3 to this machine, once; what lies here already stays where it is."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from dub.bucket import Bucket, StoredObject
from dub.errors import BadInput, DiskFull, Superseded
from dub.location import S3Url
from dub.plan import Job, LocalJob

KEPT_S = 7 * 24 * 3600
"""A source that no run has asked for that long is removed from this machine; the bucket still has it."""


def fetched(job: Job, inbox: Path) -> LocalJob:
    """The job with local paths in place of S3 URLs; `out` and `store` stay. Files go to `inbox`, by the object's
    content, so a second run finds them.

    Raises BadInput naming the field and the URL for an object that is not there, Superseded when the source is no
    longer the object that the job means, StoreUnavailable when S3 does not answer.
    """
    tidy(inbox)
    local: dict[str, Any] = {"source": _local("source", job.source, inbox, etag=job.source_etag)}
    local["scripts"] = {locale: _local(f"scripts.{locale}", place, inbox) for locale, place in job.scripts.items()}
    for field in ("memory", "glossary"):
        local[field] = _local_or_none(field, getattr(job, field), inbox)
    for field in ("cast", "consent"):
        place = getattr(job, field)
        local[field] = _local_or_none(field, place, inbox)
        if isinstance(place, S3Url):
            _fetch_named_in(place, local[field])
    return LocalJob.model_validate({**{name: getattr(job, name) for name in Job.model_fields}, **local})


def check_not_superseded(job: Job) -> None:
    """Raises Superseded when the source in S3 is no longer the object that the job means, or is there no more."""
    if isinstance(job.source, S3Url) and job.source_etag:
        _stored("source", job.source, job.source_etag)


def _local_or_none(field: str, place: Path | S3Url | None, inbox: Path) -> Path | None:
    return None if place is None else _local(field, place, inbox)


def _local(field: str, place: Path | S3Url, inbox: Path, etag: str = "") -> Path:
    if isinstance(place, Path):
        return place
    stored = _stored(field, place, etag)
    folder = inbox / hashlib.sha256(f"{place} {stored.etag} {stored.n_bytes}".encode()).hexdigest()[:32]
    return _download(stored, folder / place.name)


def _stored(field: str, place: S3Url, etag: str = "") -> StoredObject:
    stored = Bucket(place.bucket).head(place.key)
    if stored is None and etag:
        raise Superseded(f"{place} has been removed since this job was made", mend="upload it again")
    if stored is None:
        raise BadInput(f"{field}: there is no object {place}", mend="check the key, or upload it")
    if etag and stored.etag != etag:
        raise Superseded(f"{place} has been replaced since this job was made", mend="the newer upload has its own run")
    return stored


def _download(stored: StoredObject, path: Path) -> Path:
    """Whole or not at all, and once; what was cut is continued by whoever asks next."""
    if path.is_file() and path.stat().st_size == stored.n_bytes:
        os.utime(path.parent)
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        Bucket(stored.url.bucket).download(stored, path)
    except OSError as error:
        raise DiskFull(f"cannot write {path.parent}: {error.strerror}", mend="free some space there") from error
    return path


def _fetch_named_in(place: S3Url, toml: Path) -> None:
    """A cast or consent file names recordings that lie beside it: they come along."""
    with suppress(OSError, ValueError):  # what is wrong with the file is said by its reader
        for name in _texts(tomllib.loads(toml.read_text("utf-8"))):
            with suppress(BadInput):  # a text that names no object is no file name
                stored = Bucket(place.bucket).head((place.parent / name).key) if _may_be_a_file(name) else None
                if stored is not None:
                    _download(stored, toml.parent / name)


def named_beside(toml: Path | S3Url) -> list[Path | S3Url]:
    """The recordings that a cast or consent file names, and that are there."""
    found: list[Path | S3Url] = []
    with suppress(OSError, ValueError):  # what is wrong with the file is said by its reader
        for name in _texts(tomllib.loads(_text_of(toml))):
            with suppress(BadInput):  # a text that names no object is no file name
                found += _named_file(toml.parent, name)
    return found


def _named_file(folder: Path | S3Url, name: str) -> list[Path | S3Url]:
    if isinstance(folder, Path):  # here a whole path may be named
        return [folder / name] if _may_be_a_file(name.lstrip("/")) and (folder / name).is_file() else []
    return [folder / name] if _may_be_a_file(name) and Bucket(folder.bucket).head((folder / name).key) else []


def _text_of(toml: Path | S3Url) -> str:
    if isinstance(toml, Path):
        return toml.read_text("utf-8")
    return (Bucket(toml.bucket).read_bytes(toml.key) or b"").decode()


def _may_be_a_file(text: str) -> bool:
    return bool(Path(text).suffix) and len(text) < 256 and "\n" not in text and not text.startswith("/")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def tidy(inbox: Path) -> int:
    """Remove what no run has asked for in KEPT_S; returns how many sources and files went."""
    n_removed = 0
    oldest = time.time() - KEPT_S
    for folder in inbox.iterdir() if inbox.is_dir() else ():
        with suppress(OSError):
            if folder.stat().st_mtime < oldest:
                shutil.rmtree(folder)
                n_removed += 1
    return n_removed
