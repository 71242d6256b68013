"""What failed stays out of the public place, whoever made it, and leaves quarantine when it is mended."""

from __future__ import annotations

from pathlib import Path

import pytest

from dub.avatar import AvatarJob
from dub.bucket import Bucket
from dub.finding import Level
from dub.location import S3Url
from dub.manifest import Batch
from dub.plan import Job
from flows import deployed
from flows.avatar_title import avatar_title
from flows.cli import EXIT_DUB_FAILED, EXIT_OK, main
from flows.dub_batch import dub_batch, plan_batch
from flows.dub_title import dub_title
from lang.bcp47 import Locale
from tests.flows import test_avatar_title
from tests.flows.toy_titles import LINES, spanish_job, toy_manifest, toy_profile, write_script

avatar_job = test_avatar_title.job
FILMS = {"talk.es.mp4", "talk.es.srt", "talk.es.vtt"}
WRONG = ("Buenos días a todos.", "Это насос.")
"""The second line is Russian, given as Spanish: it is withheld, and the dub fails."""


def with_quarantine(profile: Path) -> Path:
    profile.write_text(profile.read_text().replace('quarantine = ""', ""))
    return profile


@pytest.fixture
def failing(tmp_path: Path) -> Job:
    """A title whose Spanish fails; with LINES for a script it comes out degraded."""
    job = spanish_job(tmp_path)
    with_quarantine(Path(job.profile))
    write_script(tmp_path, "talk", "es", WRONG)
    return job


def films(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} & FILMS if folder.is_dir() else set()


def test_a_line_said_anew_takes_the_language_out_of_quarantine(failing: Job) -> None:
    out = Path(str(failing.out))
    assert dub_title(failing).verdict is Level.FAILED
    assert (films(out), films(out / "quarantine")) == (set(), FILMS)
    assert redub(out, "Также по-русски.") == 2, "refused: nothing was moved"
    assert films(out / "quarantine") == FILMS
    assert redub(out, LINES["es"][1]) == EXIT_OK
    assert films(out) == FILMS
    assert not (out / "quarantine").exists(), "no older film beside it, and no empty folder"
    assert 'src="./talk.es.mp4' in (out / "report.html").read_text()


def redub(out: Path, text: str) -> int:
    return main(["redub", "talk", "--out", str(out), "--locale", "es", "--line", "2", "--text", text])


def test_of_two_languages_one_in_quarantine_stays_there(failing: Job, tmp_path: Path) -> None:
    write_script(tmp_path, "talk", "es-419", WRONG)
    both = failing.scripts | {Locale("es-419"): tmp_path / "talk.es-419.srt"}
    job = failing.model_copy(update={"targets": (Locale("es"), Locale("es-419")), "scripts": both})
    dub_title(job)
    write_script(tmp_path, "talk", "es", LINES["es"])
    assert [outcome.verdict for outcome in dub_title(job).outcomes] == [Level.DEGRADED, Level.FAILED]
    out = Path(str(job.out))
    assert films(out) == FILMS
    assert {path.name for path in (out / "quarantine").iterdir()} == {
        f"talk.es-419.{end}" for end in ("mp4", "srt", "vtt")
    }


def test_a_portrait_that_fails_is_kept_back_too(avatar_job: AvatarJob) -> None:
    with_quarantine(Path(avatar_job.profile))
    report = avatar_title(avatar_job)
    assert report.verdict is Level.FAILED, "nobody understands a tone"
    assert {file.split("/")[0] for outcome in report.outcomes for file in outcome.files} == {"quarantine"}
    assert not list(avatar_job.out.glob("maya.e[ns].mp4"))
    assert (avatar_job.out / "quarantine/maya.es.mp4").is_file()


@pytest.mark.slow
def test_a_run_that_an_upload_starts_keeps_it_from_the_public_prefix(
    failing: Job, bucket: S3Url, tmp_path: Path, prefect_server: str
) -> None:
    """As the watcher starts it: the deployed flow, from a bucket to a bucket."""
    Bucket(bucket.bucket).upload(Path(str(failing.source)), "in/talk.mp4")
    job = failing.model_copy(update={"source": bucket / "in/talk.mp4", "out": bucket / "out/talk"})
    state = deployed.dub_title_flow(job, return_state=True)
    assert (state.name, state.message) == ("Failed", "failed: es")
    assert keys(bucket) == {f"out/talk/quarantine/{name}" for name in FILMS}
    write_script(tmp_path, "talk", "es", LINES["es"])
    state = deployed.dub_title_flow(job, return_state=True)
    assert (state.type.value, state.name) == ("COMPLETED", "Degraded")
    assert keys(bucket) == {f"out/talk/{name}" for name in FILMS}


def keys(bucket: S3Url) -> set[str]:
    return {stored.url.key for stored in Bucket(bucket.bucket).list("out/") if stored.url.name in FILMS}


@pytest.mark.slow
def test_a_batch_tries_a_failed_title_again_until_it_is_mended(tmp_path: Path) -> None:
    toy_manifest(tmp_path, 1, ("es",))
    batch = Batch(
        manifest=tmp_path / "talks.csv", out=tmp_path / "dubs", store=tmp_path / "store",
        profile=str(with_quarantine(toy_profile(tmp_path))),
    )  # fmt: skip
    write_script(tmp_path, "talk1", "es", WRONG)
    folder = tmp_path / "dubs/talk1"
    for _ in range(2):
        assert [title.verdict for title in dub_batch(batch).titles] == [Level.FAILED]
        assert (folder / "quarantine/talk1.es.mp4").is_file()
        assert not (folder / "talk1.es.mp4").exists()
        assert [title.status for title in plan_batch(batch)] == ["new"], "not done, so it is tried again"
    write_script(tmp_path, "talk1", "es", LINES["es"])
    assert [title.verdict for title in dub_batch(batch).titles] == [Level.DEGRADED]
    assert (folder / "talk1.es.mp4").is_file()
    assert not (folder / "quarantine").exists()
    assert [title.status for title in plan_batch(batch)] == ["unchanged"]


def test_a_failed_dub_ends_the_command_with_an_exit_code_of_its_own(failing: Job) -> None:
    scripts = [f"--script={locale}={path}" for locale, path in failing.scripts.items()]
    arguments = ["dub", failing.source, "--to", "es", "--from", "en", *scripts, "--profile", failing.profile]
    assert main([*map(str, arguments), "--out", str(failing.out), "--store", str(failing.store)]) == EXIT_DUB_FAILED
