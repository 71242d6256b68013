"""Event messages from outside, as the servers send them, and as nobody should."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.uploads import MAX_BODY_BYTES, NotAnEvent, Upload, read_uploads


def s3_event(key: str, *, bucket: str = "studio", name: str = "ObjectCreated:Put", **of_object: Any) -> dict[str, Any]:
    """As S3 sends it to SQS; MinIO and RustFS post the same with a few fields of their own."""
    return {
        "Records": [
            {
                "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "eu-central-1", "eventName": name,
                "s3": {
                    "s3SchemaVersion": "1.0", "bucket": {"name": bucket, "arn": f"arn:aws:s3:::{bucket}"},
                    "object": {"key": key, "size": 1024, **of_object},
                },
            }
        ]
    }  # fmt: skip


def bridge_event(key: str, kind: str = "Object Created") -> dict[str, Any]:
    return {
        "version": "0", "id": "17793124-05d4-b198-2fde-7ededc63b103", "detail-type": kind, "source": "aws.s3",
        "detail": {
            "version": "0", "bucket": {"name": "studio"}, "reason": "PutObject",
            "object": {"key": key, "size": 5, "etag": "b1946ac9", "version-id": "IYV3", "sequencer": "00617F"},
        },
    }  # fmt: skip


def seaweed_event(key: str, kind: str = "create", **entry: Any) -> dict[str, Any]:
    """As 4.48 posts it."""
    folder, _, name = key.rpartition("/")
    new = None if kind == "delete" else {"name": name, "attributes": {"file_size": 3}, **entry}
    return {
        "event_type": kind, "key": key,
        "message": {"new_entry": new, "delete_chunks": True, "new_parent_path": folder, "signatures": [843361664]},
    }  # fmt: skip


def test_what_s3_sends_to_a_queue() -> None:
    event = s3_event("in/My+talk+%C3%A4%2Bb.mp4", eTag="d41d", versionId="v1", sequencer="0055AED6DCD90281E5")
    [upload] = read_uploads(json.dumps(event))
    assert upload == Upload("s3://studio/in/My talk ä+b.mp4", "d41d", "v1", "0055AED6DCD90281E5")
    assert upload.url.key == "in/My talk ä+b.mp4"


def test_what_minio_posts() -> None:
    event = s3_event("in%2Ftalk.mp4", name="s3:ObjectCreated:CompleteMultipartUpload", eTag="5fc7-1", versionId=None)
    [upload] = read_uploads(json.dumps({"EventName": "s3:ObjectCreated:Put", "Key": "studio/in/talk.mp4", **event}))
    assert (upload.url, upload.etag, upload.version_id) == ("s3://studio/in/talk.mp4", "5fc7-1", "")


def test_eventbridge_does_not_encode_its_keys() -> None:
    [upload] = read_uploads(json.dumps(bridge_event("in/50%25 off+more.mp4")))
    assert upload == Upload("s3://studio/in/50%25 off+more.mp4", "b1946ac9", "IYV3", "00617F")


@pytest.mark.parametrize("inner", [s3_event("in/talk.mp4"), bridge_event("in/talk.mp4")])
def test_either_in_an_sns_envelope(inner: dict[str, Any]) -> None:
    envelope = {"Type": "Notification", "MessageId": "1", "TopicArn": "arn:aws:sns:x", "Message": json.dumps(inner)}
    assert [upload.url for upload in read_uploads(json.dumps(envelope))] == ["s3://studio/in/talk.mp4"]


@pytest.mark.parametrize("kind", ["create", "update", "rename"])
def test_what_seaweedfs_posts(kind: str) -> None:
    event = seaweed_event(
        "/buckets/studio/in/talk ä+b.mp4", kind,
        extended={"Seaweed-X-Amz-ETag": "YTYxMDVjMGE2MTFiNDFiMDhmMTIwOTUwNjM1MDI3OWU="},
    )  # fmt: skip
    assert read_uploads(json.dumps(event)) == (
        Upload("s3://studio/in/talk ä+b.mp4", "a6105c0a611b41b08f120950635027 9e".replace(" ", "")),
    )


def test_a_version_of_seaweedfs_is_its_object() -> None:
    version = seaweed_event("/buckets/studio/in/talk.mp4.versions/v_67134b96c322a144058d3c7c1958639b")
    current = seaweed_event("/buckets/studio/in/talk.mp4.versions", "update", is_directory=True)
    for event in (version, current):
        assert [upload.url for upload in read_uploads(json.dumps(event))] == ["s3://studio/in/talk.mp4"]


@pytest.mark.parametrize(
    "event",
    [
        {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "studio"},
        {"Records": []},
        s3_event("in/talk.mp4", name="ObjectRemoved:Delete"),
        s3_event("in/"),
        bridge_event("in/talk.mp4", "Object Deleted"),
        bridge_event("in/"),
        seaweed_event("/buckets/studio/in/talk.mp4", "delete"),
        seaweed_event("/buckets/studio/in", is_directory=True),
        seaweed_event("/buckets/studio/.uploads/bfbd37_52e44f/0003_a8d1.part"),
        seaweed_event("/buckets/.system/owners/tests/studio"),
        seaweed_event("/etc/iam/identity.json"),
    ],
)
def test_what_is_no_upload_is_nothing(event: dict[str, Any]) -> None:
    assert read_uploads(json.dumps(event)) == ()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        ("[" * 200_000, "not JSON"),
        ("[]", "no JSON object"),
        ('{"hello": 1}', "neither Records nor detail"),
        ('{"Records": 3}', "'Records'"),
        ('{"Records": [{"eventName": "ObjectCreated:Put"}]}', r"'Records\.0\.s3'"),
        (json.dumps(s3_event("in/../../secret.mp4")), "'..'"),
        (json.dumps(s3_event("in%2F..%2Fsecret.mp4")), "'..'"),
        (json.dumps(s3_event("in//talk.mp4")), "empty part"),
        (json.dumps(s3_event("in/%00talk.mp4")), "control character"),
        (json.dumps(s3_event("in/%FFtalk.mp4")), "not UTF-8"),
        (json.dumps(s3_event("x" * 5000)), "4096"),
        (json.dumps(s3_event("talk.mp4", bucket="../etc")), "no S3 bucket"),
        (json.dumps({"Records": s3_event("a.mp4")["Records"] * 1001}), "1000"),
        (json.dumps({"Type": "Notification", "Message": 7}), "'Message'"),
        (json.dumps({"Type": "Notification", "Message": "Hello"}), "not JSON"),
        ('{"event_type": "create", "key": "/buckets/b/k", "message": 7}', "'message'"),
        (" " * (MAX_BODY_BYTES + 1), "are the most"),
    ],
)  # fmt: skip
def test_what_is_no_event_is_refused(body: str | bytes, said: str) -> None:
    with pytest.raises(NotAnEvent, match=said):
        read_uploads(body)


def test_an_error_repeats_nothing_of_the_body() -> None:
    with pytest.raises(NotAnEvent) as error:
        read_uploads(json.dumps({"Records": [{"eventName": {"name": "Anna says hello"}}]}))
    assert "Anna" not in str(error.value)


FIELDS = [
    "Records", "s3", "object", "key", "bucket", "name", "eventName", "detail", "event_type", "message", "new_entry",
    "Message", "Type",
]  # fmt: skip
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(FIELDS), inner),
)


@settings(max_examples=150, deadline=None)
@given(ANYTHING)
def test_nothing_but_uploads_or_a_refusal_comes_out(told: Any) -> None:
    with contextlib.suppress(NotAnEvent):
        assert all(isinstance(upload, Upload) for upload in read_uploads(json.dumps(told)))
