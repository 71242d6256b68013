"""BucketStore: a store in S3 that many machines share, with a folder near as its cache and its workshop.

s3://bucket/prefix/cas/ab/abcdef…, memo/<stage>/<key>.json, titles/…    as in a folder's store
<near>/cas, scratch, claims      a Store of this machine: what was made or read here
<near>/memo                      records of finished work that the bucket has not taken yet
<near>/incoming                  downloads under way

The bucket is the truth: a memo record in it was put after every artifact it names. What the near folder holds was
either made here or checked against its SHA-256 as it came.

- An outage loses no work. An artifact that cannot be sent stays near, and so does the memo record of the stage that
  made it; the stage then fails with the outage, and whoever asks for it next on this machine, in a retry or in a later
  run, sends both and has the answer. Nothing is worked on twice, and nothing counts as done before the bucket has it.
- Answers that were good are believed for KNOWN_S: a run asks for the same record again when it sums up its report, and
  stages share artifacts. It is safe because garbage collection spares what was used in so short a time (the grace
  time), and short because somebody may empty a bucket by hand.
- A claim holds on this host only. Two hosts may do the same work at once; both results are good, and the later memo
  record takes the place of the earlier.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dub.artifact import Artifact, sha256_of
from dub.bucket import Bucket, StoredObject
from dub.errors import StoreCorrupt, StoreUnavailable
from dub.location import S3Url
from dub.near import live_in, make_room, near_bytes, near_root
from dub.store import Kept, Store

KNOWN_S = 600.0
KNOWN_BYTES = 64 << 20
"""Memo records kept in this process."""
ONE_REQUEST_BYTES = 64 << 10
"""Up to this size, putting is cheaper than asking whether it is there."""
REFRESH_S = 12 * 3600.0
"""An artifact that is put again and has been in the bucket this long is made new, so that garbage collection, which
spares a day by default, does not take it from under the run that put it."""
STALE_UPLOAD = timedelta(days=7)
logger = logging.getLogger("dub")


class BucketStore(Store):
    """Safe for many threads, processes and machines at once."""

    def __init__(self, url: S3Url, near: Path) -> None:
        super().__init__(near)
        (near / "incoming").mkdir(exist_ok=True)
        self.url = url
        self._bucket = Bucket(url.bucket)
        self._max_near_bytes = near_bytes(near)
        self._life = live_in(near)
        make_room(near, self._max_near_bytes)
        self._n_new_bytes = 0
        self._lock = threading.Lock()
        self._there_until: dict[str, float] = {}
        self._records: OrderedDict[tuple[str, str], tuple[float, bytes]] = OrderedDict()
        self._n_record_bytes = 0
        self._unsent: dict[str, Artifact] = {}

    def __str__(self) -> str:
        return str(self.url)

    def put(self, path: Path, media_type: str) -> Artifact:
        """Move a finished scratch file into the near folder and copy it to the bucket. In an outage it stays near, to
        be sent before the next memo record is read or written: that is where the outage is told."""
        artifact = super().put(path, media_type)
        self._make_room_for(artifact.n_bytes)
        try:
            if not self._unsent:  # else there is an outage, and this would only wait for it once more
                self._send(artifact)
                return artifact
        except StoreUnavailable as error:
            logger.warning("artifact %s is not in the bucket yet: %s", artifact, type(error).__name__)
        with self._lock:
            self._unsent[artifact.sha256] = artifact
        return artifact

    def has(self, artifact: Artifact) -> bool:
        """Whether the bucket has it; what was there a moment ago is."""
        if self._is_known(artifact.sha256):
            return True
        stored = self._bucket.head(self._key(artifact))
        if stored is None or stored.n_bytes != artifact.n_bytes:
            return False
        self._know(artifact.sha256)
        return True

    def path(self, artifact: Artifact) -> Path:
        """A local, read-only file with the artifact's content, downloaded if need be. Raises StoreCorrupt when the
        bucket has other content under its name, StoreUnavailable when it is gone or does not come."""
        if self._has_here(artifact):
            return self._blob(artifact.sha256)
        with self.claim(f"get-{artifact.sha256}"):
            if not self._has_here(artifact):
                self._make_room_for(artifact.n_bytes)
                self._get(artifact)
        return super().path(artifact)

    def memo(self, stage: str, key: str) -> bytes | None:
        with self._lock:
            moment, record = self._records.get((stage, key), (0.0, b""))
        if record and time.monotonic() - moment < KNOWN_S:
            return record
        self._send_the_unsent()
        found = self._bucket.read_bytes(self._memo_key(stage, key)) or self._finish(stage, key)
        if found is not None:
            self._keep_record(stage, key, found)
        return found

    def remember(self, stage: str, key: str, record: bytes) -> None:
        """Put a memo record, once all that it names is in the bucket. In an outage the record is kept near, and the
        outage raised."""
        try:
            self._send_the_unsent()
            self._bucket.write_bytes(self._memo_key(stage, key), record, "application/json")
        except StoreUnavailable:
            super().remember(stage, key, record)
            raise
        self._keep_record(stage, key, record)

    def kept(self, under: str) -> Iterator[Kept]:
        root = f"{self.url.key}/" if self.url.key else ""
        for stored in self._bucket.list(f"{root}{under}/"):
            yield Kept(stored.url.key.removeprefix(root), stored.n_bytes, stored.modified.timestamp())

    def read(self, name: str) -> bytes | None:
        return self._bucket.read_bytes((self.url / name).key)

    def write(self, name: str, content: bytes) -> None:
        self._bucket.write_bytes((self.url / name).key, content, "application/json")

    def remove(self, names: Sequence[str], not_since: float) -> None:
        """Remove objects, 1000 in a request. S3 removes without looking: the caller has just listed them."""
        self._bucket.remove([(self.url / name).key for name in names])

    def sweep(self) -> int:
        """As a folder's, of the near folder; and gives up uploads in parts that nobody has continued for a week."""
        stale = self._bucket.stale_uploads(f"{self.url.key}/cas/".lstrip("/"), STALE_UPLOAD)
        for key, upload_id in stale:
            self._bucket.abort_upload(key, upload_id)
        make_room(self.root, self._max_near_bytes)
        return super().sweep() + len(stale)

    # --- to the bucket ---------------------------------------------------------------------------------------------

    def _send(self, artifact: Artifact) -> None:
        if self._is_known(artifact.sha256):
            return
        if artifact.n_bytes > ONE_REQUEST_BYTES:
            stored = self._bucket.head(self._key(artifact))
            if stored and stored.n_bytes == artifact.n_bytes and self._is_young(stored, artifact):
                self._know(artifact.sha256)
                return
        self._bucket.upload(self._blob(artifact.sha256), self._key(artifact), artifact.media_type)
        self._know(artifact.sha256)

    def _is_young(self, stored: StoredObject, artifact: Artifact) -> bool:
        """Whether the object is safe from garbage collection; where it is not, it is made so if that is cheap."""
        age_s = (datetime.now(UTC) - stored.modified).total_seconds()
        return age_s < REFRESH_S or self._bucket.refresh(stored, artifact.media_type)

    def _send_the_unsent(self) -> None:
        """Raises the outage as long as it lasts."""
        for sha256, artifact in list(self._unsent.items()):
            self._send(artifact)
            with self._lock:
                self._unsent.pop(sha256, None)

    def _finish(self, stage: str, key: str) -> bytes | None:
        """A record of work that was finished here and that the bucket did not take: sent now, with what it names."""
        record = super().memo(stage, key)
        if record is None:
            return None
        for artifact in _artifacts_named(record):
            if self._has_here(artifact):
                self._send(artifact)
            elif not self.has(artifact):
                record = None  # it has been too long: the near folder needed the room
                break
        if record is not None:
            self._bucket.write_bytes(self._memo_key(stage, key), record, "application/json")
        (self.root / "memo" / stage / f"{key}.json").unlink(missing_ok=True)
        return record

    # --- from the bucket -------------------------------------------------------------------------------------------

    def _get(self, artifact: Artifact) -> None:
        """Download, check, and move into the near folder."""
        incoming = self.root / "incoming" / artifact.sha256
        stored = self._bucket.head(self._key(artifact))
        if stored is None or stored.n_bytes != artifact.n_bytes:
            self._forget(artifact.sha256)
            raise StoreUnavailable(
                f"artifact {artifact} is not in {self.url}", mend="run the same job again: it is made anew"
            )
        for _ in range(2):  # what was spoilt on the way comes right the second time
            self._download(stored, incoming)
            if sha256_of(incoming) == artifact.sha256:
                super().put(incoming, artifact.media_type)
                self._know(artifact.sha256)
                return
            incoming.unlink()
        self._refuse(stored, artifact)

    def _download(self, stored: StoredObject, incoming: Path) -> None:
        with self.scratch():  # a full disk is told as such
            self._bucket.download(stored, incoming)

    def _refuse(self, stored: StoredObject, artifact: Artifact) -> None:
        """What is in the bucket is not what its name says. It is emptied, unless somebody has mended it meanwhile:
        from now on every machine finds the artifact missing and makes it anew. Nothing of worth is lost, and a worker
        needs no right to delete."""
        self._forget(artifact.sha256)
        self._bucket.write_bytes(stored.url.key, b"", artifact.media_type, replacing=stored.etag)
        raise StoreCorrupt(
            f"{stored.url} has other content than its name says: it is refused, and was emptied",
            mend="run the same job again: it is made anew",
        )

    # --- what is known ---------------------------------------------------------------------------------------------

    def _is_known(self, sha256: str) -> bool:
        return self._there_until.get(sha256, 0.0) > time.monotonic()

    def _know(self, sha256: str) -> None:
        self._there_until[sha256] = time.monotonic() + KNOWN_S

    def _forget(self, sha256: str) -> None:
        """Of the memo records, those that name it must be asked for again: so all of them."""
        with self._lock:
            self._there_until.pop(sha256, None)
            self._records.clear()
            self._n_record_bytes = 0

    def _keep_record(self, stage: str, key: str, record: bytes) -> None:
        with self._lock:
            _, before = self._records.pop((stage, key), (0.0, b""))
            self._records[stage, key] = (time.monotonic(), record)
            self._n_record_bytes += len(record) - len(before)
            while self._n_record_bytes > KNOWN_BYTES:
                _, (_, oldest) = self._records.popitem(last=False)
                self._n_record_bytes -= len(oldest)

    def _make_room_for(self, n_bytes: int) -> None:
        """Look at the near folder's size whenever it may have grown by a twentieth."""
        with self._lock:
            self._n_new_bytes += n_bytes
            is_due = self._n_new_bytes > self._max_near_bytes / 20
            if is_due:
                self._n_new_bytes = 0
        if is_due:
            make_room(self.root, self._max_near_bytes)

    def _key(self, artifact: Artifact) -> str:
        return (self.url / "cas" / artifact.sha256[:2] / artifact.sha256).key

    def _memo_key(self, stage: str, key: str) -> str:
        return (self.url / "memo" / stage / f"{key}.json").key


def open_bucket_store(url: str) -> BucketStore:
    """The store at `s3://bucket/prefix`, with a folder of this machine near (dub/near.py)."""
    place = S3Url(url)
    return BucketStore(place, near_root() / f"{place.bucket}-{hashlib.sha256(place.encode()).hexdigest()[:12]}")


def _artifacts_named(record: bytes) -> Iterator[Artifact]:
    """Every artifact anywhere in a memo record."""

    def walk(value: Any) -> Iterator[Artifact]:
        if isinstance(value, dict):
            with suppress(ValidationError):
                yield Artifact.model_validate(value)
                return
            for inner in value.values():
                yield from walk(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from walk(inner)

    yield from walk(json.loads(record))
