"""A job and the key by which asking for it twice is asking once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dub.bucket import Bucket
from dub.errors import BadInput
from dub.location import S3Url
from dub.plan import Job


@dataclass(frozen=True)
class WantedRun:
    """`job` with the etag of its source as it is now. `key`: the SHA-256 of where the source lies, its version or etag,
    the job's settings, and the versions of whatever else it names."""

    job: Job
    key: str

    @property
    def source_tag(self) -> str:
        """The tag by which all runs of one source are found."""
        return str(self.job.source)


class Gone(BadInput):
    """The source is no longer there, or not yet."""


def wanted_run(job: Job, *, salt: str = "") -> WantedRun:
    """Look at what the job names, now. `salt`: another one makes another key of the same job.

    Raises Gone when the source is not in S3, BadInput naming the field when another object is not; StoreUnavailable.
    What is a path is of the worker's machine and is looked at only if it is here too.
    """
    version = _version(job.source)
    if version is None and isinstance(job.source, S3Url):
        raise Gone(f"source: there is no object {job.source}", mend="check the key, or upload it")
    etag = version.partition(" ")[0] if version and isinstance(job.source, S3Url) else ""
    dated = job.model_copy(update={"source_etag": etag})
    parts = [str(job.source), version or "", dated.model_dump_json(), *_other_versions(job), salt]
    return WantedRun(dated, hashlib.sha256("\0".join(parts).encode()).hexdigest())


def _other_versions(job: Job) -> Iterator[str]:
    named = {f"scripts.{locale}": place for locale, place in sorted(job.scripts.items())}
    named |= {field: place for field in ("cast", "consent", "memory", "glossary") if (place := getattr(job, field))}
    for field, place in named.items():
        version = _version(place)
        if version is None and isinstance(place, S3Url):
            raise BadInput(f"{field}: there is no object {place}", mend="upload it, or leave it out")
        yield f"{field} {version or ''}"


def _version(place: Path | S3Url) -> str | None:
    """Changes with the content; begins with an object's etag. None when nothing is there."""
    if isinstance(place, S3Url):
        stored = Bucket(place.bucket).head(place.key)
        return f"{stored.etag} {stored.version_id}" if stored else None
    try:
        found = place.stat()
    except OSError:
        return None
    return f"{found.st_size} {found.st_mtime_ns}"
