"""Manifests of every kind, and every error of one told at once."""

from __future__ import annotations

from pathlib import Path

import pandas
import pytest

from dub.bucket import Bucket
from dub.errors import BadInput
from dub.location import S3Url
from dub.manifest import Batch, ManifestTitle, read_manifest
from lang.bcp47 import Locale

ES, PT = Locale("es"), Locale("pt-BR")


def read(manifest: Path | S3Url, out: Path | S3Url = Path("/dubs"), **more: object) -> tuple[ManifestTitle, ...]:
    return read_manifest(Batch(manifest=manifest, out=out, **more))  # type: ignore[arg-type]


def csv(folder: Path, text: str) -> Path:
    path = folder / "talks.csv"
    path.write_text(text, "utf-8")
    return path


def test_a_row_is_a_job(tmp_path: Path) -> None:
    manifest = csv(
        tmp_path,
        "source,to,title,from,speakers,scripts,glossary,out,profile\n"
        "talks/pump.mp4,es;pt-BR,Pump,en,2,es=pump.es.srt; pt-BR=/given/pump.pt.srt,terms.csv,,\n"
        "\n"
        's3://films/valve.mov,"es, pt-BR",,,,,,special/valve,mine.toml\n',
    )
    pump, valve = read(manifest, profile="studio", store="/store")
    assert (pump.row, valve.row) == (2, 4), "as a spreadsheet counts"
    assert pump.job.source == tmp_path / "talks/pump.mp4"
    assert (pump.job.targets, pump.job.title, pump.job.source_locale) == ((ES, PT), "Pump", "en")
    assert (pump.job.n_speakers, pump.job.profile, pump.job.store) == (2, "studio", Path("/store"))
    assert pump.job.scripts == {ES: tmp_path / "pump.es.srt", PT: Path("/given/pump.pt.srt")}
    assert pump.job.glossary == tmp_path / "terms.csv"
    assert pump.job.out == Path("/dubs/Pump")
    assert (valve.job.source, valve.name, valve.job.targets) == (S3Url("s3://films/valve.mov"), "valve", (ES, PT))
    assert (valve.job.out, valve.job.profile) == (Path("/dubs/special/valve"), str(tmp_path / "mine.toml"))


@pytest.mark.parametrize("text", ["\ufeffsource;to\na.mp4;es,pt-BR\n", "source\tto\r\na.mp4\tes pt-BR\r\n"])
def test_what_spreadsheets_write(text: str, tmp_path: Path) -> None:
    [title] = read(csv(tmp_path, text))
    assert title.job.targets == (ES, PT)


def test_parquet_with_lists_numbers_and_gaps(tmp_path: Path) -> None:
    table = pandas.DataFrame(
        {
            "source": ["a.mp4", "b.mp4"],
            "to": [["es", "pt-BR"], ["es"]],
            "speakers": [2.0, float("nan")],
            "scripts": [None, {"es": "b.es.srt"}],
        }
    )
    table.to_parquet(tmp_path / "talks.parquet")
    first, second = read(tmp_path / "talks.parquet")
    assert (first.job.targets, first.job.n_speakers, first.job.scripts) == ((ES, PT), 2, {})
    assert (second.job.n_speakers, second.job.scripts) == (None, {ES: tmp_path / "b.es.srt"})


def test_every_video_of_a_folder(tmp_path: Path) -> None:
    for name in ("b.mp4", "old/b.mov", "notes.txt", ".hidden/c.mp4", "._d.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    titles = read(tmp_path, targets=(ES,))
    assert [(title.name, title.job.out) for title in titles] == [("b", Path("/dubs/b")), ("b", Path("/dubs/old/b"))]
    with pytest.raises(BadInput, match="be dubbed the next time"):
        read(tmp_path, tmp_path / "dubs", targets=(ES,))
    (tmp_path / "b.mkv").touch()
    with pytest.raises(BadInput, match=r"b\.mp4: its results would lie in the folder of .*b\.mkv"):
        read(tmp_path, targets=(ES,))


def test_a_prefix_and_a_manifest_in_s3(bucket: S3Url) -> None:
    there = Bucket(bucket.bucket)
    for key in ("in/a.mp4", "in/spring/b.mov", "in/spring/notes.txt", "inner/c.mp4"):
        there.write_bytes(key, b"x")
    titles = read(bucket / "in", bucket / "out", targets=(ES,))
    assert [title.job.source for title in titles] == [bucket / "in/a.mp4", bucket / "in/spring/b.mov"]
    assert [title.job.out for title in titles] == [bucket / "out/a", bucket / "out/spring/b"]
    there.write_bytes("in/talks.csv", b"source,to,scripts\na.mp4,es,es=a.es.srt\n")
    [title] = read(bucket / "in/talks.csv", bucket / "in")
    assert (title.job.source, title.job.scripts[ES]) == (bucket / "in/a.mp4", bucket / "in/a.es.srt")
    with pytest.raises(BadInput, match="no manifest"):
        read(bucket / "in/gone.csv")
    with pytest.raises(BadInput, match="no video"):
        read(bucket / "nothing", bucket / "out", targets=(ES,))


def test_every_error_at_once_with_row_column_and_mend(tmp_path: Path) -> None:
    manifest = csv(
        tmp_path,
        "source,to,title,speakers,scripts\n"
        "a.mp4,Klingonese,a,none,es:a.srt\n"
        ",es,b,,\n"
        "c.mp4,,../c,,\n"
        "https://example.org/d.mp4,es es,d,,\n"
        "e.mp4,es,same,,\n"
        "f.mp4,es,Same,,\n",
    )
    with pytest.raises(BadInput) as refusal:
        read(manifest)
    told = str(refusal.value)
    assert "9 errors; nothing was started" in told
    for expected in (
        "row 2, column to: ", "row 2, column speakers: 'none' is no number of people; give 1 or more",
        "row 2, column scripts: 'es:a.srt' is not LOCALE=FILE; for example", "row 3, column source: is empty",
        "row 4, column title: '../c' cannot be part of a file name", "row 5, column source: ",
        "row 4, column to: names no language", "row 5, column to: ",
        "row 7, column title: its results would lie in the folder of row 6; give each a title",
    ):  # fmt: skip
        assert expected in told
    assert told.index("row 2") < told.index("row 3") < told.index("row 7")


def test_no_more_than_fifty_are_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as refusal:
        read(csv(tmp_path, "source,to\n" + "a.mp4,\n" * 70))
    assert str(refusal.value).count("column to") == 50
    assert "and 20 more" in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("sorce,to\na.mp4,es\n", "no column `source`"),
        ("source,to,tilte\na.mp4,es,A\n", "did you mean 'title'"),
        ("source,to,store\na.mp4,es,/tmp\n", "column store: there is no such column"),
        ("source,to\na.mp4,es,pt-BR\n", "more cells than the first row"),
        ("source,to,to\na.mp4,es,es\n", "twice"),
        ('source,to\n"a.mp4,es\n', "is no CSV"),
        ("source,to\n", "has no row"),
        ("", "no column `source`"),
        ("source,to,source_etag,nothing\na.mp4,es,abc,\n", ""),
    ],
)
def test_a_table_that_is_wrong_as_a_whole(text: str, reason: str, tmp_path: Path) -> None:
    manifest = csv(tmp_path, text)
    if not reason:
        assert read(manifest)[0].job.source_etag == "abc"
        return
    with pytest.raises(BadInput, match=reason):
        read(manifest)


def test_places_that_are_no_manifest(tmp_path: Path) -> None:
    (tmp_path / "talks.xlsx").touch()
    (tmp_path / "talks.parquet").write_bytes(b"PAR1 and no more")
    (tmp_path / "latin.csv").write_bytes("source,to\naño.mp4,es\n".encode("latin-1"))
    for name, reason in {
        "talks.xlsx": "neither a table nor a folder", "gone": "does not exist", "gone.csv": "cannot read",
        "talks.parquet": "no Parquet file", "latin.csv": "not UTF-8",
    }.items():  # fmt: skip
        with pytest.raises(BadInput, match=reason):
            read(tmp_path / name)
