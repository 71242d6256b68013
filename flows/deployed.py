"""The same story as a Prefect flow: what prefect.yaml deploys and `polydub dub --prefect` runs."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.artifacts import create_table_artifact
from prefect.states import Cancelled, Completed, Failed
from prefect.task_runners import ThreadPoolTaskRunner

from dub.errors import BadInput, EngineUnavailable, Superseded
from dub.finding import Level
from dub.plan import Job
from flows import dub_title as story
from flows.outcome import RunReport
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
    """Dub one title into every target; the run's state says whether every language came out.

    Completed, Degraded, Failed: as the report's verdict. Refused (Failed): the job itself cannot be done, and the
    message says what to mend. Superseded (Cancelled): a newer upload took the source's place, and has its own run;
    no failure, so nothing alarms or retries, and no completion, so nothing that waits for dubs goes on.
    """
    try:
        report = story.dub_title(job)
    except Superseded as error:
        return Cancelled(name="Superseded", message=str(error))
    except (BadInput, EngineUnavailable) as error:
        return Failed(name="Refused", message=str(error), data=error)
    create_table_artifact(
        key="verdicts",
        description=f"{report.title}: {report.html}",
        table=[
            {"locale": outcome.locale, "verdict": outcome.verdict.value, "why": "; ".join(outcome.reasons[:3])}
            for outcome in report.outcomes
        ],
    )
    if report.verdict is Level.FAILED:
        failed = ", ".join(outcome.locale for outcome in report.outcomes if outcome.verdict is Level.FAILED)
        return Failed(message=f"failed: {failed}", data=report)
    return Completed(name="Completed" if report.verdict is Level.OK else "Degraded", data=report)


def dub_title(job: Job) -> RunReport:
    """Run the flow here and now and return its report, also when a language failed. Raises what the story raises."""
    state: Any = dub_title_flow(job, return_state=True)
    if state.name == "Superseded":
        raise Superseded(state.message)
    report = state.data if isinstance(state.data, RunReport) else state.result()
    if not isinstance(report, RunReport):
        raise TypeError(f"the flow gave {type(report).__name__}")
    return report
