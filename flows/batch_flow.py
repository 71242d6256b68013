"""The batch as a Prefect flow: `dub-batch/nightly`. It starts and awaits one run of `dub-title/title` per title."""

from __future__ import annotations

from functools import partial
from typing import Any

from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.states import Completed, Failed

from dub.finding import Level
from dub.manifest import Batch
from flows import dub_batch as story
from flows.batch_summary import counts, headline, publish_summary
from flows.deployed import returned
from flows.dub_batch import BatchReport, TitleOutcome
from flows.heat_artifacts import batch_heat
from flows.title_runs import run_by_deployment

N_SHOWN = 500
"""Titles in the artifact's table, the worst first; the summary has them all."""


def _run_name() -> str:
    from prefect.runtime import flow_run

    batch = Batch.model_validate(flow_run.parameters["batch"])
    return f"batch of {batch.manifest.name or batch.manifest}"


@flow(
    name="dub-batch",
    flow_run_name=_run_name,
    description=story.dub_batch.__doc__,
    persist_result=False,
    validate_parameters=True,
)
def dub_batch_flow(batch: Batch) -> Any:
    """Dub what is not done of a manifest; the run's state says whether every language of every title came out."""
    logger = get_run_logger()

    def told(title: TitleOutcome) -> None:
        logger.info("%s after %.0f s (%s)", title.verdict, title.took_s, title.status)

    report = story.dub_batch(batch, run=partial(run_by_deployment, n_at_once=batch.n_at_once), told=told)
    page = publish_summary(report)
    worst_first = sorted(report.titles, key=lambda title: list(Level).index(title.verdict), reverse=True)
    create_table_artifact(
        key="batch",
        description=f"{headline(report)}. {counts(report)} {page}",
        table=[
            {
                "title": title.title,
                "verdict": title.verdict.value,
                "status": title.status,
                "why": title.why,
                "failed": ", ".join(end.locale for end in title.outcomes if end.verdict is Level.FAILED),
                "out": str(title.out),
            }
            for title in worst_first[:N_SHOWN]
        ],
    )
    create_markdown_artifact(
        key="batch-heat-map", description=f"Titles by languages. {page}", markdown=batch_heat(report)
    )
    make_state = Failed if report.failed else Completed
    return make_state(message=headline(report), data=report)


def dub_batch(batch: Batch) -> BatchReport:
    """Run the flow here and now (its titles run where the workers are) and return its report, also when one failed."""
    return returned(dub_batch_flow(batch, return_state=True), BatchReport)
