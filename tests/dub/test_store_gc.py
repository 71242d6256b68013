"""Garbage collection, of a folder and of a bucket: what titles use stays, the rest goes, and no run loses anything."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dub import ledger
from dub.artifact import Artifact, Record
from dub.errors import BadInput
from dub.ledger import end_ledger
from dub.location import S3Url
from dub.stage import Desk, stage
from dub.store import Store, open_store
from dub.store_gc import NOBODY, Swept, sweep, titles_in
from tests.conftest import Seaweed, seaweed_environment


class Text(Record):
    text: Artifact


@stage(version=1)
def shout(desk: Desk, text: Artifact) -> Text:
    store = desk.open_store()
    return Text(text=store.put_bytes(store.read_bytes(text).upper(), "text/plain"))


@stage(version=1)
def twice(desk: Desk, text: Artifact) -> Text:
    loud = shout(desk, text)  # nested: noted like any other
    store = desk.open_store()
    return Text(text=store.put_bytes(store.read_bytes(loud.text) * 2, "text/plain"))


@pytest.fixture(params=["folder", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A store of each kind. The ledgers of this process are new ones, as a new run's."""
    ledger._ledgers.cache_clear()
    open_store.cache_clear()
    monkeypatch.setenv("POLYDUB_HOME", str(tmp_path / "home"))
    if request.param == "folder":
        yield str(tmp_path / "store")
    else:
        server: Seaweed = request.getfixturevalue("s3_server")
        with seaweed_environment(server.environment() | {"POLYDUB_HOME": str(tmp_path / "home")}):
            yield str(server.new_bucket() / "store")
            ledger._ledgers().write(has_ended=True)
    open_store.cache_clear()


def work(place: str, title: str, text: bytes, *, has_ended: bool = True) -> Text:
    desk = Desk(store=place, title=title)
    made = twice(desk, desk.open_store().put_bytes(text, "text/plain"))
    if has_ended:
        end_ledger(desk.open_store(), title)
        ledger._ledgers.cache_clear()
    return made


def counts(store: Store) -> dict[str, int]:
    return {under: len(list(store.kept(under))) for under in ("memo", "cas", "titles")}


def swept(store: Store, **how: object) -> Swept:
    time.sleep(1.1)  # S3 tells seconds
    asked = {"older_than_s": 30 * 86400.0, "grace_s": 0.0, "settle_s": 0.0} | how
    return sweep(store, **asked)  # type: ignore[arg-type]


def test_a_title_goes_and_what_it_shares_stays(place: str) -> None:
    work(place, "Ein Film / Teil 1", b"one")
    work(place, "another", b"two")
    work(place, "sequel", b"one")
    store = open_store(place)
    assert counts(store) == {"memo": 4, "cas": 6, "titles": 3}
    sizes = {each.title: (each.n_runs, each.n_memos, each.n_artifacts, each.n_bytes) for each in titles_in(store)}
    assert sizes == {"Ein Film / Teil 1": (1, 2, 3, 12), "another": (1, 2, 3, 12), "sequel": (1, 1, 2, 9)}

    asked = swept(store, titles=["another", "sequel"], is_dry_run=True)
    assert [(each.title, each.n_memos, each.n_bytes) for each in asked.going] == [("another", 2, 12), ("sequel", 0, 0)]
    assert (asked.n_memos, asked.n_artifacts, asked.n_bytes) == (2, 3, 12)
    assert counts(store) == {"memo": 4, "cas": 6, "titles": 3}, "a dry run removes nothing"
    done = swept(store, titles=["another", "sequel"])
    assert (done.n_memos, done.n_artifacts, done.n_bytes) == (2, 3, 12)
    assert counts(store) == {"memo": 2, "cas": 3, "titles": 1}
    desk = Desk(store=place)
    assert twice.outcome(desk, store.put_bytes(b"one", "text/plain")).is_cached
    open_store.cache_clear()  # another process: this one remembers what it has put
    assert not twice.outcome(desk, store.put_bytes(b"two", "text/plain")).is_cached
    with pytest.raises(BadInput, match="no title 'anothr'"):
        swept(store, titles=["anothr"])


def test_by_age_what_no_title_uses_goes_too_and_the_young_stays(place: str) -> None:
    work(place, "old", b"one")
    work(place, "", b"nobody's")
    time.sleep(3)
    work(place, "new", b"two")
    store = open_store(place)
    assert [each.title for each in titles_in(store)] == ["new", "old", NOBODY]
    spared = swept(store, older_than_s=3.0, grace_s=3600.0)
    assert (spared.n_memos, spared.n_artifacts, spared.n_young, spared.n_ledgers) == (0, 0, 10, 1)
    assert counts(store) == {"memo": 6, "cas": 9, "titles": 1}
    done = swept(store)
    assert (done.n_memos, done.n_artifacts) == (4, 6)
    assert counts(store) == {"memo": 2, "cas": 3, "titles": 1}


def test_runs_that_found_all_done_leave_two_ledgers(place: str) -> None:
    """The newest, and that of the run that did the work: it alone names the stages within stages."""
    for _ in range(4):
        work(place, "nightly", b"one")
    store = open_store(place)
    assert counts(store)["titles"] == 4
    assert swept(store).n_ledgers == 2
    assert counts(store) == {"memo": 2, "cas": 3, "titles": 2}


def test_a_title_at_work_is_left_alone(place: str) -> None:
    work(place, "ended", b"two")
    work(place, "at work", b"one", has_ended=False)
    ledger._ledgers().write()
    store = open_store(place)
    assert [each.is_living for each in titles_in(store)] == [True, False]
    with pytest.raises(BadInput, match="at work on 'at work'"):
        swept(store, titles=["at work"])
    with pytest.raises(BadInput, match="under an hour"):
        swept(store, titles=["ended"], grace_s=60.0)
    end_ledger(store, "at work")
    assert swept(store, titles=["at work"]).n_artifacts == 3


def test_a_hit_on_old_work_while_it_is_collected_keeps_its_artifacts(place: str) -> None:
    """The run reads the memo record just before it goes, and says so in its ledger while gc waits."""
    work(place, "old", b"one")
    store = open_store(place)
    text = store.put_bytes(b"one", "text/plain")
    told: list[str] = []

    def run_meanwhile(said: str) -> None:
        told.append(said)
        if len(told) == 1:
            assert twice.outcome(Desk(store=place, title="new"), text).is_cached
        if said.startswith("waiting"):
            ledger._ledgers().write()

    done = swept(store, titles=["old"], tell=run_meanwhile)
    assert done.n_memos == 2
    assert done.n_spared == 2, "the text, and what came out; what went in between is needed by nobody"
    again = Desk(store=place, title="new")
    open_store.cache_clear()
    assert not twice.outcome(again, text).is_cached
    ledger._ledgers().write()
    assert {each.title for each in titles_in(open_store(place))} == {"new"}


def test_what_is_put_again_while_it_is_collected_stays(tmp_path: Path) -> None:
    store = Store(tmp_path)
    made = store.put_bytes(b"x", "text/plain")
    path = store.path(made)
    os.utime(path, (0, 0))
    name = path.relative_to(tmp_path).as_posix()
    store.put_bytes(b"x", "text/plain")
    store.remove([name, "cas/no/thing"], not_since=time.time() - 60)
    assert store.has(made)
    os.utime(path, (0, 0))
    store.remove([name], not_since=time.time() - 60)
    assert not path.exists()


def test_what_killed_processes_left_is_swept(tmp_path: Path) -> None:
    store = Store(tmp_path)
    (tmp_path / "claims" / "dead").write_bytes(b"")
    (tmp_path / "scratch" / "dead").mkdir()
    with store.claim("living"), store.scratch():
        assert store.sweep() == 2
        assert [path.name for path in (tmp_path / "claims").iterdir()] == ["living"]
    assert store.sweep() == 0


def test_uploads_left_over_are_given_up(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if not place.startswith("s3:"):
        pytest.skip("a folder has none")
    from datetime import timedelta

    from dub.s3 import s3_client

    url = S3Url(place)
    s3_client().create_multipart_upload(Bucket=url.bucket, Key=f"{url.key}/cas/ab/abc")
    store = open_store(place)
    assert store.sweep() == 0
    monkeypatch.setattr("dub.bucket_store.STALE_UPLOAD", timedelta(0))
    assert store.sweep() == 1
    assert store.sweep() == 0
