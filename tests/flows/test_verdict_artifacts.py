"""What Prefect's server keeps of a run's end: numbers and names of checks, links that open, no words of a finding."""

from __future__ import annotations

import re
import urllib.request
from pathlib import Path

from dub.bucket import Bucket
from dub.effort import Effort
from dub.finding import Finding, Level
from dub.location import S3Url
from flows.outcome import LocaleOutcome, RunReport
from flows.verdict_artifacts import MOST_PICTURES, mouths_page, verdict_rows
from lang.bcp47 import Locale

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
