"""Ledger: what a run of a title used of the store: memo records by stage and key, and the artifacts they name.

    titles/<title>/<run>.json

A title's name may be any text, so its folder is a readable part of it and a digest. A run is one process at work on
one title: within half a minute it writes what it has used, every five minutes that it lives, and at its end that it is
done. Garbage collection keeps what the ledgers name (dub/store_gc.py).
"""

from __future__ import annotations

import atexit
import hashlib
import logging
import re
import threading
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from uuid import uuid4

from pydantic import ValidationError

from dub.artifact import Artifact, Record
from dub.errors import DubError
from dub.store import Kept, Store

WRITTEN_EVERY_S = 30.0
SEEN_EVERY_S = 300.0
LIVING_S = 3 * SEEN_EVERY_S
"""A ledger that has not ended and is younger than this is of a run at work."""
logger = logging.getLogger("dub")


class Use(Record):
    """One stage's answer, new or from the memo. `artifacts`: digests of what went in and what came out."""

    stage: str
    key: str
    artifacts: tuple[str, ...]


class Ledger(Record):
    """What one run used."""

    title: str
    run: str
    has_ended: bool = False
    uses: tuple[Use, ...] = ()

    def is_living(self, kept: Kept, now: float) -> bool:
        return not self.has_ended and now - kept.modified < LIVING_S


def read_ledger(store: Store, name: str) -> Ledger | None:
    """None when it is gone, or is no ledger. Raises StoreUnavailable."""
    content = store.read(name)
    try:
        return None if content is None else Ledger.model_validate_json(content)
    except ValidationError:
        return None


class OpenLedger:
    """The ledger that this process writes for one title. Thread-safe."""

    def __init__(self, store: Store, title: str) -> None:
        readable = re.sub(r"[^A-Za-z0-9._-]+", "-", title)[:60].strip(".-")
        folder = f"{readable}-{hashlib.sha256(title.encode()).hexdigest()[:12]}".lstrip("-")
        self._run = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}-{uuid4().hex[:8]}"
        self._store, self._title, self._name = store, title, f"titles/{folder}/{self._run}.json"
        self._uses: dict[tuple[str, str], Use] = {}
        self._has_news, self._has_ended = False, False
        self._written = 0.0
        self._lock, self._writing = threading.Lock(), threading.Lock()

    def note(self, stage: str, key: str, artifacts: Iterable[Artifact]) -> None:
        use = Use(stage=stage, key=key, artifacts=tuple(sorted({artifact.sha256 for artifact in artifacts})))
        with self._lock:
            if self._has_ended or self._uses.get((stage, key)) != use:  # after its end, this is another run
                self._uses[stage, key] = use
                self._has_news, self._has_ended = True, False

    def write(self, *, has_ended: bool = False) -> None:
        """Write what is new, or that the run lives, or that it has ended; nothing when all that is known. Raises
        StoreUnavailable and stays unwritten."""
        with self._writing:
            with self._lock:
                is_due = time.monotonic() - self._written > SEEN_EVERY_S and not self._has_ended
                if not (self._has_news or is_due or (has_ended and not self._has_ended)):
                    return
                ledger = Ledger(title=self._title, run=self._run, has_ended=has_ended, uses=tuple(self._uses.values()))
                self._has_news = False
            try:
                self._store.write(self._name, ledger.model_dump_json().encode())
            except BaseException:
                self._has_news = True
                raise
            self._written, self._has_ended = time.monotonic(), has_ended


def note_use(store: Store, title: str, stage: str, key: str, artifacts: Iterable[Artifact]) -> None:
    """Say that a run of `title` used a memo record and these artifacts. Written soon, in the background."""
    _ledgers().of(store, title).note(stage, key, artifacts)


def end_ledger(store: Store, title: str) -> None:
    """The run of `title` in this process is done. A ledger that cannot be written now is no fault of the run: what it
    made is safe for the grace time, and it is told."""
    _ledgers().write(end=(str(store), title))


class _Ledgers:
    """The ledgers of this process and the thread that writes them."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str], OpenLedger] = {}
        self._lock = threading.Lock()
        self._has_writer = False

    def of(self, store: Store, title: str) -> OpenLedger:
        with self._lock:
            if not self._has_writer:
                self._has_writer = True
                threading.Thread(target=self._write_often, name="ledgers", daemon=True).start()
                atexit.register(self.write, has_ended=True)
            place = (str(store), title)
            if place not in self._open:
                self._open[place] = OpenLedger(store, title)
            return self._open[place]

    def write(self, *, end: tuple[str, str] | None = None, has_ended: bool = False) -> None:
        with self._lock:
            ledgers = [(place == end or has_ended, each) for place, each in self._open.items() if end in (None, place)]
        for is_end, ledger in ledgers:
            try:
                ledger.write(has_ended=is_end)
            except DubError as error:
                logger.warning("the ledger of a title is not written yet: %s", type(error).__name__)

    def _write_often(self) -> None:
        while True:
            time.sleep(WRITTEN_EVERY_S)
            self.write()


@lru_cache(maxsize=1)
def _ledgers() -> _Ledgers:
    return _Ledgers()
