"""Download: an object of S3 into a file, whole or not at all, continued from where it was cut."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dub.errors import StoreUnavailable
from dub.file_lock import locked
from dub.location import S3Url
from dub.s3 import N_ATTEMPTS, s3_client, s3_errors, status_of

CHUNK_BYTES = 1 << 20


class _Dropped(Exception):
    """The connection broke inside the body."""


def download(url: S3Url, n_bytes: int, etag: str, path: Path) -> None:
    """Get the very object that `etag` names. What has come stands in `.NAME.ETAG.part` beside the file and is
    continued, in this call or by a later process; of several at once on one host, one downloads. A file that is there
    already, of the right size, is left as it is.

    Raises StoreUnavailable when another object has taken its place, or nothing more comes.
    """
    part = path.with_name(f".{path.name}.{etag[:40]}.part")
    lock = locked(part)
    try:
        if path.is_file() and path.stat().st_size == n_bytes:  # somebody was quicker
            part.unlink()
            return
        _complete(url, n_bytes, etag, part, lock)
        os.replace(part, path)
    except OSError:  # a full disk is not made fuller by what is no use without the rest
        part.unlink(missing_ok=True)
        raise
    finally:
        os.close(lock)


def _complete(url: S3Url, n_bytes: int, etag: str, part: Path, file: int) -> None:
    """Fetch until the part is whole; give up after N_ATTEMPTS in a row that brought nothing."""
    n_fruitless, dropped = 0, ""
    if part.stat().st_size > n_bytes:
        os.truncate(file, 0)
    while (start := part.stat().st_size) < n_bytes:
        if n_fruitless == N_ATTEMPTS:
            raise StoreUnavailable(f"{url}: the connection breaks at byte {start} of {n_bytes}: {dropped}")
        if dropped:
            time.sleep(random.uniform(0, min(2**n_fruitless, 4)))
        os.lseek(file, start, os.SEEK_SET)
        try:
            for chunk in _chunks(url, etag, start, part):
                os.write(file, chunk)
        except _Dropped as error:
            dropped = str(error)
        n_fruitless = 0 if part.stat().st_size > start else n_fruitless + 1


def _chunks(url: S3Url, etag: str, start: int, part: Path) -> Iterator[bytes]:
    with s3_errors(url):
        try:
            body: Any = s3_client().get_object(
                Bucket=url.bucket, Key=url.key, IfMatch=f'"{etag}"', **({"Range": f"bytes={start}-"} if start else {})
            )["Body"]
        except s3_client().exceptions.ClientError as error:
            if status_of(error) != 412:
                raise
            part.unlink(missing_ok=True)
            raise StoreUnavailable(f"{url} changed while it was read") from None
    while True:
        try:
            chunk = body.read(CHUNK_BYTES)
        except Exception as error:  # botocore and urllib3 have many names for it
            raise _Dropped(type(error).__name__) from error
        if not chunk:
            return
        yield chunk
