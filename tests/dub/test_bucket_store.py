"""A store in a bucket of a real S3 server, on two machines, in outages, with what is spoilt and what is gone."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dub.artifact import Artifact, Record
from dub.bucket import Bucket
from dub.bucket_store import BucketStore
from dub.errors import BadInput, StoreCorrupt, StoreRefused, StoreUnavailable
from dub.location import S3Url
from dub.near import make_room
from dub.stage import Desk, stage
from dub.store import Store, open_store
from tests.faulty_s3 import FaultyS3
from tests.seaweed import Seaweed, seaweed_environment

N_BYTES = 200_000


class Both(Record):
    low: Artifact
    high: Artifact


calls: list[str] = []


@stage(version=1)
def shout(desk: Desk, text: Artifact) -> Both:
    calls.append(text.sha256)
    store = desk.open_store()
    content = store.read_bytes(text)
    low = store.put_bytes(content.lower() * N_BYTES, "text/plain")
    return Both(low=low, high=store.put_bytes(content.upper() * N_BYTES, "text/plain"))


Machine = Callable[[str], Desk]


@pytest.fixture
def machine(
    s3_server: Seaweed, faulty_s3: FaultyS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Machine]:
    """A desk on the machine of that name: all have the same store in one bucket, each a near folder of its own."""
    url = str(s3_server.new_bucket() / "pre/fix")
    calls.clear()

    def on(name: str) -> Desk:
        monkeypatch.setenv("POLYDUB_HOME", str(tmp_path / name))
        open_store.cache_clear()
        return Desk(store=url)

    yield on
    open_store.cache_clear()


def near_of(desk: Desk) -> Path:
    return desk.open_store().root


def shelf_of(desk: Desk) -> tuple[Bucket, str]:
    place = S3Url(desk.store)
    return Bucket(place.bucket), place.key


def blob_key(desk: Desk, artifact: Artifact) -> str:
    return f"{shelf_of(desk)[1]}/cas/{artifact.sha256[:2]}/{artifact.sha256}"


def test_a_second_machine_starts_from_the_firsts_memo(machine: Machine) -> None:
    one = machine("one")
    text = one.open_store().put_bytes(b"Hello", "text/plain")
    made, near = shout.outcome(one, text), near_of(one)
    two = machine("two")
    again = shout.outcome(two, text)
    assert (made.is_cached, again.is_cached, len(calls)) == (False, True, 1)
    assert again.result == made.result
    assert two.open_store().read_bytes(again.result.high) == b"HELLO" * N_BYTES
    assert near_of(two) != near


def test_what_a_hit_costs(machine: Machine, faulty_s3: FaultyS3) -> None:
    """Requests, as docs/storage.md says them."""
    one = machine("one")
    text = one.open_store().put_bytes(b"Hello", "text/plain")
    assert faulty_s3.counts() == {"PUT": 1}, "small: not asked whether it is there"
    faulty_s3.forget()
    shout(one, text)
    assert faulty_s3.counts() == {"GET": 2, "HEAD": 2, "PUT": 3}, "2 misses, 2 artifacts, 1 record"
    faulty_s3.forget()
    shout(one, text)
    assert not faulty_s3.requests, "what this process has just put is there"
    two = machine("two")
    shout(two, text)
    assert faulty_s3.counts() == {"GET": 1, "HEAD": 2}, "the record, and each artifact it names"
    faulty_s3.forget()
    shout(two, text)
    assert not faulty_s3.requests


def test_a_hit_whose_blob_is_gone_is_a_miss(machine: Machine) -> None:
    one = machine("one")
    text = one.open_store().put_bytes(b"Hello", "text/plain")
    made = shout(one, text)
    shelf_of(one)[0].remove([blob_key(one, made.low)])
    two = machine("two")
    assert not shout.outcome(two, text).is_cached
    assert two.open_store().has(made.low)


def test_an_outage_is_told_and_no_work_is_done_twice(machine: Machine, faulty_s3: FaultyS3) -> None:
    one = machine("one")
    text = one.open_store().put_bytes(b"Hello", "text/plain")
    faulty_s3.fail("status", "GET", status=503)
    with pytest.raises(StoreUnavailable, match="503"):
        shout(one, text)
    assert calls == [], "an outage is no miss"
    faulty_s3.heal()

    faulty_s3.fail("status", "PUT", status=503)
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="503"):
            shout(one, text)
    assert len(calls) == 1, "the work is done, and kept near"
    faulty_s3.heal()
    assert not list(one.open_store().kept("memo")), "no record before all that it names is up"
    one = machine("one")  # another process, later
    made = shout.outcome(one, text)
    assert made.is_cached
    assert len(calls) == 1
    assert shout.outcome(machine("two"), text) == made
    assert not list((near_of(machine("one")) / "memo").rglob("*.json"))


def test_a_record_is_never_up_before_what_it_names(machine: Machine, faulty_s3: FaultyS3) -> None:
    one = machine("one")
    text = one.open_store().put_bytes(b"Hello", "text/plain")
    faulty_s3.fail("cut-upload", "PUT .*/cas/", after_bytes=70_000)
    with pytest.raises(StoreUnavailable):
        shout(one, text)
    names = {kept.name for under in ("memo", "cas") for kept in one.open_store().kept(under)}
    assert names == {f"cas/{text.sha256[:2]}/{text.sha256}"}, "nothing half sent can be seen"
    faulty_s3.heal()
    assert shout.outcome(one, text).is_cached
    memo, *blobs = [line for line in reversed(faulty_s3.requests) if line.startswith("PUT")]
    assert "/memo/" in memo
    assert "/cas/" in blobs[0]


def test_spoilt_on_the_way_it_comes_again_spoilt_in_the_bucket_it_is_refused_and_made_anew(
    machine: Machine, faulty_s3: FaultyS3
) -> None:
    one = machine("one")
    text = one.open_store().put_bytes(b"Hello", "text/plain")
    made = shout(one, text)
    faulty_s3.fail("spoil-download", "GET .*/cas/", n=1)
    faulty_s3.forget()
    two = machine("two").open_store()
    assert two.read_bytes(made.high) == b"HELLO" * N_BYTES
    assert faulty_s3.counts() == {"HEAD": 1, "GET": 2}

    shelf, _ = shelf_of(one)
    shelf.write_bytes(blob_key(one, made.low), b"HELLO" * N_BYTES)
    desk = machine("three")
    three = desk.open_store()
    assert shout.outcome(desk, text).is_cached, "a corrupt object of the right size is not seen yet"
    with pytest.raises(StoreCorrupt, match=made.low.sha256):
        three.read_bytes(made.low)
    again = shout.outcome(desk, text)
    assert (again.is_cached, again.result) == (False, made)
    assert machine("four").open_store().read_bytes(made.low) == b"hello" * N_BYTES


def test_credentials_that_are_refused_are_told_at_once(
    machine: Machine, faulty_s3: FaultyS3, s3_server: Seaweed
) -> None:
    one = machine("one")
    text = one.open_store().put_bytes(b"Hello", "text/plain")
    wrong = s3_server.environment() | {"AWS_SECRET_ACCESS_KEY": "wrong", "POLYDUB_HOME": os.environ["POLYDUB_HOME"]}
    with seaweed_environment(wrong), pytest.raises(StoreRefused, match="check the credentials") as refusal:
        shout(one, text)
    assert not refusal.value.retryable
    assert calls == []


def test_an_artifact_put_again_after_long_is_made_new(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    one = machine("one")
    monkeypatch.setattr("dub.bucket_store.REFRESH_S", 1.0)
    made = one.open_store().put_bytes(b"x" * N_BYTES, "text/plain")
    time.sleep(2.1)
    [before] = one.open_store().kept("cas")
    machine("two").open_store().put_bytes(b"x" * N_BYTES, "text/plain")
    [after] = one.open_store().kept("cas")
    assert after.modified > before.modified
    assert machine("three").open_store().read_bytes(made) == b"x" * N_BYTES


def test_the_near_folder_is_bounded_and_what_a_run_uses_stays(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("POLYDUB_NEAR_GB", "0.001")
    store = machine("one").open_store()
    made = [store.put_bytes(bytes([n]) * 300_000, "text/plain") for n in range(5)]
    near = store.root

    def here() -> list[int]:
        return [n for n, each in enumerate(made) if (near / "cas" / each.sha256[:2] / each.sha256).exists()]

    assert here() == [0, 1, 2, 3, 4], "this process lives, and may use them all"
    for n, each in enumerate(made):
        age_s = 48 * 3600 - n
        os.utime(near / "cas" / each.sha256[:2] / each.sha256, (time.time() - age_s,) * 2)
    store.path(made[0])
    make_room(near, 1_000_000)
    assert here() == [0, 3, 4], "the least recently used go"
    assert store.read_bytes(made[1]) == bytes([1]) * 300_000
    assert isinstance(store, BucketStore)
    monkeypatch.setenv("POLYDUB_NEAR_GB", "plenty")
    with pytest.raises(BadInput, match="POLYDUB_NEAR_GB"):
        machine("two").open_store()


def test_a_dead_process_keeps_no_room_and_a_living_one_does(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from dub.near import live_in; "
        "life = live_in(Path(sys.argv[1])); print('ready', flush=True); time.sleep(60)"
    )
    Store(tmp_path)
    other = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    assert other.stdout.readline() == "ready\n"
    made = Store(tmp_path).put_bytes(b"x" * 1000, "text/plain")
    path = Store(tmp_path).path(made)
    [life] = (tmp_path / "living").iterdir()
    os.utime(life, (time.time() - 7200,) * 2)
    os.utime(path, (time.time() - 3600,) * 2)
    make_room(tmp_path, 0)
    assert path.exists(), "used since the other process began"
    other.kill()
    other.wait()
    make_room(tmp_path, 0)
    assert not path.exists()
    assert list((tmp_path / "living").iterdir()) == []
