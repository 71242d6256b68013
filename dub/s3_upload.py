"""Upload: a file into S3, whole or not at all; a large one in parts, several at once, and from where it was cut."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from dub.location import S3Url
from dub.s3 import code_of, encryption, s3_client

PART_BYTES = 16 << 20
"""A file up to this size is one request. Parts are larger where 10000 of them, S3's most, would not do."""
N_PARALLEL = 8
"""Parts under way at once in this process, each held in memory."""
_GONE = ("NoSuchUpload", "InvalidPart")


@dataclass(frozen=True)
class Piece:
    """What one part carries. `number` counts from 1."""

    number: int
    offset: int
    n_bytes: int

    def read(self, path: Path) -> bytes:
        with path.open("rb") as file:
            file.seek(self.offset)
            return file.read(self.n_bytes)


def upload(path: Path, url: S3Url, media_type: str) -> None:
    """Every byte is checked by the server against its SHA-256. An upload of the same content to the same key that was
    cut is continued: its parts count when their checksums are those of the file. Raises boto3's errors."""
    n_bytes = path.stat().st_size
    if n_bytes <= PART_BYTES:
        put_bytes(url, path.read_bytes(), media_type)
        return
    pieces = _pieces(n_bytes)
    upload_id, sent = _begun_before(path, url, pieces) or (_begin(url, media_type), {})
    try:
        _send_and_complete(path, url, upload_id, pieces, sent)
    except s3_client().exceptions.ClientError as error:
        if code_of(error) not in _GONE:
            raise
        # Another host uploaded the same content, found our upload and completed it; or gc gave it up.
        if not _is_there(path, url, pieces):
            _send_and_complete(path, url, _begin(url, media_type), pieces, {})


def put_bytes(url: S3Url, content: bytes, media_type: str, **conditions: str) -> None:
    """One request. `conditions`: as boto3 names them, such as IfMatch."""
    s3_client().put_object(
        Bucket=url.bucket, Key=url.key, Body=content, ContentType=media_type, ChecksumSHA256=_checksum(content),
        **encryption(), **conditions,
    )  # fmt: skip


def _pieces(n_bytes: int) -> list[Piece]:
    size = max(PART_BYTES, -(-n_bytes // 10_000))
    return [
        Piece(number, offset, min(size, n_bytes - offset))
        for number, offset in enumerate(range(0, n_bytes, size), start=1)
    ]


def _begin(url: S3Url, media_type: str) -> str:
    begun = s3_client().create_multipart_upload(
        Bucket=url.bucket, Key=url.key, ContentType=media_type, ChecksumAlgorithm="SHA256", **encryption()
    )
    return str(begun["UploadId"])


def _begun_before(path: Path, url: S3Url, pieces: list[Piece]) -> tuple[str, dict[int, dict[str, Any]]] | None:
    """The newest upload to this key whose every part is this file's: its id and parts. None when there is none, or it
    was of other content."""
    listed = s3_client().list_multipart_uploads(Bucket=url.bucket, Prefix=url.key).get("Uploads", ())
    for begun in sorted(listed, key=lambda each: each["Initiated"], reverse=True):
        if begun["Key"] != url.key:
            continue
        pages = (
            s3_client().get_paginator("list_parts").paginate(Bucket=url.bucket, Key=url.key, UploadId=begun["UploadId"])
        )
        parts = [part for page in pages for part in page.get("Parts", ())]
        sent = [
            _same_part(pieces[part["PartNumber"] - 1], path, part) if part["PartNumber"] <= len(pieces) else None
            for part in parts
        ]
        if parts and None not in sent:
            return begun["UploadId"], {part["PartNumber"]: part for part in sent if part is not None}
    return None


def _same_part(piece: Piece, path: Path, part: dict[str, Any]) -> dict[str, Any] | None:
    """The part as `complete` wants it, where it is the piece's content. Amazon lists SHA-256; SeaweedFS only the etag,
    which without KMS is MD5."""
    content = piece.read(path)
    told = part.get("ChecksumSHA256")
    etag = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if part["Size"] != piece.n_bytes or (told != _checksum(content) if told else part["ETag"].strip('"') != etag):
        return None
    return _part(piece, part["ETag"], content)


def _send_and_complete(
    path: Path, url: S3Url, upload_id: str, pieces: list[Piece], sent: dict[int, dict[str, Any]]
) -> None:
    def send(piece: Piece) -> dict[str, Any]:
        content = piece.read(path)
        answer = s3_client().upload_part(
            Bucket=url.bucket, Key=url.key, UploadId=upload_id, PartNumber=piece.number, Body=content,
            ChecksumSHA256=_checksum(content),
        )  # fmt: skip
        return _part(piece, answer["ETag"], content)

    work = [_senders().submit(send, piece) for piece in pieces if piece.number not in sent]
    try:
        ended = wait(work, return_when=FIRST_EXCEPTION).done
    finally:
        for each in work:
            each.cancel()
    wait(work)  # parts under way arrive: what is up stays, for the next try, and nobody reads the file afterwards
    sent = sent | {part["PartNumber"]: part for part in (each.result() for each in ended)}
    s3_client().complete_multipart_upload(
        Bucket=url.bucket, Key=url.key, UploadId=upload_id,
        MultipartUpload={"Parts": [sent[piece.number] for piece in pieces]},
    )  # fmt: skip


def _is_there(path: Path, url: S3Url, pieces: list[Piece]) -> bool:
    """Whether the object under the key is this file in these parts, by its etag: the MD5 of its parts' MD5s."""
    digests = [hashlib.md5(piece.read(path), usedforsecurity=False).digest() for piece in pieces]
    etag = f'"{hashlib.md5(b"".join(digests), usedforsecurity=False).hexdigest()}-{len(pieces)}"'
    try:
        return bool(s3_client().head_object(Bucket=url.bucket, Key=url.key)["ETag"] == etag)
    except s3_client().exceptions.ClientError:
        return False


def _part(piece: Piece, etag: str, content: bytes) -> dict[str, Any]:
    return {"PartNumber": piece.number, "ETag": etag, "ChecksumSHA256": _checksum(content)}


def _checksum(content: bytes) -> str:
    return b64encode(hashlib.sha256(content).digest()).decode()


@lru_cache(maxsize=1)
def _senders() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(N_PARALLEL, thread_name_prefix="s3-part")
