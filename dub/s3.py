"""S3: boto3's client, how long we wait for it, and its errors as ours.

Where the server is and who we are is boto3's own business: AWS_ENDPOINT_URL_S3, AWS_REGION, AWS_PROFILE,
AWS_ACCESS_KEY_ID and so on, an instance's role. Ours: POLYDUB_S3_ADDRESSING (`path` for servers that know buckets by
path only), POLYDUB_S3_SSE (`AES256`, `aws:kms`) and POLYDUB_S3_SSE_KMS_KEY_ID for what we write.

An outage is found within: 7 s where connections are refused or answered 5xx; 50 s where nobody answers the call; 130 s
where the server takes a request and then says nothing. Shorter with AWS_MAX_ATTEMPTS below 4.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from threading import Lock
from typing import Any

from dub.errors import BadInput, EngineUnavailable, StoreRefused, StoreUnavailable

CONNECT_TIMEOUT_S, READ_TIMEOUT_S = 10, 30
N_ATTEMPTS = 4
"""boto3's own, waiting up to 1, 2 and 4 s between them, before an outage is an outage."""

_MAKING = Lock()
_OUTAGES = ("RequestTimeout", "OperationAborted", "ConditionalRequestConflict")
"""What some servers answer with 400 or 409, and means: again."""


@lru_cache(maxsize=1)
def s3_client() -> Any:
    """boto3's client, one per process: it is safe for threads, making it is not."""
    try:
        import boto3
        from botocore.config import Config
    except ModuleNotFoundError as error:
        raise EngineUnavailable("S3 needs the Python package 'boto3'", mend="pip install '.[s3]'") from error
    addressing: Any = os.environ.get("POLYDUB_S3_ADDRESSING", "auto")
    config = Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        retries={"mode": "standard", "total_max_attempts": int(os.environ.get("AWS_MAX_ATTEMPTS", N_ATTEMPTS))},
        s3={"addressing_style": addressing},
        max_pool_connections=64,
        # Left alone, boto3 adds a CRC32 in a trailer to every write, which several servers of S3's protocol refuse or
        # store as part of the object. We send SHA-256 in a header instead, computed beforehand: Amazon and SeaweedFS
        # refuse a body that differs, and a server that knows no such header passes it over.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_supported",
    )
    with _MAKING:
        return boto3.Session().client("s3", config=config)


def encryption() -> dict[str, str]:
    """What boto3 is told of server-side encryption for everything that we write."""
    kind, key_id = os.environ.get("POLYDUB_S3_SSE", ""), os.environ.get("POLYDUB_S3_SSE_KMS_KEY_ID", "")
    if kind not in ("", "AES256", "aws:kms", "aws:kms:dsse"):
        raise BadInput(f"POLYDUB_S3_SSE is {kind!r}", mend="set it to AES256, aws:kms or aws:kms:dsse")
    if key_id and not kind.startswith("aws:kms"):
        raise BadInput("POLYDUB_S3_SSE_KMS_KEY_ID is set, and POLYDUB_S3_SSE is not aws:kms", mend="set both")
    return ({"ServerSideEncryption": kind} if kind else {}) | ({"SSEKMSKeyId": key_id} if key_id else {})


@contextmanager
def s3_errors(what: str) -> Iterator[None]:
    """boto3's errors as ours, naming what was wanted; never the request, which bears credentials."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        status, code = status_of(error), code_of(error)
        if status >= 500 or status in (408, 429) or code in _OUTAGES:
            raise StoreUnavailable(f"{what}: the server answers {status} ({code})") from None
        if code == "RequestTimeTooSkewed":
            raise StoreRefused(f"{what}: {code}", mend="set this machine's clock") from None
        if status in (401, 403) or code in ("ExpiredToken", "InvalidToken"):
            mend = "check the credentials (AWS_PROFILE, AWS_ACCESS_KEY_ID, the role) and the bucket's policy"
            raise StoreRefused(f"{what}: the server refuses ({code})", mend=mend) from None
        if status in (404, 301) or code == "AuthorizationHeaderMalformed":
            mend = "check the bucket's name, region and AWS_ENDPOINT_URL_S3"
            raise StoreRefused(f"{what}: {code}", mend=mend) from None
        raise StoreRefused(f"{what}: the server answers {status} ({code})") from None
    except (BotoCoreError, Boto3Error) as error:
        if type(error).__name__ in ("NoCredentialsError", "PartialCredentialsError", "ProfileNotFound"):
            mend = "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and its secret"
            raise StoreRefused(f"{what}: {error}", mend=mend) from None
        raise StoreUnavailable(f"{what}: {type(error).__name__}: {error}") from None


def status_of(error: Any) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def code_of(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
