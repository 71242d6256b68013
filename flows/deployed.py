"""The same story as a Prefect flow: what prefect.yaml deploys and `polydub dub --prefect` runs."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime
from typing import Any, TypeVar

from prefect import flow
from prefect.states import Cancelled, Completed, Failed

from dub.discreet import DiscreetError, facts_of, whole
from dub.errors import BadInput, DubError, EngineUnavailable, RunCancelled, Superseded
from dub.finding import AWAITING_APPROVAL, Level
from dub.plan import Job
from flows import dub_title as story
from flows.outcome import RunReport
from flows.progress_artifacts import progress_artifacts
from flows.publish import publish_text
from flows.verdict_artifacts import tell_verdicts
from tasks.policy import N_THREADS
from tasks.task_runner import task_runner

T = TypeVar("T")
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
    """Dub one title into every target; the run's state says whether every language came out.

    Completed, Degraded, AwaitingApproval, Failed: as the report's verdict. Refused (Failed): the job itself cannot be
    done, `<title>.error.json` beside the results says what to mend. Superseded (Cancelled): a newer upload took the
    source's place, and has its own run; no failure, so nothing alarms or retries, and no completion, so nothing that
    waits for dubs goes on.
    """
    try:
        with progress_artifacts(job.targets):
            report = story.dub_title(job)
    except Superseded as error:
        return Cancelled(name="Superseded", message=str(error), data=error)
    except RunCancelled as error:
        return Cancelled(message=str(error), data=error)
    except Exception as error:  # Prefect logs what is raised and keeps it on its server
        _leave_note(job, error)
        told = DiscreetError.of(error)
        if isinstance(error, (BadInput, EngineUnavailable)):
            return Failed(name="Refused", message=str(told), data=told)
        raise told from None
    return finish(report)


def finish(report: RunReport) -> Any:
    """Show the verdicts beside the run, leave the report for whoever awaits it (flows/title_runs.py), and give the
    state that the verdicts make it."""
    from prefect.runtime import flow_run

    tell_verdicts(report)
    report = report.model_copy(update={"flow_run": flow_run.id or ""})
    publish_text(report.model_dump_json(indent=1) + "\n", report.html.parent / f"{report.title}.run.json")
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


def _leave_note(job: Job, error: Exception) -> None:
    """`<title>.error.json` beside the results: the message that Prefect is not told. Silent where `out` cannot be
    written to, which is then what the error is about."""
    facts = {"time": datetime.now(UTC).isoformat(timespec="seconds"), "message": str(error)} | facts_of(error)
    with contextlib.suppress(DubError):
        place = job.out / f"{job.title or job.source.stem}.error.json"
        publish_text(json.dumps(facts, ensure_ascii=False, indent=1) + "\n", place)


def dub_title(job: Job) -> RunReport:
    """Run the flow here and now and return its report, also when a language failed. Raises what the story raises."""
    return returned(dub_title_flow(job, return_state=True), RunReport)


def returned(state: Any, kind: type[T]) -> T:
    """What a flow run returned, also beside a Failed state: Prefect itself would take its data for an exception, and
    die of it not being one. Raises what the flow raised."""
    data = getattr(state.data, "result", state.data)  # Prefect wraps it in a ResultRecord
    if isinstance(data, BaseException):
        raise whole(data)
    if isinstance(data, kind):
        return data
    raise TypeError(f"the flow gave {type(state.result()).__name__}")
