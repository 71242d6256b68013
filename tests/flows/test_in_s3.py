"""A job whose source, scripts and results are objects of a real S3 server."""

from __future__ import annotations

from pathlib import Path

import pytest

from dub.bucket import Bucket
from dub.errors import BadInput, StoreRefused, Superseded
from dub.location import S3Url
from dub.plan import Job
from flows.dub_title import dub_title
from lang.bcp47 import Locale
from tests.flows.test_dub_title import TOY, script, talk  # noqa: F401  (fixtures)


@pytest.fixture
def job(bucket: S3Url, talk: Path, script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:  # noqa: F811
    monkeypatch.setenv("POLYDUB_HOME", str(tmp_path / "home"))
    Bucket(bucket.bucket).upload(talk, "in/talk.mp4")
    Bucket(bucket.bucket).upload(script, "in/talk.en.srt")
    return Job(
        source=bucket / "in/talk.mp4", targets=(Locale("es"),), out=bucket / "out", store=tmp_path / "store",
        profile=TOY, source_locale=Locale("en"), scripts={Locale("en"): bucket / "in/talk.en.srt"},
    )  # fmt: skip


def test_from_the_bucket_to_the_bucket(job: Job, bucket: S3Url) -> None:
    report = dub_title(job)
    assert report.html == bucket / "out/report.html"
    names = {stored.url.name for stored in Bucket(bucket.bucket).list("out/")}
    assert {"talk.es.mp4", "talk.es.srt", "talk.es.vtt", "talk.es.xlf", "talk.es.report.json", "report.html"} <= names


def test_what_is_not_there_or_not_ours_is_refused_before_any_work(job: Job, bucket: S3Url, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"source: there is no object s3://.*/in/gone.mp4"):
        dub_title(job.model_copy(update={"source": bucket / "in/gone.mp4"}))
    with pytest.raises(StoreRefused, match="no-such-bucket"):
        dub_title(job.model_copy(update={"out": S3Url("s3://no-such-bucket/out")}))
    with pytest.raises(Superseded, match="replaced"):
        dub_title(job.model_copy(update={"source_etag": "another"}))
    assert not (tmp_path / "store").exists()
