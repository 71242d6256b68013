"""What Prefect's server keeps of a run's end: numbers and names of checks, links that open, no words of a finding."""

from __future__ import annotations

import re
import urllib.request
from pathlib import Path

from dub.bucket import Bucket
from dub.effort import Effort
from dub.finding import Finding, Level
from dub.location import S3Url
from flows.dub_batch import BatchReport, TitleOutcome
from flows.heat_artifacts import MOST_ROWS, batch_heat, run_heat
from flows.outcome import LocaleOutcome, RunReport
from flows.verdict_artifacts import MOST_PICTURES, mouths_page, tell_verdicts, verdict_rows
from lang.bcp47 import Locale
from lang.registry import languages

ES = Locale("es")
WORST = Finding(
    level=Level.FAILED, check="word_error", message="quoted words", value=0.5, limit=0.2, utterance_id="u0001"
)


def report_in(out: Path | S3Url, n: int = 1) -> RunReport:
    outcome = LocaleOutcome(
        locale=ES,
        verdict=Level.FAILED,
        worst=WORST,
        files=("talk.es.mp4",),
        mouths="talk.es.mouths.svg",
        effort=Effort(output_s=60, own_s=90, own_cost=0.002, currency="USD"),
    )
    return RunReport(title="talk", outcomes=(outcome,) * n, html=out / "report.html")


def test_a_row_has_numbers_and_no_words_of_the_finding(tmp_path: Path) -> None:
    [row] = verdict_rows(report_in(tmp_path))
    assert row["worst finding"].endswith(", line u0001: 0.5, limit 0.2")
    assert "quoted" not in str(row)
    assert (row["video"], row["work"], row["cost"]) == ("60.0 s", "90.0 s", "0.0020 USD")
    assert row["file"] == f"`{tmp_path / 'talk.es.mp4'}`"


def test_every_row_has_the_same_columns(tmp_path: Path) -> None:
    bare = LocaleOutcome(locale=ES, verdict=Level.OK)
    full = report_in(tmp_path)
    rows = verdict_rows(full.model_copy(update={"outcomes": (bare, *full.outcomes)}))
    assert rows[0].keys() == rows[1].keys(), "the page shows the first row's columns"
    assert (rows[0]["worst finding"], rows[0]["cost"], rows[0]["file"]) == ("–", "–", "–")


def test_pictures_in_a_folder_are_named_and_those_in_s3_open_by_their_link(tmp_path: Path, bucket: S3Url) -> None:
    assert f"`{tmp_path / 'talk.es.mouths.svg'}`" in mouths_page(report_in(tmp_path))
    Bucket(bucket.bucket).write_bytes("out/talk.es.mouths.svg", b"<svg/>", "image/svg+xml")
    page = mouths_page(report_in(bucket / "out"))
    [link] = re.findall(r"!\[es\]\((http\S+)\)", page)
    with urllib.request.urlopen(link, timeout=10) as answer:
        assert (answer.read(), answer.headers["Content-Type"]) == (b"<svg/>", "image/svg+xml")


def test_a_page_of_140_languages_stays_small(tmp_path: Path) -> None:
    page = mouths_page(report_in(tmp_path, n=140))
    assert page.count("### ") == MOST_PICTURES
    assert f"{140 - MOST_PICTURES} more" in page
    assert "no pictures" in mouths_page(RunReport(title="talk", outcomes=(), html=tmp_path / "report.html"))


def test_languages_by_checks_are_the_ones_that_are_not_ok_the_worst_first(tmp_path: Path) -> None:
    fine = LocaleOutcome(locale=Locale("ca"), verdict=Level.OK)
    look = LocaleOutcome(locale=Locale("fr"), verdict=Level.DEGRADED, bad_checks={"overrun": Level.DEGRADED})
    bad = LocaleOutcome(
        locale=ES, verdict=Level.FAILED, worst=WORST,
        bad_checks={"word_error": Level.FAILED, "overrun": Level.DEGRADED},
    )  # fmt: skip
    table = run_heat(RunReport(title="talk", outcomes=(fine, look, bad), html=tmp_path / "report.html")).splitlines()
    assert table[:5] == [
        "| language | verdict | `Speech beyond its slot` | `Words misheard when a recogniser listens to the dub` |",
        "| --- | --- | --- | --- |",
        "| `es` | failed | ! | ✕ |",
        "| `fr` | degraded | ! |  |",
        "| `ca` | ok |  |  |",
    ]
    assert "quoted" not in "".join(table)


def test_a_batch_of_any_size_is_cut_and_says_so_and_a_title_is_no_markup(tmp_path: Path) -> None:
    locales = [Locale(tag) for tag in sorted(languages())[:40]]
    fine, *bad = locales
    ends = (
        LocaleOutcome(locale=fine, verdict=Level.OK),
        *(LocaleOutcome(locale=each, verdict=Level.DEGRADED) for each in bad),
    )
    one = TitleOutcome(title="a | `b` \n**c**", status="new", why="", out=tmp_path / "a", outcomes=ends)
    report = BatchReport(
        manifest=tmp_path / "talks.csv", out=tmp_path, started="2026-03-01", ended="2026-03-01", titles=(one,) * 200
    )
    table = batch_heat(report).splitlines()
    assert table[2].startswith("| `a \\| 'b' **c**` | degraded | ! |")
    assert f"`{fine}`" not in table[0], "a language that is ok in every title is no column"
    assert len(table) == 2 + MOST_ROWS + 2
    assert table[-1].endswith(". 50 more titles left out. 9 more columns left out.")


def test_prefects_server_keeps_the_map_of_a_run(prefect_server: str, tmp_path: Path) -> None:
    from prefect import flow
    from prefect.artifacts import Artifact

    @flow(name="tells verdicts", persist_result=False)
    def told() -> None:
        tell_verdicts(
            report_in(tmp_path).model_copy(update={"outcomes": (LocaleOutcome(locale=ES, verdict=Level.OK),)})
        )

    told()
    kept = Artifact.get("heat-map")
    assert kept is not None
    assert str(kept.data).startswith("| language | verdict |\n| --- | --- |\n| `es` | ok |\n")
