"""prefect.yaml against a real server: deploy it to a process pool, let a worker run one title, look at its state."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from dub.plan import Job
from flows.dub_title import dub_title
from tests.flows.test_dub_title import TOY, script, talk  # noqa: F401  (fixtures)
from tests.flows.test_redub import toy_job
from tests.flows.workers import ROOT, prefect, start_run, state_of
from tests.task_runs import task_states


@pytest.mark.slow
def test_prefect_yaml_deploys_to_a_process_pool_and_a_worker_runs_it(
    deployed: str,
    talk: Path,  # noqa: F811
    script: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    job = Job.model_validate(
        {
            "source": talk, "targets": ["es"], "out": tmp_path / "out", "store": tmp_path / "store",
            "profile": TOY, "source_locale": "en", "scripts": {"en": script},
        }
    )  # fmt: skip
    prefect("deployment", "run", "dub-title/title", "--params", json.dumps({"job": job.model_dump(mode="json")}))
    prefect("worker", "start", "--pool", "polydub", "--run-once", timeout_s=240)
    assert (tmp_path / "out" / "talk.es.mp4").is_file()
    assert (tmp_path / "out" / "report.html").is_file()

    from prefect.client.orchestration import get_client
    from prefect.client.schemas.sorting import FlowRunSort

    with get_client(sync_client=True) as client:
        newest = client.read_flow_runs(sort=FlowRunSort.EXPECTED_START_TIME_DESC)  # other tests' runs are there too
        [run] = [each for each in newest if each.parameters.get("job", {}).get("out") == str(job.out)]
        assert run.state is not None
        assert run.name == "talk into es"
        verdict = json.loads((tmp_path / "out" / "talk.es.report.json").read_text())["verdict"]
        assert run.state.is_failed() == (verdict == "failed"), "the run's state is the report's verdict"
    states = task_states(run.id)
    assert {"ingest", "speak es", "review es"} <= set(states)
    assert set(states.values()) == {"Completed"}

    (tmp_path / "out" / "report.html").unlink()
    report = start_run("report/report", {"out": str(tmp_path / "out"), "title": "talk"})
    prefect("worker", "start", "--pool", "polydub", "--run-once", timeout_s=240)
    assert state_of(report).is_failed() == (verdict == "failed"), state_of(report)
    assert (tmp_path / "out" / "report.html").is_file()
    states = task_states(report)
    assert set(states.values()) == {"Cached"}, states


@pytest.mark.slow
def test_a_line_is_said_anew_by_a_worker(deployed: str, talk: Path, script: Path, tmp_path: Path) -> None:  # noqa: F811
    job = toy_job(talk, script, tmp_path)
    dub_title(job)
    words = {"title": "talk", "out": str(job.out), "locale": "es", "line": 2, "text": "Esta es una bomba."}
    prefect("deployment", "run", "redub-line/redub", "--params", json.dumps(words))
    prefect("worker", "start", "--pool", "polydub", "--run-once", timeout_s=240)
    spoken = json.loads((tmp_path / "out" / "talk.es.script.json").read_text())["lines"]
    assert [line["text"] for line in spoken] == ["⟦es⟧ Good morning everybody.", "Esta es una bomba."]


@pytest.mark.slow
def test_every_deployment_of_prefect_yaml_is_there(deployed: str) -> None:
    from prefect.client.orchestration import get_client

    asked = {each["name"]: each for each in yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]}
    with get_client(sync_client=True) as client:
        made = {each.name: each for each in client.read_deployments()}
    assert asked.keys() <= made.keys()
    for name, as_asked in asked.items():
        deployment = made[name]
        assert deployment.entrypoint == as_asked["entrypoint"]
        assert deployment.work_pool_name == "polydub"
        assert deployment.description
    nightly = made["nightly"]
    [schedule] = nightly.schedules
    assert (schedule.schedule.cron, schedule.schedule.timezone, schedule.active) == ("0 2 * * *", "UTC", False)
    assert nightly.global_concurrency_limit.limit == 1
    assert nightly.concurrency_options.collision_strategy == "CANCEL_NEW"
