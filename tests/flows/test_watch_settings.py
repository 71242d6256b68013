"""watch.toml: what is watched, where results go, and the configurations that would run for ever."""

from __future__ import annotations

from pathlib import Path

import pytest

from dub.errors import BadInput
from dub.location import S3Url
from flows.watch_settings import WatchSettings, read_watch_settings


def read(folder: Path, text: str) -> WatchSettings:
    (folder / "watch.toml").write_text(text)
    return read_watch_settings(folder / "watch.toml")


def watch(uploads: str, out: str) -> str:
    return f'[[watch]]\nuploads = "{uploads}"\nout = "{out}"\n'


def test_titles_have_folders_of_their_own(tmp_path: Path) -> None:
    settings = read(tmp_path, watch("s3://studio/masters", "s3://dubs/out"))
    for key, out in {
        "masters/talk.mp4": "s3://dubs/out/talk",
        "masters/acme/talk.mov": "s3://dubs/out/acme/talk",
        "masters/acme/2026/talk.v2.MP4": "s3://dubs/out/acme/2026/talk.v2",
    }.items():
        url = S3Url(f"s3://studio/{key}")
        prefix = settings.prefix_of(url)
        assert prefix is not None
        assert prefix.is_video(url)
        assert prefix.out_of(url) == out
    for url in (
        "s3://studio/masters2/talk.mp4",
        "s3://studio/talk.mp4",
        "s3://other/masters/talk.mp4",
        "s3://studio/masters",
    ):
        assert settings.prefix_of(S3Url(url)) is None
    assert not settings.watch[0].is_video(S3Url("s3://studio/masters/notes.txt"))


def test_a_star_is_one_folder(tmp_path: Path) -> None:
    settings = read(tmp_path, watch("s3://studio/*/in", "/dubs"))
    url = S3Url("s3://studio/acme/in/2026/talk.mp4")
    prefix = settings.prefix_of(url)
    assert prefix is not None
    assert prefix.out_of(url) == Path("/dubs/acme/in/2026/talk")
    assert settings.prefix_of(S3Url("s3://studio/acme/old/in/talk.mp4")) is None


def test_a_whole_bucket(tmp_path: Path) -> None:
    settings = read(tmp_path, watch("s3://studio", "s3://dubs"))
    prefix = settings.prefix_of(S3Url("s3://studio/talk.mp4"))
    assert prefix is not None
    assert prefix.out_of(S3Url("s3://studio/a/talk.mp4")) == "s3://dubs/a/talk"


@pytest.mark.parametrize(
    ("uploads", "out"),
    [
        ("s3://studio/in", "s3://studio/in"),
        ("s3://studio/in", "s3://studio/in/dubs"),
        ("s3://studio/in", "s3://studio"),
        ("s3://studio", "s3://studio/dubs"),
        ("s3://studio/*/in", "s3://studio/acme/in/dubs"),
        ("s3://studio/*/in", "s3://studio/acme"),
    ],
)
def test_results_never_start_runs(tmp_path: Path, uploads: str, out: str) -> None:
    with pytest.raises(BadInput, match="for ever"):
        read(tmp_path, watch(uploads, out))
    with pytest.raises(BadInput, match="for ever"):
        read(tmp_path, watch("s3://another/in", out) + watch(uploads, "/elsewhere"))


@pytest.mark.parametrize(
    ("uploads", "out"), [("s3://studio/in", "s3://studio/dubs"), ("s3://studio/in", "s3://dubs/in")]
)
def test_beside_is_well(tmp_path: Path, uploads: str, out: str) -> None:
    assert read(tmp_path, watch(uploads, out)).max_active_runs == 8


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "'watch'"),
        ("watch = 3", "'watch'"),
        ("[[watch]", "not TOML"),
        (watch("s3://studio/in", "dubs"), "relative"),
        (watch("/local/folder", "/dubs"), "no S3 bucket"),
        (watch("s3://studio/in*", "/dubs"), "whole folder"),
        (watch("s3://stu*dio/in", "/dubs"), "no S3 bucket"),
        (watch("s3://studio/in", "/dubs") + 'suffixes = ["mp4"]', "no video's suffix"),
        (watch("s3://studio/in", "/dubs") + 'suffixes = [".toml"]', "no video's suffix"),
        (watch("s3://studio/in", "/dubs") + "suffixes = []", "suffixes"),
        (watch("s3://studio/in", "/dubs") + '[watch.defaults]\ntargets = ["xx-nope"]', r"\[\[watch\]\] 1, defaults"),
        (watch("s3://studio/in", "/dubs") + "colour = 1", "colour"),
        ("max_active_runs = 0\n" + watch("s3://studio/in", "/dubs"), "max_active_runs"),
        ('deployment = "title"\n' + watch("s3://studio/in", "/dubs"), "deployment"),
        (watch("s3://studio/in", "/a") + watch("s3://studio/in/acme", "/b"), "same objects"),
        (watch("s3://studio/in", "/a") + watch("s3://studio/in2", "/a/b"), "overwrite"),
        (watch("s3://studio/in", "s3://dubs/a") + watch("s3://studio/in2", "s3://dubs/a"), "overwrite"),
    ],
)  # fmt: skip
def test_what_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(BadInput, match=said) as error:
        read(tmp_path, text)
    assert "watch.toml" in str(error.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot read"):
        read_watch_settings(tmp_path / "watch.toml")
