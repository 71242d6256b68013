"""Content Credentials through the whole story, and `polydub verify` of what it published."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dub.artifact import sha256_of
from dub.avatar import AvatarJob
from dub.plan import Job
from flows.avatar_title import avatar_title
from flows.cli import main
from flows.dub_title import dub_title
from tests.flows import test_avatar_title, test_dub_title
from tests.flows.test_dub_title import TOY, script, talk  # noqa: F401  (fixtures)

dub_job = test_dub_title.job
avatar_job = test_avatar_title.job


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("POLYDUB_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def with_credentials(job: Job, tmp_path: Path, setting: str) -> Job:
    profile = tmp_path / "signed.toml"
    profile.write_text(f'{Path(TOY).read_text()}content_credentials = "{setting}"\n')
    return job.model_copy(update={"profile": str(profile)})


def verify(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = main(["verify", *arguments])
    return code, capsys.readouterr().out


def test_a_dub_says_how_it_was_made(
    dub_job: Job, tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = with_credentials(dub_job, tmp_path, "test")
    dub_title(job)
    film = job.out / "talk.es.mp4"
    code, told = verify(capsys, str(film))
    assert code == 0
    for line in (
        "talk.es.mp4: valid: untouched since it was signed; nobody you named vouches for who signed",
        "signed by  polydub test signer, polydub test certificate, vouched for by nobody",
        "did        translated by pseudo 1",
        f"source     sha256 {sha256_of(Path(str(job.source)))}",
        "language   en -> es",
        "mouth      0 of 100 frames are synthetic",
    ):
        assert line in told
    assert "engine     tts: tone" in told
    assert verify(capsys, str(film), "--trust", str(home / "c2pa-test.pem"))[0] == 0
    code, told = verify(capsys, str(film), "--json")
    assert json.loads(told)["provenance"]["locale"] == "es"

    signed = sha256_of(film)
    dub_title(job)
    assert sha256_of(film) == signed, "signed once"

    film.write_bytes(film.read_bytes()[:-5000] + bytes(5000))
    code, told = verify(capsys, str(film))
    assert code == 1
    assert "invalid" in told


def test_a_portrait_says_that_it_was_never_filmed(avatar_job: AvatarJob, capsys: pytest.CaptureFixture[str]) -> None:
    profile = Path(avatar_job.profile)
    profile.write_text(profile.read_text() + 'content_credentials = "test"\n')
    avatar_title(avatar_job)
    code, told = verify(capsys, str(avatar_job.out / "maya.es.mp4"))
    assert code == 0
    assert "did        created (compositeWithTrainedAlgorithmicMedia)" in told
    assert f"source     sha256 {sha256_of(Path(avatar_job.photo))}" in told


def test_verify_tells_what_the_picture_says(dub_job: Job, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = with_credentials(dub_job, tmp_path, "test")
    profile = Path(job.profile)
    profile.write_text(profile.read_text() + 'disclosure = "always"\n')
    dub_title(job)
    film = str(job.out / "talk.es.mp4")
    assert "says       Doblaje con IA: voz sintética" in verify(capsys, film)[1]
    profile.write_text(profile.read_text().replace('"test"', '"off"'))
    dub_title(job)
    assert 'The picture says: "Doblaje con IA: voz sintética".' in verify(capsys, film)[1]


def test_without_credentials_there_is_a_note_that_proves_nothing(
    dub_job: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    dub_title(dub_job)
    code, told = verify(capsys, str(dub_job.out / "talk.es.mp4"))
    assert code == 1
    assert "no Content Credentials" in told
    assert 'which anybody can write: "Dubbed into es by polydub: the voice is synthetic.' in told


def test_asked_for_a_signature_it_is_signed_or_refused_before_any_work(
    dub_job: Job, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = with_credentials(dub_job, tmp_path, "signed")
    code = main(["dub", str(job.source), "--to", "es", "--profile", job.profile, "--out", str(job.out)])
    assert code == 2
    assert "POLYDUB_C2PA_CERTIFICATE is not set" in capsys.readouterr().err
    assert not Path(str(job.out)).exists() or not list(Path(str(job.out)).iterdir())


def test_verify_names_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(tmp_path / "gone.mp4")]) == 2
    assert "gone.mp4 is no file" in capsys.readouterr().err
