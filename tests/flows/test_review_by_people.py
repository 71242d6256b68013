"""Approval before speech: a run that stops, a table that goes out and comes back, a run that goes on."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from dub.artifact import sha256_of
from dub.bucket import Bucket
from dub.location import S3Url
from dub.plan import Job
from flows.cli import EXIT_AWAITS_APPROVAL, EXIT_BAD_INPUT, EXIT_DUB_FAILED, EXIT_OK, exit_code, main
from flows.dub_title import dub_title
from flows.publish import published_text
from lang.bcp47 import Locale
from tests.flows.test_dub_title import script, talk  # noqa: F401  (fixtures)
from tests.flows.test_redub import copied, memo, toy_job


@pytest.fixture(scope="module")
def stopped_once(talk: Path, script: Path, tmp_path_factory: pytest.TempPathFactory) -> Job:  # noqa: F811
    """Two languages that wait for approval."""
    folder = tmp_path_factory.mktemp("stopped")
    job = toy_job(talk, script, folder).model_copy(update={"approval": True})
    assert exit_code(dub_title(job)) == EXIT_AWAITS_APPROVAL
    return job


@pytest.fixture
def stopped(stopped_once: Job, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Job:
    """For one test alone, which works in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return copied(stopped_once, tmp_path)


def edit(table: Path, change: Callable[[dict[str, str]], object]) -> Path:
    """Every row of a CSV changed, as by somebody with a spreadsheet."""
    rows = list(csv.DictReader(io.StringIO(table.read_text("utf-8-sig"))))
    for row in rows:
        change(row)
    with table.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return table


def polydub(command: str, job: Job, *options: str) -> int:
    return main([command, "talk", *options, "--out", str(job.out)])


def approve_es(row: dict[str, str]) -> None:
    if row["locale"] == "es":
        row.update(approved="yes", approved_by="Ann")


def test_it_stops_after_translation_and_says_so_everywhere(stopped: Job) -> None:
    names = {path.name for path in stopped.out.iterdir()}
    assert {"talk.es.xlf", "talk.es.script.json", "talk.translations.csv", "talk.job.json", "report.html"} <= names
    assert not [name for name in names if name.endswith((".es.mp4", ".es.srt"))]
    assert not {"speak", "fit", "mix", "lipsync", "remux", "review"} & set(memo(stopped))
    assert json.loads((stopped.out / "talk.es.report.json").read_text())["verdict"] == "awaiting approval"
    assert (stopped.out / "report.csv").read_text("utf-8-sig").count("awaiting approval") == 2
    page = (stopped.out / "report.html").read_text()
    assert "2 languages: 2 await approval" in page
    assert "2 of 2 lines are not approved as they stand" in page


def test_what_is_approved_is_spoken_and_the_rest_goes_on_waiting(stopped: Job, tmp_path: Path) -> None:
    assert polydub("export", stopped, "--to", "mine.csv") == EXIT_OK

    def change(row: dict[str, str]) -> None:
        approve_es(row)
        if (row["locale"], row["line"]) == ("es", "u0002"):
            row["translation"] = "Esta es una bomba."

    before = memo(stopped)
    assert polydub("import", stopped, str(edit(tmp_path / "mine.csv", change))) == EXIT_OK
    report = dub_title(stopped)
    assert {outcome.locale: outcome.ending for outcome in report.outcomes} == {
        Locale("es"): "failed", Locale("fr"): "awaiting approval",  # a toy's voice always fails
    }  # fmt: skip
    lines = json.loads((stopped.out / "talk.es.script.json").read_text())["lines"]
    assert [line["text"] for line in lines] == ["⟦es⟧ Good morning everybody.", "Esta es una bomba."]
    assert (stopped.out / "talk.es.mp4").is_file()
    assert not (stopped.out / "talk.fr.mp4").exists()
    now = memo(stopped)
    assert now["translate"] == before["translate"], "nothing is translated again"
    assert now["enroll"] == before["enroll"], "the source's work is done"
    assert len(now["speak"]) == 1
    assert 'state="final"' in (stopped.out / "talk.es.xlf").read_text()


def test_xliff_goes_out_and_comes_back_and_all_can_go_on_at_once(stopped: Job, tmp_path: Path) -> None:
    assert polydub("export", stopped, "--format", "xliff") == EXIT_OK
    for locale in ("es", "fr"):
        file = tmp_path / f"talk.{locale}.xlf"
        file.write_text(file.read_text().replace('state="translated"', 'state="final"'))
    code = polydub("import", stopped, "talk.es.xlf", "talk.fr.xlf", "--dub")
    assert code == EXIT_DUB_FAILED, "both were spoken, by toys"
    assert (stopped.out / "talk.es.mp4").is_file()
    assert (stopped.out / "talk.fr.mp4").is_file()


def test_a_line_that_is_reworded_after_its_approval_waits_again(stopped: Job, tmp_path: Path) -> None:
    assert polydub("export", stopped, "--to", "mine.csv") == EXIT_OK
    assert polydub("import", stopped, str(edit(tmp_path / "mine.csv", approve_es)), "--dub") == EXIT_DUB_FAILED
    line = ("--locale", "es", "--line", "1", "--text", "Buenos días a todos.")
    assert polydub("redub", stopped, *line) == EXIT_AWAITS_APPROVAL
    assert polydub("redub", stopped, *line, "--by", "Bo") == EXIT_DUB_FAILED, "spoken"


def test_an_import_is_all_or_nothing_and_says_what_changed(
    stopped: Job, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert polydub("export", stopped, "--locale", "es", "--to", "good.csv") == EXIT_OK
    assert polydub("export", stopped, "--locale", "fr", "--to", "bad.csv") == EXIT_OK
    good = edit(tmp_path / "good.csv", approve_es)
    bad = edit(tmp_path / "bad.csv", lambda row: row.update(line=row["line"].replace("u0002", "u0020")))
    assert polydub("import", stopped, str(good), str(bad)) == EXIT_BAD_INPUT
    assert "bad.csv, row 3, column line: the title has no line 'u0020'" in capsys.readouterr().err
    assert not (stopped.out / "talk.corrections.json").exists()
    assert polydub("import", stopped, str(good)) == EXIT_OK
    assert "es: 2 approved (u0001, u0002)" in capsys.readouterr().out
    digest = sha256_of(stopped.out / "talk.corrections.json")
    assert polydub("export", stopped, "--locale", "es", "--to", "good.csv") == EXIT_OK
    assert polydub("import", stopped, "good.csv") == EXIT_OK
    assert "2 rows: nothing has changed" in capsys.readouterr().out
    assert sha256_of(stopped.out / "talk.corrections.json") == digest


def test_what_cannot_be_exported_or_imported_is_refused(
    stopped: Job, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "table.xlsx").write_bytes(b"PK")
    (tmp_path / "talk.translations.csv").write_text("somebody's work")
    for command, options, said in (
        ("export", ["--locale", "de"], "talk is not dubbed into de; its locales are es, fr"),
        ("export", ["--format", "xliff", "--to", "one.xlf"], "XLIFF has one per language"),
        ("export", [], "talk.translations.csv is there already"),
        ("import", ["table.xlsx"], "table.xlsx is no table"),
        ("import", ["nothing.csv"], "cannot read nothing.csv"),
    ):
        assert polydub(command, stopped, *options) == EXIT_BAD_INPUT, command
        assert said in capsys.readouterr().err.replace("\n  mend: ", "; ")
    assert (tmp_path / "talk.translations.csv").read_text() == "somebody's work"


def test_prefect_names_the_state(prefect_server: str, stopped: Job) -> None:
    from flows.deployed import dub_title_flow

    state = dub_title_flow(stopped.model_copy(update={"granularity": "locale"}), return_state=True)
    assert (state.type.value, state.name) == ("COMPLETED", "AwaitingApproval")


def test_a_titles_files_may_be_objects_in_s3(
    bucket: S3Url, stopped: Job, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("POLYDUB_HOME", str(tmp_path / "home"))
    job = stopped.model_copy(update={"out": bucket / "out"})
    assert exit_code(dub_title(job)) == EXIT_AWAITS_APPROVAL
    assert polydub("export", job, "--to", "mine.csv") == EXIT_OK
    edit(tmp_path / "mine.csv", lambda row: row.update(approved="yes"))
    Bucket(bucket.bucket).upload(tmp_path / "mine.csv", "back/mine.csv")
    assert polydub("import", job, f"{bucket}/back/mine.csv", "--dub") == EXIT_DUB_FAILED, "spoken, by toys"
    line = ("--locale", "es", "--line", "2", "--text", "Esta es una bomba.", "--by", "Ann")
    assert polydub("redub", job, *line) == EXIT_DUB_FAILED
    names = {stored.url.name for stored in Bucket(bucket.bucket).list("out/")}
    assert {"talk.job.json", "talk.corrections.json", "talk.es.mp4", "talk.fr.mp4"} <= names
    assert "Esta es una bomba." in (published_text(bucket / "out/talk.es.script.json") or "")
