"""One bucket of a real S3 server, through a proxy that cuts, spoils and refuses."""

from __future__ import annotations

import os
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest

from dub import s3_download, s3_upload
from dub.bucket import Bucket, s3_client
from dub.errors import StoreRefused, StoreUnavailable
from tests.faulty_s3 import FaultyS3
from tests.seaweed import Seaweed, seaweed_environment

MB = 1 << 20


@pytest.fixture
def shelf(s3_server: Seaweed, faulty_s3: FaultyS3) -> Bucket:
    return Bucket(s3_server.new_bucket().bucket)


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """17 MB of noise, sent in four parts."""
    monkeypatch.setattr(s3_upload, "PART_BYTES", 5 * MB)
    path = tmp_path / "large"
    path.write_bytes(os.urandom(17 * MB))
    return path


def fetched(shelf: Bucket, key: str, path: Path) -> bytes:
    stored = shelf.head(key)
    assert stored is not None
    shelf.download(stored, path)
    return path.read_bytes()


def test_a_small_file_is_one_request_and_a_wrong_bucket_is_not_an_empty_one(
    shelf: Bucket, faulty_s3: FaultyS3, tmp_path: Path
) -> None:
    (tmp_path / "small").write_bytes(b"small")
    shelf.upload(tmp_path / "small", "a/small", "text/plain")
    assert faulty_s3.counts() == {"PUT": 1}
    assert shelf.read_bytes("a/small") == b"small"
    assert shelf.read_bytes("a/nothing") is None
    assert [stored.url.key for stored in shelf.list("a/")] == ["a/small"]
    with pytest.raises(StoreRefused, match="NoSuchBucket"):
        Bucket("no-such-bucket").read_bytes("a/small")


def test_a_cut_upload_goes_on_where_it_was_cut(shelf: Bucket, faulty_s3: FaultyS3, large: Path, tmp_path: Path) -> None:
    faulty_s3.fail("cut-upload", r"PUT .*partNumber=3", after_bytes=MB)
    faulty_s3.fail("delay", r"PUT .*partNumber=4", n=1, seconds=4)  # still under way when the other has failed
    with pytest.raises(StoreUnavailable):
        shelf.upload(large, "large")
    assert shelf.head("large") is None, "what is half there cannot be seen"
    faulty_s3.heal()
    faulty_s3.forget()
    shelf.upload(large, "large")
    sent = [line for line in faulty_s3.requests if "partNumber" in line]
    assert len(sent) == 1, f"only the part that was cut is sent again: {faulty_s3.requests}"
    assert "partNumber=3" in sent[0]
    assert fetched(shelf, "large", tmp_path / "back") == large.read_bytes()
    assert shelf.stale_uploads("", timedelta(0)) == []


def test_an_upload_of_other_content_is_not_continued(
    shelf: Bucket, faulty_s3: FaultyS3, large: Path, tmp_path: Path
) -> None:
    faulty_s3.fail("status", r"PUT .*partNumber=4")
    with pytest.raises(StoreUnavailable):
        shelf.upload(large, "large")
    faulty_s3.heal()
    other = tmp_path / "other"
    other.write_bytes(b"x" * 5 * MB + large.read_bytes()[5 * MB :])
    shelf.upload(other, "large")
    assert fetched(shelf, "large", tmp_path / "back") == other.read_bytes()
    stale = shelf.stale_uploads("", timedelta(0))
    assert [key for key, _ in stale] == ["large"]
    assert shelf.stale_uploads("", timedelta(hours=1)) == []
    shelf.abort_upload(*stale[0])
    shelf.abort_upload(*stale[0])
    assert shelf.stale_uploads("", timedelta(0)) == []


def test_an_upload_that_somebody_else_gave_up_or_completed_is_made_whole(
    shelf: Bucket, faulty_s3: FaultyS3, large: Path, tmp_path: Path
) -> None:
    """gc aborts it while its last part is on the way."""
    faulty_s3.fail("delay", r"PUT .*partNumber=4", n=1, seconds=1.5)
    upload = threading.Thread(target=shelf.upload, args=(large, "large"))
    upload.start()
    while not (begun := shelf.stale_uploads("", timedelta(0))):
        time.sleep(0.1)
    shelf.abort_upload(*begun[0])
    upload.join()
    assert fetched(shelf, "large", tmp_path / "back") == large.read_bytes()


def test_a_cut_download_goes_on_and_a_replaced_object_is_not_mixed_in(
    shelf: Bucket, faulty_s3: FaultyS3, large: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_download, "CHUNK_BYTES", 64 << 10)
    shelf.upload(large, "large")
    faulty_s3.fail("cut-download", "GET", n=3, after_bytes=3 * MB)
    faulty_s3.forget()
    assert fetched(shelf, "large", tmp_path / "back") == large.read_bytes()
    assert faulty_s3.counts() == {"HEAD": 1, "GET": 4}

    faulty_s3.fail("cut-download", "GET", n=1, after_bytes=3 * MB)
    faulty_s3.fail("refuse", "GET")
    with pytest.raises(StoreUnavailable):
        fetched(shelf, "large", tmp_path / "again")
    assert not (tmp_path / "again").exists()
    [part] = tmp_path.glob(".again.*.part")
    n_here = part.stat().st_size
    assert 2 * MB < n_here < 4 * MB
    faulty_s3.heal()
    assert fetched(shelf, "large", tmp_path / "again") == large.read_bytes(), "a later process goes on"
    assert list(tmp_path.glob(".*.part")) == []

    stored = shelf.head("large")
    assert stored is not None
    shelf.write_bytes("large", b"another")
    with pytest.raises(StoreUnavailable, match="changed while it was read"):
        shelf.download(stored, tmp_path / "mixed")
    assert not (tmp_path / "mixed").exists()


def test_an_outage_is_found_in_bounded_time_and_a_refusal_at_once(
    shelf: Bucket, faulty_s3: FaultyS3, s3_server: Seaweed
) -> None:
    faulty_s3.fail("status", status=503)
    started = time.monotonic()
    with pytest.raises(StoreUnavailable, match="503"):
        shelf.head("a")
    assert time.monotonic() - started < 5
    assert faulty_s3.counts() == {"HEAD": 2}
    faulty_s3.heal()
    with (
        seaweed_environment(s3_server.environment() | {"AWS_SECRET_ACCESS_KEY": "wrong"}),
        pytest.raises(StoreRefused, match="check the credentials"),
    ):
        shelf.read_bytes("a")


def test_every_write_asks_for_the_encryption_that_is_set(
    shelf: Bucket, faulty_s3: FaultyS3, large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What SeaweedFS makes of it is its own affair: it has no key here. We look at what is asked."""
    asked: list[tuple[str, str]] = []
    monkeypatch.setenv("POLYDUB_S3_SSE", "aws:kms")
    monkeypatch.setenv("POLYDUB_S3_SSE_KMS_KEY_ID", "key-1")

    def look(model: object, params: dict[str, dict[str, str]], **_: object) -> None:
        headers, header = params["headers"], "x-amz-server-side-encryption"
        asked.append((headers.get(header, ""), headers.get(f"{header}-aws-kms-key-id", "")))
        for name in [name for name in headers if "encryption" in name]:
            del headers[name]

    events = s3_client().meta.events
    for operation in ("PutObject", "CreateMultipartUpload", "CopyObject"):
        events.register(f"before-call.s3.{operation}", look)
    shelf.write_bytes("small", b"small")
    shelf.upload(large, "large")
    stored = shelf.head("small")
    assert stored is not None
    assert shelf.refresh(stored, "text/plain")
    assert asked == [("aws:kms", "key-1")] * 3


def test_refreshed_and_removed(shelf: Bucket, faulty_s3: FaultyS3) -> None:
    for n in range(3):
        shelf.write_bytes(f"many/{n}", b"")
    stored = shelf.head("many/0")
    assert stored is not None
    time.sleep(1.1)
    assert shelf.refresh(stored, "text/plain")
    again = shelf.head("many/0")
    assert again is not None
    assert again.modified > stored.modified
    assert again.etag == stored.etag
    faulty_s3.forget()
    shelf.remove([f"many/{n}" for n in range(1100)])
    assert faulty_s3.counts() == {"POST": 2}, "a thousand in a request"
    assert list(shelf.list("many/")) == []
