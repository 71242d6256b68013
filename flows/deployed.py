"""The same story as a Prefect flow: what prefect.yaml deploys and `polydub dub --prefect` runs."""

from __future__ import annotations

from typing import Any, TypeVar

from prefect import flow
from prefect.artifacts import create_table_artifact
from prefect.states import Completed, Failed

from dub.finding import AWAITING_APPROVAL, Level
from dub.plan import Job
from flows import dub_title as story
from flows.outcome import RunReport
from tasks.policy import N_THREADS
from tasks.task_runner import task_runner

T = TypeVar("T")
VERDICTS = "verdicts"
RUNNER: Any = task_runner(N_THREADS)


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
    return finish(story.dub_title(job))


def finish(report: RunReport) -> Any:
    """Show the verdicts beside the run, and give the state that they make it."""
    create_table_artifact(
        key=VERDICTS,
        description=f"{report.title}: {report.html}",
        table=[
            {
                "locale": outcome.locale,
                "verdict": outcome.ending,
                "why": "; ".join(outcome.reasons[:3]),
                "files": " ".join(outcome.files),
                "seconds": outcome.seconds,
                "minutes": report.minutes,
            }
            for outcome in report.outcomes
        ],  # what a batch reads (flows/title_runs.py)
    )
    return state_of(report, report)


def state_of(report: RunReport, data: Any) -> Any:
    """The state in which a flow run ends that ended with this report. `data`: what the flow returns."""
    ended = {outcome.locale: outcome.ending for outcome in report.outcomes}
    if report.verdict is Level.FAILED:
        failed = ", ".join(locale for locale, ending in ended.items() if ending == Level.FAILED)
        return Failed(message=f"failed: {failed}", data=data)
    if report.awaits_approval:
        waiting = ", ".join(locale for locale, ending in ended.items() if ending == AWAITING_APPROVAL)
        return Completed(name="AwaitingApproval", message=f"await approval: {waiting}", data=data)
    return Completed(name="Completed" if report.verdict is Level.OK else "Degraded", data=data)


def dub_title(job: Job) -> RunReport:
    """Run the flow here and now and return its report, also when a language failed."""
    return returned(dub_title_flow(job, return_state=True), RunReport)


def returned(state: Any, kind: type[T]) -> T:
    """What a flow run returned, also beside a Failed state: Prefect itself would take its data for an exception, and
    die of it not being one. Raises what the flow raised."""
    data = getattr(state.data, "result", state.data)  # Prefect wraps it in a ResultRecord
    if isinstance(data, kind):
        return data
    raise TypeError(f"the flow gave {type(state.result()).__name__}")
