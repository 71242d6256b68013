"""Whether a run may still publish: its source is the one that was meant, and nobody has cancelled it."""

from __future__ import annotations

import logging

from dub.errors import RunCancelled
from dub.plan import Job
from flows.fetch import check_not_superseded
from tasks.policy import is_in_prefect_flow

logger = logging.getLogger("dub")


def check_may_publish(job: Job) -> None:
    """Raises Superseded when the source was replaced, RunCancelled when the flow run was cancelled: its worker ends its
    process, but may hear of it seconds later, and files that appear after a cancel are nobody's."""
    check_not_superseded(job)
    if is_in_prefect_flow() and _is_cancelled():
        raise RunCancelled("the run was cancelled", mend="run it again: what was finished is kept")


def _is_cancelled() -> bool:
    """Does Prefect say so? No, where it does not answer: its outage stops no dub."""
    import httpx
    from prefect.client.orchestration import get_client
    from prefect.context import FlowRunContext

    run = FlowRunContext.get()
    if run is None or run.flow_run is None:
        return False
    try:
        with get_client(sync_client=True) as client:
            state = client.read_flow_run(run.flow_run.id).state
    except httpx.HTTPError as error:
        logger.warning("Prefect does not say whether this run was cancelled: %s", type(error).__name__)
        return False
    return state is not None and (state.is_cancelling() or state.is_cancelled())
