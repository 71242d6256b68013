"""The same story as a Prefect flow: what prefect.yaml deploys and `polydub dub --prefect` runs."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime
from typing import Any

from prefect import flow
from prefect.states import Completed, Failed
from prefect.task_runners import ThreadPoolTaskRunner

from dub.discreet import DiscreetError, facts_of, whole
from dub.errors import DubError
from dub.finding import Level
from dub.plan import Job
from flows import dub_title as story
from flows.outcome import RunReport
from flows.progress_artifacts import progress_artifacts
from flows.publish import publish_text
from flows.verdict_artifacts import tell_verdicts
from tasks.policy import N_THREADS

RUNNER: Any = ThreadPoolTaskRunner(max_workers=N_THREADS)


def _run_name() -> str:
    """`talk into es, pt-BR`: what a person looks for in the list of runs."""
    from prefect.runtime import flow_run

    job = Job.model_validate(flow_run.parameters["job"])
    return f"{job.title or job.source.stem} into {', '.join(job.targets)}"


@flow(
    name="dub-title",
    flow_run_name=_run_name,
    description=story.dub_title.__doc__,
    task_runner=RUNNER,
    persist_result=False,
    validate_parameters=True,
)
def dub_title_flow(job: Job) -> Any:
    """Dub one title into every target; the run's state says whether every language came out."""
    try:
        with progress_artifacts(job.targets):
            report = story.dub_title(job)
    except Exception as error:  # Prefect logs what is raised and keeps it on its server
        _leave_note(job, error)
        raise DiscreetError.of(error) from None
    tell_verdicts(report)
    if report.verdict is Level.FAILED:
        failed = ", ".join(outcome.locale for outcome in report.outcomes if outcome.verdict is Level.FAILED)
        return Failed(message=f"failed: {failed}", data=report)
    return Completed(name="Completed" if report.verdict is Level.OK else "Degraded", data=report)


def _leave_note(job: Job, error: Exception) -> None:
    """`<title>.error.json` beside the results: the message that Prefect is not told. Silent where `out` cannot be
    written to, which is then what the error is about."""
    facts = {"time": datetime.now(UTC).isoformat(timespec="seconds"), "message": str(error)} | facts_of(error)
    with contextlib.suppress(DubError):
        place = job.out / f"{job.title or job.source.stem}.error.json"
        publish_text(json.dumps(facts, ensure_ascii=False, indent=1) + "\n", place)


def dub_title(job: Job) -> RunReport:
    """Run the flow here and now and return its report, also when a language failed."""
    state: Any = dub_title_flow(job, return_state=True)
    report = state.result(raise_on_failure=False)
    if isinstance(report, BaseException):
        raise whole(report)
    if not isinstance(report, RunReport):
        raise TypeError(f"the flow gave {type(report).__name__}")
    return report
