"""One line said anew as a Prefect flow: the deployment `redub-line/redub`, and `polydub redub --prefect`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.states import Cancelled, Completed, Failed

from dub.discreet import DiscreetError
from dub.errors import BadInput, EngineUnavailable, RunCancelled
from dub.location import Location, S3Url
from flows import dub_title as story
from flows.deployed import RUNNER, returned, state_of
from flows.progress_artifacts import progress_artifacts
from flows.redub_command import told
from flows.redub_line import Redub, check_line, redub_line
from flows.verdict_artifacts import tell_verdicts
from lang.bcp47 import Locale


@flow(
    name="redub-line",
    flow_run_name="{title}, {locale}, line {line}",
    description="Say one line of a finished dub in other words.",
    task_runner=RUNNER,
    persist_result=False,
    validate_parameters=True,
)
def redub_line_flow(
    title: str, out: Location, locale: Locale, line: str | int, text: str, approved_by: str = ""
) -> Any:
    """`title`: the name of the results in the folder or prefix `out`; `line`: its number or id. The run's state is that
    of the title's report; `Unchanged` when the line is spoken in these words already, `Refused` (Failed) when it may
    not be said like this or is not there: Prefect is told which mend, never the words."""
    try:
        wanted = check_line(out, title, locale, line, text, approved_by)
        if not wanted.is_news:
            return Completed(name="Unchanged", message="the line is spoken in these words already")
        with progress_artifacts(wanted.job.targets):
            redub = redub_line(wanted, story.dub_title)
    except RunCancelled as error:
        return Cancelled(message=str(error), data=error)
    except Exception as error:
        discreet = DiscreetError.of(error)
        if isinstance(error, (BadInput, EngineUnavailable)):
            return Failed(name="Refused", message=str(discreet), data=discreet)
        raise discreet from None
    tell_verdicts(redub.report)
    create_markdown_artifact(key="redone", markdown=told(redub), description=f"{title}: {redub.report.html}")
    return state_of(redub.report, redub)


def redub_as_flow(title: str, out: Path | S3Url, locale: Locale, line: str, text: str, approved_by: str = "") -> Redub:
    """Run the flow here and now; returns what it took, also when a language failed. Raises what is refused."""
    flow_run = redub_line_flow(title, out, locale, line, text, approved_by, return_state=True)
    return returned(flow_run, Redub)
