"""Upload: an object was created, as S3 and servers like it tell. Event messages from outside are read here, and nowhere
else: what they say is only where to look, the object itself is asked for afterwards.

| who                                   | body                                                     | key            |
|---------------------------------------|----------------------------------------------------------|----------------|
| S3 to SQS, MinIO, RustFS              | `{"Records": [{"eventName", "s3": {"bucket", "object"}}]}` | URL-encoded    |
| S3 by EventBridge                     | `{"detail-type", "detail": {"bucket", "object"}}`         | as it is       |
| either by SNS                         | `{"Type": "Notification", "Message": "<the above>"}`      | as above       |
| SeaweedFS' notification webhook       | `{"event_type", "key": "/buckets/...", "message"}`        | as it is       |
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import unquote_plus

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from dub.errors import BadInput
from dub.location import S3Url

MAX_BODY_BYTES = 1 << 20
"""SQS and SNS carry no more; SeaweedFS tells a film of 100 GB in 400 kB."""
_SEAWEED_FOLDER = re.compile(r"/buckets/(?P<bucket>[^/]+)/(?P<key>.+)", re.DOTALL)
_SEAWEED_VERSION = re.compile(r"\.versions(/v_[0-9a-f]+)?\Z")
_CREATED = ("ObjectCreated:", "ObjectTagging:Put", "ObjectRestore:Completed")
_BRIDGE_CREATED = ("Object Created", "Object Tags Added", "Object Restore Completed")
_SEAWEED_CREATED = ("create", "update", "rename")


@dataclass(frozen=True)
class Upload:
    """`etag`, `version_id`, `sequencer`: as the event said, "" where it did not; they may be old news."""

    url: S3Url
    etag: str = ""
    version_id: str = ""
    sequencer: str = ""


class NotAnEvent(BadInput):
    """The body is no event that we know, or names an object that we do not touch."""


def read_uploads(body: str | bytes) -> tuple[Upload, ...]:
    """What an event message says was created or tagged; () for a message that says something else (a deletion, a
    folder, the test message that S3 sends once).

    Raises NotAnEvent that names the field: for what is no such message, is too large, or names a key that `S3Url`
    refuses. The body's content is never repeated.
    """
    if len(body) > MAX_BODY_BYTES:
        raise NotAnEvent(f"the event has {len(body)} bytes, {MAX_BODY_BYTES} are the most")
    told = _object(body)
    if "Message" in told and "Type" in told:
        told = _object(_valid(_SnsEnvelope, told).message)
    if told.get("Event") == "s3:TestEvent":
        return ()
    for field, read in (("Records", _records), ("detail", _bridged), ("event_type", _seaweed)):
        if field in told:
            return tuple(read(told))
    raise NotAnEvent("this is no upload event: it has neither Records nor detail nor event_type", mend=_MEND)


_MEND = "send events of S3, EventBridge, SNS, MinIO, RustFS or SeaweedFS as they are (docs/triggers.md)"


class _Told(BaseModel):
    """A part of a message: unknown fields are left alone, since every server adds its own."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


T = TypeVar("T", bound=_Told)


class _SnsEnvelope(_Told):
    message: str = Field(alias="Message")


class _Bucket(_Told):
    name: str


class _Object(_Told):
    key: str = Field(min_length=1, max_length=4096)
    etag: str = Field(default="", alias="eTag")
    version_id: str | None = Field(default="", alias="versionId")
    sequencer: str = ""


class _BridgedObject(_Object):
    etag: str = ""
    version_id: str | None = Field(default="", alias="version-id")


class _S3(_Told):
    bucket: _Bucket
    object: _Object


class _Record(_Told):
    event_name: str = Field(alias="eventName")
    s3: _S3


class _Records(_Told):
    records: tuple[_Record, ...] = Field(alias="Records", max_length=1000)


class _Detail(_Told):
    bucket: _Bucket
    object: _BridgedObject


class _Bridged(_Told):
    detail_type: str = Field(alias="detail-type")
    detail: _Detail


class _Entry(_Told):
    name: str = ""
    is_directory: bool = False
    extended: dict[str, str] = {}


class _SeaweedMessage(_Told):
    new_entry: _Entry | None = None
    new_parent_path: str = ""


class _Seaweed(_Told):
    event_type: str
    key: str
    message: _SeaweedMessage


def _records(told: dict[str, Any]) -> Iterator[Upload]:
    for record in _valid(_Records, told).records:
        if record.event_name.removeprefix("s3:").startswith(_CREATED):
            key = _decoded(record.s3.object.key)
            if not key.endswith("/"):  # a console's idea of a folder
                yield _upload(record.s3.bucket.name, key, record.s3.object)


def _bridged(told: dict[str, Any]) -> Iterator[Upload]:
    event = _valid(_Bridged, told)
    if event.detail_type in _BRIDGE_CREATED and not event.detail.object.key.endswith("/"):
        yield _upload(event.detail.bucket.name, event.detail.object.key, event.detail.object)


def _seaweed(told: dict[str, Any]) -> Iterator[Upload]:
    """The filer tells of its own files too: folders, parts of uploads, and of an object with versions each version and
    then the folder that holds them, which says which one is current."""
    event = _valid(_Seaweed, told)
    entry = event.message.new_entry
    if event.event_type not in _SEAWEED_CREATED or entry is None:
        return
    if entry.is_directory and not entry.name.endswith(".versions"):
        return
    folder = event.message.new_parent_path  # where a renamed one is now; the event's key is where it was
    found = _SEAWEED_FOLDER.fullmatch(f"{folder}/{entry.name}" if folder and entry.name else event.key)
    if found is None or found["bucket"].startswith(".") or found["key"].startswith(".uploads/"):
        return
    key = _SEAWEED_VERSION.sub("", found["key"])
    yield _upload(found["bucket"], key, _Object(key=key, etag=_from_base64(entry.extended.get("Seaweed-X-Amz-ETag"))))


def _upload(bucket: str, key: str, told: _Object) -> Upload:
    try:
        url = S3Url(f"s3://{bucket}/{key}")
    except BadInput as error:
        raise NotAnEvent(str(error)) from None
    return Upload(url, told.etag.strip('"'), told.version_id or "", told.sequencer)


def _decoded(key: str) -> str:
    try:
        return unquote_plus(key, errors="strict")
    except UnicodeDecodeError:
        raise NotAnEvent("the event's object key is not UTF-8, URL-encoded", mend=_MEND) from None


def _from_base64(text: str | None) -> str:
    try:
        return base64.b64decode(text or "", validate=True).decode("ascii").strip('"')
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _object(body: str | bytes) -> dict[str, Any]:
    try:
        told = from_json(body)
    except ValueError:
        raise NotAnEvent("the event is not JSON", mend=_MEND) from None
    if not isinstance(told, dict):
        raise NotAnEvent("the event is no JSON object", mend=_MEND)
    return told


def _valid(kind: type[T], told: dict[str, Any]) -> T:
    try:
        return kind.model_validate(told)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise NotAnEvent(f"the event's field {field!r}: {first['msg']}", mend=_MEND) from None
