"""Stages: what makes a memo key, what a hit needs, what dies with a killed process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from pydantic import ValidationError

from dub.artifact import Artifact, Record
from dub.errors import StoreUnavailable
from dub.stage import Desk, EngineChoice, stage
from dub.store import Store


class Shout(Record):
    text: Artifact


calls: list[str] = []


@stage(version=1)
def shout(desk: Desk, text: Artifact, engine: EngineChoice) -> Shout:
    calls.append(text.sha256)
    store = desk.open_store()
    return Shout(text=store.put_bytes(store.read_bytes(text).upper(), "text/plain"))


LOUD = EngineChoice(family="toy", id="loud", fingerprint="1")


def test_second_call_comes_from_the_memo_on_any_desk_with_the_same_store(desk: Desk) -> None:
    calls.clear()
    text = desk.open_store().put_bytes(b"hello", "text/plain")
    first = shout.outcome(desk, text, LOUD)
    again = shout.outcome(Desk(store=desk.store, n_threads=7), text, engine=LOUD)
    assert (first.is_cached, again.is_cached, len(calls)) == (False, True, 1)
    assert again.result == first.result
    assert desk.open_store().read_bytes(first.result.text) == b"HELLO"


def test_content_fingerprint_and_version_change_the_key(desk: Desk) -> None:
    store = desk.open_store()
    text, other = store.put_bytes(b"a", "text/plain"), store.put_bytes(b"b", "text/plain")
    key = shout.key(desk, text, LOUD)
    assert key == shout.key(desk, text, LOUD)
    assert key != shout.key(desk, other, LOUD)
    assert key != shout.key(desk, text, EngineChoice(family="toy", id="loud", fingerprint="2"))
    assert key != stage(version=2)(shout.function).key(desk, text, LOUD)


def test_a_hit_whose_blob_is_gone_is_a_miss(desk: Desk) -> None:
    text = desk.open_store().put_bytes(b"hello", "text/plain")
    result = shout(desk, text, LOUD)
    desk.open_store().path(result.text).unlink()
    assert not shout.outcome(desk, text, LOUD).is_cached
    assert desk.open_store().has(result.text)


def test_a_torn_or_foreign_memo_record_is_a_miss(desk: Desk) -> None:
    text = desk.open_store().put_bytes(b"hello", "text/plain")
    shout(desk, text, LOUD)
    record = Path(desk.store, "memo", "shout", f"{shout.key(desk, text, LOUD)}.json")
    for torn in (b"", b"{", b'{"stage": "shout"}', b"\x80\x04\x95"):
        record.write_bytes(torn)
        assert not shout.outcome(desk, text, LOUD).is_cached


def test_what_has_no_content_cannot_be_an_input(desk: Desk) -> None:
    with pytest.raises(TypeError, match="pass a record"):
        shout.key(desk, Path("/etc/hosts"), LOUD)  # type: ignore[arg-type]


def test_an_unreadable_store_is_an_error_not_a_recompute(desk: Desk) -> None:
    text = desk.open_store().put_bytes(b"hello", "text/plain")
    shout(desk, text, LOUD)
    record = Path(desk.store, "memo", "shout", f"{shout.key(desk, text, LOUD)}.json")
    record.unlink()
    record.mkdir()
    with pytest.raises(StoreUnavailable):
        shout.outcome(desk, text, LOUD)


def test_records_are_frozen_and_know_their_fields() -> None:
    with pytest.raises(ValidationError):
        Artifact(sha256="x", n_bytes=1, media_type="t", path="p")  # type: ignore[call-arg]


def test_a_killed_writer_leaves_no_artifact_and_its_scratch_is_swept(tmp_path: Path) -> None:
    script = textwrap.dedent(
        f"""
        import time
        from pathlib import Path
        from dub.store import Store
        store = Store(Path({str(tmp_path)!r}))
        with store.claim("work"), store.scratch() as folder:
            (folder / "half").write_bytes(b"half a file")
            print("ready", flush=True)
            time.sleep(60)
        """
    )
    writer = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    assert writer.stdout.readline() == "ready\n"
    Store(tmp_path)
    assert [path.name for path in (tmp_path / "scratch").rglob("half")], "a living process keeps its scratch"
    os.kill(writer.pid, signal.SIGKILL)
    writer.wait()
    store = Store(tmp_path)
    assert list((tmp_path / "scratch").iterdir()) == []
    assert not any((tmp_path / "cas").rglob("*"))
    with store.claim("work"):
        pass


def test_scratch_is_swept_wherever_in_its_life_its_holder_was_killed(tmp_path: Path) -> None:
    """A killed remover once left a folder without the lock that the sweep looked for: it stayed for ever."""
    script = textwrap.dedent(
        f"""
        import sys
        from pathlib import Path
        from dub.store import Store
        store = Store(Path({str(tmp_path)!r}))
        print("ready", flush=True)
        while True:
            with store.scratch() as folder:
                for name in "abc":
                    (folder / name).write_bytes(b"")
        """
    )
    for n in range(6):
        writer = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        time.sleep(0.01 + 0.0007 * n)
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()
    scratch = tmp_path / "scratch"
    (scratch / "unlocked").mkdir()
    (scratch / "unlocked" / "half").write_bytes(b"half a file")
    (scratch / "folderless.alive").write_bytes(b"")
    Store(tmp_path)
    assert list(scratch.iterdir()) == []
