"""The same story as a Prefect flow: what prefect.yaml deploys and `polydub dub --prefect` runs."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.artifacts import create_table_artifact
from prefect.states import Completed, Failed
from prefect.task_runners import ThreadPoolTaskRunner

from dub.finding import Level
from dub.plan import Job
from flows import dub_title as story
from flows.outcome import RunReport
from tasks.policy import N_THREADS

VERDICTS = "verdicts"
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
    return finish(story.dub_title(job))


def finish(report: RunReport) -> Any:
    """Show the verdicts beside the run, and give the state that they make it."""
    create_table_artifact(
        key=VERDICTS,
        description=f"{report.title}: {report.html}",
        table=[
            {
                "locale": outcome.locale,
                "verdict": outcome.verdict.value,
                "why": "; ".join(outcome.reasons[:3]),
                "files": " ".join(outcome.files),
                "seconds": outcome.seconds,
                "minutes": report.minutes,
            }
            for outcome in report.outcomes
        ],  # what a batch reads (flows/title_runs.py)
    )
    if report.verdict is Level.FAILED:
        failed = ", ".join(outcome.locale for outcome in report.outcomes if outcome.verdict is Level.FAILED)
        return Failed(message=f"failed: {failed}", data=report)
    return Completed(name="Completed" if report.verdict is Level.OK else "Degraded", data=report)


def dub_title(job: Job) -> RunReport:
    """Run the flow here and now and return its report, also when a language failed."""
    state: Any = dub_title_flow(job, return_state=True)
    report = state.data if isinstance(state.data, RunReport) else state.result()
    if not isinstance(report, RunReport):
        raise TypeError(f"the flow gave {type(report).__name__}")
    return report
