"""Bucket: the objects of one S3 bucket, of Amazon's or any server that speaks its protocol.

Where the server is and who we are is boto3's own business: AWS_ENDPOINT_URL_S3, AWS_REGION, AWS_PROFILE,
AWS_ACCESS_KEY_ID and so on, an instance's role. Ours: POLYDUB_S3_ADDRESSING (`path` for servers that know buckets by
path only), POLYDUB_S3_SSE (`AES256`, `aws:kms`) and POLYDUB_S3_SSE_KMS_KEY_ID for what we write.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from dub.errors import BadInput, EngineUnavailable, StoreRefused, StoreUnavailable
from dub.location import S3Url

CONNECT_TIMEOUT_S, READ_TIMEOUT_S = 10, 60
N_ATTEMPTS = 5
"""boto3's own, with its backoff, before an outage is an outage."""


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
                if _status(error) == 404:
                    return None
                raise
        return StoredObject(
            url=S3Url(f"s3://{self.name}/{key}"),
            n_bytes=int(told["ContentLength"]),
            etag=told["ETag"].strip('"'),
            version_id=told.get("VersionId", ""),
            modified=told["LastModified"],
        )

    def read_bytes(self, key: str) -> bytes | None:
        """A small object's content; None when there is none."""
        with s3_errors(f"s3://{self.name}/{key}"):
            try:
                content: bytes = s3_client().get_object(Bucket=self.name, Key=key)["Body"].read()
            except s3_client().exceptions.ClientError as error:
                if _status(error) == 404:
                    return None
                raise
        return content

    def write_bytes(self, key: str, content: bytes, media_type: str = "application/octet-stream") -> None:
        with s3_errors(f"s3://{self.name}/{key}"):
            s3_client().put_object(
                Bucket=self.name, Key=key, Body=content, ContentType=media_type, **encryption()
            )  # fmt: skip

    def upload(self, path: Path, key: str, media_type: str = "application/octet-stream") -> None:
        """Put a file; it is there whole or not at all. In parts where it is large."""
        with s3_errors(f"s3://{self.name}/{key}"):
            s3_client().upload_file(
                str(path), self.name, key, ExtraArgs={"ContentType": media_type} | encryption()
            )  # fmt: skip

    def download(self, stored: StoredObject, path: Path) -> None:
        """Get an object into a file. Raises StoreUnavailable when another one has taken its place meanwhile."""
        with s3_errors(stored.url):
            s3_client().download_file(self.name, stored.url.key, str(path))
        if path.stat().st_size != stored.n_bytes:
            raise StoreUnavailable(f"{stored.url} changed while it was read")

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        """Every object whose key starts with `prefix`, in the order of their keys."""
        pages = s3_client().get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        with s3_errors(f"s3://{self.name}/{prefix}"):
            for page in pages:
                for told in page.get("Contents", ()):
                    if told["Key"].endswith("/"):  # a console's idea of a folder
                        continue
                    yield StoredObject(
                        url=S3Url(f"s3://{self.name}/{told['Key']}"),
                        n_bytes=int(told["Size"]),
                        etag=told["ETag"].strip('"'),
                        version_id="",
                        modified=told["LastModified"],
                    )

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


def encryption() -> dict[str, str]:
    """What boto3 is told of server-side encryption for everything that we write."""
    kind, key_id = os.environ.get("POLYDUB_S3_SSE", ""), os.environ.get("POLYDUB_S3_SSE_KMS_KEY_ID", "")
    if kind not in ("", "AES256", "aws:kms", "aws:kms:dsse"):
        raise BadInput(f"POLYDUB_S3_SSE is {kind!r}", mend="set it to AES256, aws:kms or aws:kms:dsse")
    if key_id and not kind.startswith("aws:kms"):
        raise BadInput("POLYDUB_S3_SSE_KMS_KEY_ID is set, and POLYDUB_S3_SSE is not aws:kms", mend="set both")
    return ({"ServerSideEncryption": kind} if kind else {}) | ({"SSEKMSKeyId": key_id} if key_id else {})


@lru_cache(maxsize=1)
def s3_client() -> Any:
    """boto3's client, one per process: it is safe for threads."""
    try:
        import boto3
        from botocore.config import Config
    except ModuleNotFoundError as error:
        raise EngineUnavailable("S3 needs the Python package 'boto3'", mend="pip install '.[s3]'") from error
    addressing: Any = os.environ.get("POLYDUB_S3_ADDRESSING", "auto")
    config = Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        retries={"mode": "standard", "total_max_attempts": N_ATTEMPTS},
        s3={"addressing_style": addressing},
        max_pool_connections=32,
    )
    return boto3.client("s3", config=config)


@contextmanager
def s3_errors(what: str) -> Iterator[None]:
    """boto3's errors as ours, naming what was wanted; never the request, which bears credentials."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        status, code = _status(error), error.response.get("Error", {}).get("Code", "")
        if status in (401, 403):
            mend = "check the credentials (AWS_PROFILE, AWS_ACCESS_KEY_ID, the role) and the bucket's policy"
            raise StoreRefused(f"{what}: the server refuses ({code})", mend=mend) from None
        if status in (404, 301):
            raise StoreRefused(
                f"{what}: {code}", mend="check the bucket's name, region and AWS_ENDPOINT_URL_S3"
            ) from None
        raise StoreUnavailable(f"{what}: the server answers {status} ({code})") from None
    except (BotoCoreError, Boto3Error) as error:
        if type(error).__name__ in ("NoCredentialsError", "PartialCredentialsError", "ProfileNotFound"):
            raise StoreRefused(
                f"{what}: {error}", mend="set AWS_PROFILE, or AWS_ACCESS_KEY_ID and its secret"
            ) from None
        raise StoreUnavailable(f"{what}: {type(error).__name__}: {error}") from None


def _status(error: Any) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
