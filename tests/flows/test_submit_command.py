"""`polydub submit` and `docs/api.md`: the same calls, against the real server."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from dub.plan import Job
from flows.cli import main
from flows.prefect_api import Run
from flows.submit_command import exit_code_of
from tests.flows.test_dub_title import TOY, script, talk  # noqa: F401  (fixtures)
from tests.flows.watching import ROOT, Watched, execute, make_deployment, watched  # noqa: F401  (fixture)

API_DOC = ROOT / "docs" / "api.md"


def submit(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[str], str]:
    code = main(["submit", *arguments])
    said = capsys.readouterr()
    return code, said.out.split("\n"), said.err


def test_a_job_submitted_twice_is_one_run(watched: Watched, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    watched.put("talk.mp4")
    asked = [f"{watched.bucket}/in/talk.mp4", "--to", "es,pt-BR", "--out", f"{watched.bucket}/out", "--from", "en",
             "--deployment", watched.deployment]  # fmt: skip
    code, [run_id, page, *_], _ = submit(capsys, *asked)
    assert (code, page) == (0, f"{watched.api.url.removesuffix('/api')}/runs/flow-run/{run_id}")
    [run] = watched.runs()
    assert run["id"] == run_id
    job = Job.model_validate(run["parameters"]["job"])
    assert (job.targets, job.source_locale) == (("es", "pt-BR"), "en")
    assert job.source_etag
    code, [again, *_], told = submit(capsys, *asked)
    assert (code, again) == (0, run_id)
    assert "--again" in told
    assert submit(capsys, *asked, "--again")[1][0] != run_id
    assert len(watched.runs()) == 2


def test_the_watcher_and_submit_know_each_others_runs(watched: Watched, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    [answer] = watched.answer(watched.put("talk.mp4"))
    _, [run_id, *_], _ = submit(
        capsys, f"{watched.bucket}/in/talk.mp4", "--to", "es", "--out", f"{watched.bucket}/out/talk",
        "--deployment", watched.deployment,
    )  # fmt: skip
    assert run_id == answer.run_id


def test_cancel_and_watch(watched: Watched, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    [answer] = watched.answer(watched.put("talk.mp4"))
    code, [told, *_], _ = submit(capsys, "--cancel", answer.run_id)
    assert code == 0
    assert told.endswith("Cancelled"), "no worker has begun it"
    assert submit(capsys, "--watch", answer.run_id)[0] == 1
    assert "has ended before" in submit(capsys, "--cancel", answer.run_id)[1][0]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_watch_ends_as_the_run_does(
    watched: Watched, talk: Path, script: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("POLYDUB_HOME", str(tmp_path / "home"))
    asked = [
        str(talk), "--to", "es", "--from", "en", "--script", f"en={script}", "--profile", TOY,
        "--out", str(tmp_path / "out"), "--store", str(tmp_path / "store"), "--deployment", watched.deployment,
    ]  # fmt: skip
    _, [run_id, *_], _ = submit(capsys, *asked)
    execute(run_id).wait(280)
    verdict = (tmp_path / "out" / "report.csv").read_text()
    code, _, told = submit(capsys, "--watch", run_id)
    assert code == (1 if "failed" in verdict else 0), told

    _, [refused, *_], _ = submit(capsys, *asked, "--title", "other", "--speakers", "2", "--again")
    talk_was = talk.rename(talk.with_name("gone.mp4"))
    try:
        execute(refused).wait(280)
    finally:
        talk_was.rename(talk)
    code, _, told = submit(capsys, "--watch", refused)
    assert code == 2, told
    assert "Refused" in told


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (("COMPLETED", "Completed"), 0), (("COMPLETED", "Degraded"), 0), (("COMPLETED", "AwaitingApproval"), 3),
        (("FAILED", "Failed"), 1), (("FAILED", "Refused"), 2), (("CRASHED", "Crashed"), 1),
        (("CANCELLED", "Cancelled"), 1), (("CANCELLED", "Superseded"), 2),
    ],
)  # fmt: skip
def test_exit_codes(state: tuple[str, str], code: int) -> None:
    assert exit_code_of(Run("id", "name", *state, message="", idempotency_key="", source_etag="")) == code


def test_what_is_refused(watched: Watched, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    gone = f"{watched.bucket}/in/gone.mp4"
    for arguments, said in (
        ([], "one thing at a time"),
        (["talk.mp4", "--cancel", "x"], "one thing at a time"),
        (["talk.mp4"], "--to names no locale"),
        ([gone, "--to", "es"], "there is no object"),
        (["talk.mp4", "--to", "es", "--deployment", "dub-title/nobody"], "no deployment"),
        (["--watch", "nobody"], "no flow run"),
        (["--cancel", "00000000-0000-0000-0000-000000000000"], "no flow run"),
    ):
        code, _, told = submit(capsys, *arguments)
        assert code == 2
        assert said in told


@pytest.mark.slow
def test_every_command_of_the_api_document(watched: Watched) -> None:  # noqa: F811
    """In its order, in one shell, as a reader would."""
    blocks = re.findall(r"^```sh\n(.*?)^```", API_DOC.read_text(), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 8
    text = "set -eu\n" + "echo '---'\n".join(blocks).replace("dub-title/title", watched.deployment)
    done = subprocess.run(
        ["bash", "-c", text], capture_output=True, text=True, timeout=120, env=os.environ | {"NO_PROXY": "*"}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    _, _, refused, watching, tasks, of_source, count, cancelled = (part.strip() for part in done.stdout.split("---\n"))
    assert refused in ("409", "422")
    assert watching.endswith("SCHEDULED Scheduled")
    assert tasks == ""
    [run] = watched.runs()
    assert of_source == f"{run['id']} Scheduled"
    assert (count, cancelled) == ("1", "CANCELLED")
    assert run["state"]["type"] == "CANCELLED"
    assert Job.model_validate(run["parameters"]["job"]).targets == ("es", "pt-BR")
