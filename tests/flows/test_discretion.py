"""Nothing that is said in a talk, nor who says it, stands in a log or on Prefect's server; what failed still does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from dub.discreet import DiscreetError, facts_of
from dub.errors import BadInput, EngineFailed
from dub.plan import Job
from engines import registry
from lang.bcp47 import Locale
from tests.flows.test_dub_title import TOY, talk  # noqa: F401  (fixtures)

ENGLISH = {"1": "Zephyrine opened the marmalade factory.", "2": "Her grandmother whistled."}
SPANISH = {"1": "Zefirina inauguró la fábrica de mermelada.", "2": "471147114711 184818481848"}
"""The toy voice cannot say the second line, and its error quotes it. So long, no id or time holds it by chance."""


@pytest.fixture
def job(talk: Path, tmp_path: Path) -> Job:  # noqa: F811
    for locale, lines in (("en", ENGLISH), ("es", SPANISH)):
        (tmp_path / f"talk.{locale}.srt").write_text(
            f"1\n00:00:00,500 --> 00:00:01,500\n{lines['1']}\n\n2\n00:00:02,000 --> 00:00:03,000\n{lines['2']}\n"
        )
    return Job(
        source=talk,
        targets=(Locale("es"), Locale("pt-BR")),
        out=tmp_path / "out",
        store=tmp_path / "store",
        profile=TOY,
        source_locale=Locale("en"),
        scripts={Locale(locale): tmp_path / f"talk.{locale}.srt" for locale in ("en", "es")},
    )


def words() -> set[str]:
    """Every word of both scripts that no log would hold by chance."""
    text = " ".join([*ENGLISH.values(), *SPANISH.values()])
    return {word.strip(".").lower() for word in text.split()} - {"the", "her", "la", "de", "opened"}


def said_in(text: str) -> set[str]:
    return {word for word in words() if word in text.lower()}


def test_the_json_log_tells_all_but_what_is_said(job: Job, tmp_path: Path) -> None:
    arguments = [
        "dub", str(job.source), "--to", "es,pt-BR", "--from", "en", "--profile", TOY, "--out", str(job.out), "--store",
        str(job.store), *(part for locale, path in job.scripts.items() for part in ("--script", f"{locale}={path}")),
    ]  # fmt: skip
    environment = os.environ | {"POLYDUB_LOG": "json", "POLYDUB_HOME": str(tmp_path / "home")}
    run = subprocess.run(
        [sys.executable, "-m", "flows.cli", *arguments], env=environment, capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 1, run.stderr[-2000:]
    assert said_in(run.stderr + run.stdout) == set()
    report = (job.out / "talk.es.report.json").read_text()
    assert said_in(report) >= set(SPANISH["2"].split()), "the report has the message"
    events = [json.loads(line) for line in run.stderr.splitlines()]
    assert all({"time", "level", "event"} <= set(event) for event in events)
    [failed] = [event for event in events if event["event"] == "stage_failed"]
    assert failed["level"] == "error"
    assert (failed["title"], failed["stage"], failed["locale"]) == ("talk", "speak", "es")
    assert (failed["error"], failed["utterance"]) == ("EngineFailed", "u0002")
    assert failed["at"].startswith("tasks/speak.py:")
    done = {(event["stage"], event.get("locale")) for event in events if event["event"] == "stage_finished"}
    assert {("ingest", None), ("review", "pt-BR")} <= done
    assert [event["verdict"] for event in events if event["event"] == "locale_finished"] == ["failed", "failed"]
    assert (events[0]["event"], events[-1]["event"]) == ("run_started", "run_finished")


def test_a_refusal_is_one_line_of_json_and_a_warning_of_others_tells_only_where(tmp_path: Path) -> None:
    def stderr_of(*command: str) -> list[dict[str, Any]]:
        environment = os.environ | {"POLYDUB_LOG": "json", "POLYDUB_HOME": str(tmp_path)}
        run = subprocess.run([sys.executable, *command], env=environment, capture_output=True, text=True, timeout=60)
        return [json.loads(line) for line in run.stderr.splitlines()]

    [refused] = stderr_of("-m", "flows.cli", "dub", str(tmp_path / "Zephyrine.mp4"), "--to", "es")
    assert (refused["event"], refused["error"]) == ("ended_with_error", "BadInput")
    assert refused["mend"] == "give the path of one video file"
    assert said_in(json.dumps(refused)) == set()
    program = f"""
import logging, warnings
from pathlib import Path
from flows.json_log import json_on_stderr
with json_on_stderr(Path({str(tmp_path / "native.log")!r})):
    logging.getLogger("transformers").warning("cannot tokenise marmalade")
    logging.getLogger("dub").warning("%s: %s; trying again", "speak es", "marmalade")
    warnings.warn("marmalade")
    import os; os.write(2, b"a C++ library says marmalade")
"""
    theirs, ours, warning = stderr_of("-c", program)
    assert theirs["logger"] == "transformers"
    assert "message" not in theirs
    assert ours["message"] == "%s: %s; trying again"
    assert warning["logger"] == "py.warnings"
    assert said_in(json.dumps([theirs, ours, warning])) == set()
    assert "marmalade" in (tmp_path / "native.log").read_text()


def test_an_embedded_engines_error_that_quotes_a_line_is_told_without_it() -> None:
    espeak: Any = registry.load("tts", "espeak")
    with pytest.raises(EngineFailed, match="инсанлар") as refusal:
        espeak.speak("Бүтүн инсанлар азад", Locale("az"), b"")
    told = DiscreetError.of(refusal.value)
    assert "инсанлар" not in f"{told!r} {told}"
    assert "EngineFailed" in str(told)
    assert "mend: give the line in that script" in str(told)
    assert told.whole is refusal.value
    assert "utterance" not in facts_of(refusal.value)


@pytest.mark.slow
def test_prefect_keeps_classes_and_ids_and_no_line(prefect_server: str, job: Job, tmp_path: Path) -> None:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import (
        ArtifactFilter,
        ArtifactFilterFlowRunId,
        FlowRunFilter,
        FlowRunFilterId,
        LogFilter,
        LogFilterFlowRunId,
    )
    from prefect.client.schemas.sorting import FlowRunSort

    program = (
        "import sys; from dub.plan import Job; from flows.deployed import dub_title; "
        "print(dub_title(Job.model_validate_json(sys.stdin.read())).model_dump_json())"
    )
    environment = os.environ | {"PREFECT_LOGGING_LEVEL": "INFO", "PREFECT_LOGGING_TO_API_ENABLED": "true"}
    run = subprocess.run(
        [sys.executable, "-c", program], input=job.model_dump_json(), capture_output=True, text=True, timeout=240,
        env=environment,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-3000:]
    es = json.loads(run.stdout)["outcomes"][0]
    assert SPANISH["2"] in es["reasons"][0], "the flow's own report has the whole message"
    assert "EngineFailed" in run.stderr, "what failed is logged"
    assert "u0002" in run.stderr
    assert said_in(run.stderr) == set()

    with get_client(sync_client=True) as client:
        newest = client.read_flow_runs(sort=FlowRunSort.EXPECTED_START_TIME_DESC)  # other tests' runs are there too
        [flow_run] = [each for each in newest if each.name == "talk into es, pt-BR"]
        only_this = FlowRunFilter(id=FlowRunFilterId(any_=[flow_run.id]))
        deadline = time.monotonic() + 60
        while True:
            task_runs = client.read_task_runs(flow_run_filter=only_this)
            speak = next((each for each in task_runs if each.name == "speak es"), None)
            if (speak and speak.state and speak.state.is_failed()) or time.monotonic() > deadline:
                break
            time.sleep(0.5)
        logs = client.read_logs(LogFilter(flow_run_id=LogFilterFlowRunId(any_=[flow_run.id])), limit=200)
        artifacts = client.read_artifacts(
            artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[flow_run.id]))
        )
    assert speak is not None
    assert speak.state is not None
    assert "EngineFailed" in (speak.state.message or "")
    assert any("EngineFailed" in log.message for log in logs)
    kept = [
        *(log.message for log in logs), *(each.model_dump_json() for each in task_runs), flow_run.model_dump_json(),
        *(each.model_dump_json() for each in artifacts),
    ]  # fmt: skip
    assert said_in("\n".join(kept)) == set()

    by_key = {artifact.key: artifact for artifact in artifacts}
    assert set(by_key) == {"progress-source", "progress-es", "progress-pt-br", "verdicts", "heat-map", "mouths"}
    assert float(str(by_key["progress-pt-br"].data)) == 100
    assert float(str(by_key["progress-es"].data)) < 100
    rows = json.loads(str(by_key["verdicts"].data))
    assert [row["locale"] for row in rows] == ["es", "pt-BR"]
    assert rows[0]["worst finding"] == "Production"
    assert rows[1]["file"] == f"`{job.out / 'talk.pt-BR.mp4'}`"
    assert rows[1]["video"] == "4.0 s"
    heat = str(by_key["heat-map"].data).splitlines()
    assert heat[0].startswith("| language | verdict | `Production` |"), heat[0]
    assert heat[2].startswith("| `es` | failed | ✕ |")
    assert heat[3].startswith("| `pt-BR` |")


@pytest.mark.slow
def test_a_flow_that_fails_as_a_whole_leaves_its_message_beside_the_results(prefect_server: str, job: Job) -> None:
    from flows.deployed import dub_title, dub_title_flow

    script = job.scripts[Locale("en")]
    assert isinstance(script, Path)
    script.write_text("1\n00:00:09,000 --> 00:00:10,000\nmarmalade\n")
    state: Any = dub_title_flow(job, return_state=True)
    assert state.is_failed()
    assert "BadInput" in state.message
    assert said_in(state.message) == set()
    note = json.loads((job.out / "talk.error.json").read_text())
    assert note["error"] == "BadInput"
    assert "talk.en.srt" in note["message"]
    metrics = json.loads((job.out / "talk.metrics.json").read_text())
    assert (metrics["verdict"], metrics["error"]) == ("failed", "BadInput")
    with pytest.raises(BadInput, match=r"talk\.en\.srt"):
        dub_title(job)
