"""The object store of compose.yaml, for real: it holds each identity to its policy, and the policy suffices.

SeaweedFS evaluates the very documents that AWS would get; what AWS itself makes of them is not shown here.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.infra import script

BUCKETS = ("polydub-in", "polydub-out", "polydub-store")
PART = 5 << 20
S3 = Callable[[str], Any]


def free_ports(n: int) -> list[int]:
    sockets = [socket.socket() for _ in range(n)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    """A client by identity, on a server with the secrets that infra/make_secrets.py makes."""
    import boto3
    from botocore.config import Config

    folder = tmp_path_factory.mktemp("objects")
    script("make_secrets")["make"](folder / "secrets")
    data = folder / "data"
    data.mkdir()
    port, *others = free_ports(9)
    flags = (
        "volume.port", "filer.port", "s3.port.grpc", "master.port.grpc", "volume.port.grpc", "filer.port.grpc",
        "master.port", "s3.port.iceberg",
    )  # fmt: skip
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [
                Path(sys.executable).parent / "weed", "server", "-dir", data, "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
                "-volume.max=0", "-master.volumeSizeLimitMB=64", "-filer", "-s3", f"-s3.port={port}",
                f"-s3.config={folder / 'secrets' / 's3.json'}",
                *(f"-{flag}={number}" for flag, number in zip(flags, others, strict=True)),
            ],
            cwd=folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    identities = json.loads((folder / "secrets" / "s3.json").read_text())["identities"]
    keys = {each["name"]: each["credentials"][0] for each in identities}

    def client(identity: str) -> Any:
        return boto3.Session().client(
            "s3", endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1",
            aws_access_key_id=keys[identity]["accessKey"], aws_secret_access_key=keys[identity]["secretKey"],
            config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
        )  # fmt: skip

    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                client("admin").create_bucket(Bucket=BUCKETS[0])
                break
            except Exception:
                assert time.monotonic() < deadline, (folder / "log").read_text()[-3000:]
                time.sleep(0.3)
        environment = {"AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{port}", "POLYDUB_S3_ADDRESSING": "path",
                       "AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": keys["admin"]["accessKey"],
                       "AWS_SECRET_ACCESS_KEY": keys["admin"]["secretKey"]}  # fmt: skip
        with pytest.MonkeyPatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            script("set_up")["make_buckets"](list(BUCKETS))
        yield client
    finally:
        server.kill()
        server.wait()


@pytest.fixture(scope="module")
def talk(s3: S3) -> str:
    s3("admin").put_object(Bucket="polydub-in", Key="incoming/talk.mp4", Body=b"video", Tagging="to=es")
    return "incoming/talk.mp4"


def refused(call: Callable[..., Any], **arguments: Any) -> None:
    from botocore.exceptions import ClientError

    with pytest.raises(ClientError) as told:
        call(**arguments)
    assert told.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_the_worker_can_do_its_work(s3: S3, talk: str) -> None:
    """Read a source; ask whether a thing is there; write small and in parts, give up an upload, write only once."""
    from botocore.exceptions import ClientError

    worker = s3("worker")
    assert worker.get_object(Bucket="polydub-in", Key=talk)["Body"].read() == b"video"
    assert worker.list_objects_v2(Bucket="polydub-in", Prefix="incoming/")["KeyCount"] == 1
    for bucket in ("polydub-out", "polydub-store"):
        with pytest.raises(ClientError) as told:
            worker.head_object(Bucket=bucket, Key="absent")
        assert told.value.response["Error"]["Code"] == "404", (
            "absent, not forbidden: a miss must not look like an outage"
        )
        worker.put_object(Bucket=bucket, Key="small", Body=b"1")
        upload = {"Bucket": bucket, "Key": "large"}
        upload["UploadId"] = worker.create_multipart_upload(**upload)["UploadId"]
        parts = [
            {"PartNumber": n, "ETag": worker.upload_part(**upload, PartNumber=n, Body=bytes(PART))["ETag"]}
            for n in (1, 2)
        ]
        assert len(worker.list_parts(**upload)["Parts"]) == 2, "an upload that was cut goes on where it ended"
        worker.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
        assert worker.head_object(Bucket=bucket, Key="large")["ContentLength"] == 2 * PART
        upload["UploadId"] = worker.create_multipart_upload(Bucket=bucket, Key="large")["UploadId"]
        worker.abort_multipart_upload(**upload)
        etag = worker.head_object(Bucket=bucket, Key="small")["ETag"]
        worker.copy_object(
            Bucket=bucket, Key="small", CopySource={"Bucket": bucket, "Key": "small"}, CopySourceIfMatch=etag,
            MetadataDirective="REPLACE",
        )  # fmt: skip
        assert "Uploads" not in worker.list_multipart_uploads(Bucket=bucket)
        with pytest.raises(ClientError) as told:
            worker.put_object(Bucket=bucket, Key="small", Body=b"2", IfNoneMatch="*")
        assert told.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412


def test_the_worker_cannot_delete_nor_touch_a_source(s3: S3, talk: str) -> None:
    worker, admin = s3("worker"), s3("admin")
    for bucket in BUCKETS:
        admin.put_object(Bucket=bucket, Key="kept", Body=b"1")
        refused(worker.delete_object, Bucket=bucket, Key="kept")
        worker.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "kept"}]})  # answers 200 with an error each
        assert admin.get_object(Bucket=bucket, Key="kept")["Body"].read() == b"1"
        refused(worker.delete_bucket, Bucket=bucket)
    refused(worker.put_object, Bucket="polydub-in", Key=talk, Body=b"other")
    refused(worker.create_bucket, Bucket="polydub-mine")


def test_the_watcher_reads_uploads_and_leaves_notes_and_nothing_else(s3: S3, talk: str) -> None:
    watcher = s3("watcher")
    assert watcher.head_object(Bucket="polydub-in", Key=talk)["ContentLength"] == 5
    assert watcher.get_object_tagging(Bucket="polydub-in", Key=talk)["TagSet"] == [{"Key": "to", "Value": "es"}]
    refused(watcher.put_object, Bucket="polydub-in", Key=talk, Body=b"other")
    refused(watcher.delete_object, Bucket="polydub-in", Key=talk)
    refused(watcher.list_objects_v2, Bucket="polydub-store")
    note = {"Bucket": "polydub-out", "Key": "talk.polydub-error.txt"}
    watcher.put_object(**note, Body=b"targets: no locale")
    watcher.delete_object(**note)
    refused(watcher.put_object, Bucket="polydub-out", Key="talk.es.mp4", Body=b"other")


def test_gc_deletes_in_the_store_alone(s3: S3) -> None:
    collector, admin = s3("gc"), s3("admin")
    for bucket in BUCKETS:
        admin.put_object(Bucket=bucket, Key="old", Body=b"1")
    assert [each["Key"] for each in collector.list_objects_v2(Bucket="polydub-store", Prefix="old")["Contents"]] == [
        "old"
    ]
    collector.delete_object(Bucket="polydub-store", Key="old")
    assert admin.list_objects_v2(Bucket="polydub-store", Prefix="old")["KeyCount"] == 0
    upload = {"Bucket": "polydub-store", "Key": "cut"}
    upload["UploadId"] = admin.create_multipart_upload(**upload)["UploadId"]
    [stale] = collector.list_multipart_uploads(Bucket="polydub-store")["Uploads"]
    assert stale["UploadId"] == upload["UploadId"]
    collector.abort_multipart_upload(**upload)
    refused(collector.put_object, Bucket="polydub-store", Key="new", Body=b"1")
    for bucket in ("polydub-in", "polydub-out"):
        refused(collector.delete_object, Bucket=bucket, Key="old")


def test_reports_are_read_and_not_changed(s3: S3) -> None:
    reader = s3("report")
    s3("admin").put_object(Bucket="polydub-out", Key="report.html", Body=b"<p>")
    assert reader.get_object(Bucket="polydub-out", Key="report.html")["Body"].read() == b"<p>"
    refused(reader.put_object, Bucket="polydub-out", Key="report.html", Body=b"")
    refused(reader.list_objects_v2, Bucket="polydub-in")


def test_secrets_are_made_once_and_only_their_owner_gets_to_them(tmp_path: Path) -> None:
    make = script("make_secrets")["make"]
    made = make(tmp_path / "secrets")
    before = {name: (tmp_path / "secrets" / name).read_text() for name in made}
    assert os.stat(tmp_path / "secrets").st_mode & 0o777 == 0o700
    assert make(tmp_path / "secrets") == []
    assert {name: (tmp_path / "secrets" / name).read_text() for name in made} == before
    (tmp_path / "secrets" / "postgres_password").unlink()
    with pytest.raises(SystemExit, match="postgres_password is missing"):
        make(tmp_path / "secrets")
