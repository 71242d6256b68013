"""Bucket: the objects of one S3 bucket, of Amazon's or any server that speaks its protocol (settings: dub/s3.py)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from dub.errors import StoreUnavailable
from dub.location import S3Url
from dub.s3 import N_ATTEMPTS, code_of, encryption, s3_client, s3_errors, status_of
from dub.s3_download import download
from dub.s3_upload import put_bytes, upload

__all__ = ["Bucket", "StoredObject", "encryption", "s3_client", "s3_errors"]

N_REMOVED_AT_ONCE = 1000
"""S3's most."""
COPIED_AT_ONCE_BYTES = 5 << 30
"""S3's most for a copy in one request."""


@dataclass(frozen=True)
class StoredObject:
    """One object as it is now. `etag`: without its quotes; changes with the content. `version_id`: "" where the bucket
    keeps no versions."""

    url: S3Url
    n_bytes: int
    etag: str
    version_id: str
    modified: datetime


class Bucket:
    """Thread-safe. Every method raises StoreUnavailable when the server does not answer or answers 5xx (retryable),
    StoreRefused when it says that we may not, naming the object."""

    def __init__(self, name: str) -> None:
        self.name = name

    def head(self, key: str) -> StoredObject | None:
        """What is stored under a key; None when there is nothing."""
        with s3_errors(f"s3://{self.name}/{key}"):
            try:
                told = s3_client().head_object(Bucket=self.name, Key=key)
            except s3_client().exceptions.ClientError as error:
                if status_of(error) == 404:
                    return None
                raise
        return StoredObject(
            url=self._url(key),
            n_bytes=int(told["ContentLength"]),
            etag=told["ETag"].strip('"'),
            version_id=told.get("VersionId", ""),
            modified=told["LastModified"],
        )

    def read_bytes(self, key: str) -> bytes | None:
        """A small object's content; None when there is none. A bucket that is not there is refused, not empty."""
        cut = ""
        for _ in range(N_ATTEMPTS):
            with s3_errors(f"s3://{self.name}/{key}"):
                try:
                    body = s3_client().get_object(Bucket=self.name, Key=key)["Body"]
                except s3_client().exceptions.ClientError as error:
                    if code_of(error) == "NoSuchKey":
                        return None
                    raise
            try:
                content: bytes = body.read()
            except Exception as error:  # a connection that breaks inside a body has many names
                cut = type(error).__name__
                continue
            return content
        raise StoreUnavailable(f"s3://{self.name}/{key}: the answer is cut again and again ({cut})")

    def write_bytes(
        self, key: str, content: bytes, media_type: str = "application/octet-stream", *, replacing: str = ""
    ) -> bool:
        """Put a small object. `replacing`: only in place of the object of this etag; False when it is another by
        now."""
        with s3_errors(f"s3://{self.name}/{key}"):
            try:
                put_bytes(self._url(key), content, media_type, **({"IfMatch": f'"{replacing}"'} if replacing else {}))
            except s3_client().exceptions.ClientError as error:
                if replacing and status_of(error) in (404, 409, 412):
                    return False
                raise
        return True

    def upload(self, path: Path, key: str, media_type: str = "application/octet-stream") -> None:
        """Put a file; it is there whole or not at all. In parts where it is large."""
        with s3_errors(f"s3://{self.name}/{key}"):
            upload(path, self._url(key), media_type)

    def download(self, stored: StoredObject, path: Path) -> None:
        """Get an object into a file that is not there yet, continuing one that was cut. Raises StoreUnavailable when
        another object has taken its place meanwhile."""
        download(stored.url, stored.n_bytes, stored.etag, path)

    def refresh(self, stored: StoredObject, media_type: str) -> bool:
        """Make an object new again by a copy onto itself, inside the server. False when it is too large for that."""
        if stored.n_bytes > COPIED_AT_ONCE_BYTES:
            return False
        with s3_errors(stored.url):
            s3_client().copy_object(
                Bucket=self.name, Key=stored.url.key, CopySource={"Bucket": self.name, "Key": stored.url.key},
                CopySourceIfMatch=stored.etag, MetadataDirective="REPLACE", ContentType=media_type, **encryption(),
            )  # fmt: skip
        return True

    def presigned(self, key: str, seconds: int) -> str:
        """A link that reads one object without credentials, for `seconds` (at most a week, and no longer than the
        credentials that sign it): whoever has the link has the object."""
        with s3_errors(f"s3://{self.name}/{key}"):
            link: str = s3_client().generate_presigned_url(
                "get_object", Params={"Bucket": self.name, "Key": key}, ExpiresIn=seconds
            )
        return link

    def tags(self, key: str) -> dict[str, str]:
        """An object's tags; {} where it has none."""
        with s3_errors(f"s3://{self.name}/{key}"):
            told = s3_client().get_object_tagging(Bucket=self.name, Key=key)
        return {tag["Key"]: tag["Value"] for tag in told["TagSet"]}

    def remove(self, keys: Sequence[str]) -> None:
        """Remove objects, 1000 in a request; one that is gone already is removed. Raises StoreRefused naming the first
        that stays."""
        for first in range(0, len(keys), N_REMOVED_AT_ONCE):
            batch = [{"Key": key} for key in keys[first : first + N_REMOVED_AT_ONCE]]
            with s3_errors(f"s3://{self.name}/{batch[0]['Key']} and {len(batch) - 1} more"):
                told = s3_client().delete_objects(Bucket=self.name, Delete={"Objects": batch, "Quiet": True})
            for fault in told.get("Errors", ()):
                raise StoreUnavailable(f"s3://{self.name}/{fault['Key']} cannot be removed: {fault['Code']}")

    def stale_uploads(self, prefix: str, older_than: timedelta) -> list[tuple[str, str]]:
        """Key and id of every upload in parts that was begun so long ago and never completed."""
        pages = s3_client().get_paginator("list_multipart_uploads").paginate(Bucket=self.name, Prefix=prefix)
        with s3_errors(f"s3://{self.name}/{prefix}"):
            begun = [each for page in pages for each in page.get("Uploads", ())]
        return [
            (each["Key"], each["UploadId"])
            for each in begun
            if datetime.now(each["Initiated"].tzinfo) - each["Initiated"] > older_than
        ]

    def abort_upload(self, key: str, upload_id: str) -> None:
        with s3_errors(f"s3://{self.name}/{key}"):
            try:
                s3_client().abort_multipart_upload(Bucket=self.name, Key=key, UploadId=upload_id)
            except s3_client().exceptions.ClientError as error:
                if status_of(error) != 404:
                    raise

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        """Every object whose key starts with `prefix`, in the order of their keys. A request per 1000."""
        pages = s3_client().get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        with s3_errors(f"s3://{self.name}/{prefix}"):
            for page in pages:
                for told in page.get("Contents", ()):
                    if told["Key"].endswith("/"):  # a console's idea of a folder
                        continue
                    yield StoredObject(
                        url=self._url(told["Key"]),
                        n_bytes=int(told["Size"]),
                        etag=told["ETag"].strip('"'),
                        version_id="",
                        modified=told["LastModified"],
                    )

    def _url(self, key: str) -> S3Url:
        return S3Url(f"s3://{self.name}/{key}")
