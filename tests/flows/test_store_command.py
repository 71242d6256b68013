"""`polydub store ls | gc`, as a person types them."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from dub import ledger
from dub.artifact import Artifact, Record
from dub.stage import Desk, stage
from flows.cli import EXIT_BAD_INPUT, EXIT_OK, main
from flows.store_command import duration


class Text(Record):
    text: Artifact


@stage(version=1)
def shout(desk: Desk, text: Artifact) -> Text:
    store = desk.open_store()
    return Text(text=store.put_bytes(store.read_bytes(text).upper(), "text/plain"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with two titles, made two days ago; the first was used two months ago."""
    monkeypatch.setenv("POLYDUB_HOME", str(tmp_path / "home"))
    folder = tmp_path / "store"
    ledger._ledgers.cache_clear()
    for title, age_s in (("first", 60 * 86400), ("second", 0)):
        desk = Desk(store=str(folder), title=title)
        with desk.at_work():
            shout(desk, desk.open_store().put_bytes(title.encode() * 1000, "text/plain"))
        [written] = folder.glob(f"titles/{title}-*/*.json")
        os.utime(written, (time.time() - age_s,) * 2)
    for path in [*folder.glob("cas/*/*"), *folder.glob("memo/*/*")]:
        os.utime(path, (time.time() - 2 * 86400,) * 2)
    monkeypatch.setattr("dub.store_gc.SETTLE_S", 0.0)
    return folder


def files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


def test_ls_tells_titles_sizes_and_ages(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["store", "ls", "--store", str(folder)]) == EXIT_OK
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["first", "60", "d", "ago", "1", "1", "2", "10.0", "kB"] in rows
    assert ["second", "just", "now", "1", "1", "2", "12.0", "kB"] in rows


def test_gc_says_what_it_would_do_and_does_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = files(folder)
    assert main(["store", "gc", "--store", str(folder), "--dry-run"]) == EXIT_OK
    told = capsys.readouterr().out
    assert "1 memo records, 2 artifacts, 10.0 kB would go" in told
    assert "first" in told
    assert "second" not in told
    assert files(folder) == before
    assert main(["store", "gc", "--store", str(folder)]) == EXIT_OK
    assert "1 memo records, 2 artifacts, 10.0 kB removed" in capsys.readouterr().out
    assert len(before) - len(files(folder)) == 4, "a record, two artifacts and a ledger"
    assert main(["store", "gc", "--store", str(folder), "--title", "second"]) == EXIT_OK
    assert not files(folder)
    assert main(["store", "ls", "--store", str(folder)]) == EXIT_OK
    assert "empty" in capsys.readouterr().out


def test_what_cannot_be_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["store", "gc", "--store", str(folder), "--title", "third"]) == EXIT_BAD_INPUT
    assert "no title 'third'" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["store", "gc", "--older-than", "soon"])
    assert [duration(text) for text in ("45m", "12h", "30d")] == [2700, 43200, 2592000]
