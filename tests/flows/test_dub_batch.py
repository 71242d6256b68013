"""A batch on toy engines: what is done by content, what is redone, what fails alone, what is told at the end."""

from __future__ import annotations

import csv
import json
import os
import re
from pathlib import Path

import pytest

from dub.bucket import Bucket, s3_client
from dub.errors import BadInput
from dub.finding import Level
from dub.location import S3Url
from dub.manifest import Batch
from flows.batch_summary import page_of, publish_summary
from flows.cli import main
from flows.dub_batch import BatchReport, dub_batch, plan_batch
from tests.flows.toy_titles import memo_of, toy_manifest, toy_profile, write_script


@pytest.fixture
def batch(tmp_path: Path) -> Batch:
    films = tmp_path / "films"
    films.mkdir()
    return Batch(
        manifest=toy_manifest(films, 2),
        out=tmp_path / "dubs",
        profile=str(toy_profile(films)),
        store=tmp_path / "store",
    )


def status(report: BatchReport) -> dict[str, tuple[str, str]]:
    return {title.title: (title.status, title.verdict.value) for title in report.titles}


@pytest.mark.slow
def test_only_what_changed_is_redone(batch: Batch, tmp_path: Path) -> None:
    films, store = Path(batch.manifest).parent, tmp_path / "store"
    first = dub_batch(batch)
    assert status(first) == {"talk1": ("new", "degraded"), "talk2": ("new", "degraded")}, first.titles[0].outcomes
    assert not list((tmp_path / "dubs").rglob(".*")), "no half-written file is left"
    done = (tmp_path / "dubs/talk2/talk2.done.json").stat().st_mtime_ns
    memo = memo_of(store)

    again = dub_batch(batch)
    assert status(again) == {"talk1": ("unchanged", "degraded"), "talk2": ("unchanged", "degraded")}
    assert memo_of(store) == memo
    assert again.titles[0].outcomes == first.titles[0].outcomes, "what was found then is told now"

    write_script(films, "talk1", "es", ("Buenos días a todas.", "Esto es una bomba."))
    assert [(each.status, each.why) for each in plan_batch(batch)] == [
        ("changed", "es script"), ("unchanged", f"done {_finished(tmp_path / 'dubs/talk2/talk2.done.json')}"),
    ]  # fmt: skip
    changed = dub_batch(batch)
    assert status(changed) == {"talk1": ("changed", "degraded"), "talk2": ("unchanged", "degraded")}
    worked = memo_of(store)
    assert {name: worked[name] for name in memo} == memo, "finished work was redone"
    redone = {name.split("/")[1] for name in worked.keys() - memo.keys()}
    assert {"speak", "mix", "remux", "review"} <= redone
    assert not redone & {"ingest", "separate", "diarize", "track_faces", "build_mouth_bank", "enroll", "preview"}
    n_new = [name.split("/")[1] for name in worked.keys() - memo.keys()].count("speak")
    assert n_new == 1, "one language of one title"
    assert (tmp_path / "dubs/talk2/talk2.done.json").stat().st_mtime_ns == done

    (tmp_path / "dubs/talk2/talk2.es.mp4").unlink()
    os.utime(films / "talk1.mp4")
    assert [(each.status, each.why) for each in plan_batch(batch)] == [
        ("changed", "source"), ("incomplete", "no longer there: talk2.es.mp4"),
    ]  # fmt: skip
    memo = memo_of(store)
    dub_batch(batch)
    assert (tmp_path / "dubs/talk2/talk2.es.mp4").is_file()
    assert memo_of(store) == memo, "the same bytes under a newer date cost no work"


def _finished(marker: Path) -> str:
    return str(json.loads(marker.read_text())["finished"])


@pytest.mark.slow
def test_what_fails_fails_alone_and_the_summary_says_so(batch: Batch, tmp_path: Path) -> None:
    """A source that is gone, one that is no video, a language whose script is for another film."""
    films = Path(batch.manifest).parent
    (films / "notes.mp4").write_text("this is not a video")
    rows = Path(batch.manifest).read_text().splitlines()
    Path(batch.manifest).write_text("\n".join([*rows, "gone.mp4,,es,en", "notes.mp4,,es,en"]) + "\n")
    (films / "talk2.es.srt").write_text("1\n00:00:09,000 --> 00:00:10,000\nfuera de la película\n")
    report = dub_batch(batch)
    assert status(report) == {
        "talk1": ("new", "degraded"), "talk2": ("new", "failed"),
        "gone": ("broken", "failed"), "notes": ("new", "failed"),
    }  # fmt: skip
    by_locale = {end.locale: end.verdict for end in report.titles[1].outcomes}
    assert by_locale == {"es": Level.FAILED, "es-419": Level.DEGRADED}
    assert "gone.mp4" in report.titles[2].outcomes[0].reasons[0]
    markers = {path.name for path in (tmp_path / "dubs").rglob("*.done.json")}
    assert markers == {"talk1.done.json"}, "what failed is not done"
    assert [each.status for each in plan_batch(batch)] == ["unchanged", "new", "broken", "new"]

    page = publish_summary(report)
    assert page == page_of(report)
    text = page.read_text()
    assert text.index("3 of 4 titles failed") < text.index("talk2/report.html") < text.index("talk1/report.html")
    assert not re.search(r'(src|href)="(https?:)?//', text), "nothing is fetched from the network"
    with page.with_suffix(".csv").open(encoding="utf-8-sig") as table:
        rows = {(row["title"], row["locale"]): row for row in csv.DictReader(table)}
    assert len(rows) == 6
    assert rows["talk1", "es"]["verdict"] == "degraded"
    assert float(rows["talk1", "es"]["minutes"]) == pytest.approx(2.5 / 60, abs=0.002)
    assert float(rows["talk1", "es"]["work_s"]) > 0
    assert BatchReport.model_validate_json(page.with_suffix(".json").read_text()) == report


def test_a_manifest_that_no_plan_can_do_is_refused_as_a_whole(batch: Batch, tmp_path: Path) -> None:
    Path(batch.manifest).write_text(
        "source,to,from,profile,scripts,title\n"
        "talk1.mp4,es,en,,,a\ntalk1.mp4,es,en,studioo,,b\ntalk1.mp4,ka,en,,,c\n"
        "talk1.mp4,en-GB,en,,,d\ntalk1.mp4,es,en,,fr=talk1.es.srt,e\n"
    )
    with pytest.raises(BadInput) as refusal:
        dub_batch(batch)
    told = str(refusal.value)
    assert "4 errors; nothing was started" in told
    for expected in (
        "row 3, column profile: there is no profile 'studioo'; use one of", "row 4, column to: ",
        "row 5, column to: the target en-GB is the source's own language",
        "row 6, column scripts: a script was given for fr",
    ):  # fmt: skip
        assert expected in told
    assert not (tmp_path / "dubs").exists()
    assert not (tmp_path / "store").exists()


@pytest.mark.slow
def test_from_a_manifest_in_s3_to_a_prefix(bucket: S3Url, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLYDUB_HOME", str(tmp_path / "home"))
    toy_manifest(tmp_path, 1, ("es",))
    there = Bucket(bucket.bucket)
    for path in tmp_path.glob("talk*"):
        there.upload(path, f"in/{path.name}")
    batch = Batch(
        manifest=bucket / "in/talks.csv",
        out=bucket / "dubs",
        profile=str(toy_profile(tmp_path)),
        store=tmp_path / "store",
    )
    report = dub_batch(batch)
    assert status(report) == {"talk1": ("new", "degraded")}, report.titles[0].outcomes
    page = publish_summary(report)
    assert {page.name, page.name.replace(".html", ".csv")} <= {stored.url.name for stored in there.list("dubs/")}
    assert [each.status for each in plan_batch(batch)] == ["unchanged"]
    there.write_bytes("in/talk1.es.srt", (tmp_path / "talk1.es.srt").read_bytes() + b"\n")
    assert [(each.status, each.why) for each in plan_batch(batch)] == [("changed", "es script")]
    there.upload(tmp_path / "talk1.es.srt", "in/talk1.es.srt")
    assert [each.status for each in plan_batch(batch)] == ["unchanged"], "content counts, not the time"
    s3_client().delete_object(Bucket=bucket.bucket, Key="dubs/talk1/talk1.es.vtt")
    assert [(each.status, each.why) for each in plan_batch(batch)] == [("incomplete", "no longer there: talk1.es.vtt")]


@pytest.mark.slow
def test_the_command(batch: Batch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [str(batch.manifest), "--out", str(batch.out), "--profile", batch.profile, "--store", str(batch.store)]
    assert main(["batch", *arguments, "--dry-run"]) == 0
    told = capsys.readouterr().out
    assert "2 of 2 titles would run; nothing was started" in told
    assert "not done yet" in told
    assert not (tmp_path / "dubs").exists()
    assert main(["batch", *arguments]) == 0
    assert "2 of 2 titles need a look. Titles: 2 new." in capsys.readouterr().out
    assert len(list((tmp_path / "dubs").glob("batch-*"))) == 3
    (tmp_path / "films/talk2.mp4").unlink()
    assert main(["batch", *arguments]) == 1
    assert "1 of 2 titles failed. Titles: 1 unchanged, 1 broken." in capsys.readouterr().out
    assert main(["batch", str(tmp_path / "nothing.csv")]) == 2
