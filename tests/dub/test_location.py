"""Where a user's file is: paths and s3:// alike, and what neither may say."""

from __future__ import annotations

from pathlib import Path

import pytest

from dub.errors import BadInput
from dub.location import S3Url, absolute, located
from dub.plan import Job


def test_a_url_is_named_and_joined_like_a_path() -> None:
    url = S3Url("s3://media/talks/de/keynote.mp4")
    assert (url.bucket, url.key) == ("media", "talks/de/keynote.mp4")
    assert (url.name, url.stem, url.suffix) == ("keynote.mp4", "keynote", ".mp4")
    assert url.parent / "cast.toml" == "s3://media/talks/de/cast.toml"
    assert S3Url("s3://media/") / "a.mp4" == "s3://media/a.mp4"
    assert S3Url("s3://media/dubs/") == "s3://media/dubs"


def test_a_job_in_json_keeps_both_kinds_apart(tmp_path: Path) -> None:
    given = {
        "source": "s3://media/talk.mp4",
        "targets": ["es"],
        "out": str(tmp_path),
        "scripts": {"en": "s3://b-b/x.srt"},
    }
    job = Job.model_validate(given)
    assert isinstance(job.source, S3Url)
    assert isinstance(job.out, Path)
    assert Job.model_validate_json(job.model_dump_json()) == job
    assert job.model_dump(mode="json")["scripts"] == {"en": "s3://b-b/x.srt"}
    assert Job.model_json_schema()["properties"]["source"]["type"] == "string"


def test_a_path_that_swallowed_a_slash_is_still_a_url() -> None:
    assert located(Path("s3://media/talk.mp4")) == "s3://media/talk.mp4"
    assert absolute("talk.mp4") == Path("talk.mp4").absolute()


@pytest.mark.parametrize(
    "wrong", ["s3://", "s3://UPPER/x", "s3://media/../other/x", "s3://media/a//b", "s3://media/a\nb", "https://x/y.mp4"]
)
def test_what_names_no_object_is_refused(wrong: str) -> None:
    with pytest.raises(BadInput):
        located(wrong)
