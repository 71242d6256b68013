"""Location: where a file of the user's is: a path on this machine, or an object in S3."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from dub.errors import BadInput

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_URL = re.compile(r"s3:/{1,2}(?P<bucket>[^/]*)(?:/(?P<key>.*))?", re.DOTALL)


class S3Url(str):
    """`s3://bucket/key`, or `s3://bucket/prefix` for what stands for a folder. Named and joined like a path.

    Raises BadInput for a bucket that S3 does not allow, and for a key that climbs (`..`), has an empty part or a
    control character: such keys mean another place to some tools than to others.
    """

    bucket: str
    key: str

    def __new__(cls, url: str) -> S3Url:
        mend = "write s3://bucket/key"
        found = _URL.fullmatch(url)
        if found is None or not _BUCKET.fullmatch(found["bucket"]):
            raise BadInput(f"{url!r} names no S3 bucket", mend=mend)
        key = (found["key"] or "").rstrip("/")
        if key and any(part in ("", ".", "..") for part in key.split("/")):
            raise BadInput(f"the key of {url!r} has an empty part, '.' or '..'", mend=mend)
        if not key.isprintable():
            raise BadInput(f"the key of {url!r} has a control character", mend="rename the object")
        made = super().__new__(cls, f"s3://{found['bucket']}/{key}".rstrip("/"))
        made.bucket, made.key = found["bucket"], key
        return made

    def __truediv__(self, name: str) -> S3Url:
        return S3Url(f"{self}/{name}")

    @property
    def name(self) -> str:
        return self.key.rpartition("/")[2]

    @property
    def stem(self) -> str:
        return Path(self.name).stem

    @property
    def suffix(self) -> str:
        return Path(self.name).suffix

    @property
    def parent(self) -> S3Url:
        return S3Url(f"s3://{self.bucket}/{self.key.rpartition('/')[0]}")


def located(given: Any) -> Path | S3Url:
    """A path or a URL, as a person or a JSON record writes it. Raises BadInput for an unusable URL."""
    if isinstance(given, S3Url):
        return given
    if not isinstance(given, (str, Path)):
        raise ValueError("give a path or s3://bucket/key")
    text = str(given)
    if _URL.match(text):  # a Path has made one slash of two
        return S3Url(text)
    if "://" in text:
        raise BadInput(f"{text!r}: only paths and s3:// are read", mend="copy it to a folder or a bucket first")
    return Path(text)


Location = Annotated[
    Path | S3Url,
    PlainValidator(located),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "description": "a path, or s3://bucket/key"}),
]


def absolute(given: str | Path) -> Path | S3Url:
    """As `located`, a path made absolute."""
    place = located(given)
    return place.absolute() if isinstance(place, Path) else place
