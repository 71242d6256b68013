"""A batch's titles as flow runs of the deployment `dub-title/title`: workers do the work, we start and await them.

Each run bears a tag that is its title's digest. A batch that was killed finds its runs again by it: what is still
under way is awaited, what has ended well is not run again, what failed is run anew. Of two batches that start the same
title at the same time the idempotency key makes one run.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, ParamSpec, TypeVar
from uuid import UUID

from pydantic import ValidationError

from dub.errors import BadInput, StoreUnavailable
from flows.dub_batch import Ended, PlannedTitle, failed_everywhere
from flows.outcome import RunReport
from flows.publish import published_text

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun

P = ParamSpec("P")
T = TypeVar("T")

DEPLOYMENT = "dub-title/title"
POLL_S = 5.0
LONGEST_S = 24 * 3600.0
"""A title that has not ended by then, counted from its start by this batch, is reported as failed; its run goes on."""
LONGEST_OUTAGE_S = 900.0
"""A Prefect server that does not answer for so long ends the batch; the runs go on, and the next batch finds them."""
N_READ = 200
"""Flow runs that the API gives at a time."""

logger = logging.getLogger("dub")


def run_by_deployment(
    planned: Sequence[PlannedTitle], *, n_at_once: int, deployment: str = DEPLOYMENT, poll_s: float = POLL_S
) -> Iterator[Ended]:
    """Run titles by the deployment's workers, at most `n_at_once` under way, and yield each as it ends.

    Raises BadInput when there is no such deployment, StoreUnavailable when the Prefect server is gone for long.
    """
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        deployment_id = _deployment_id(client, deployment)
        waiting = deque(planned)
        under_way: dict[UUID, tuple[PlannedTitle, float]] = {}
        while waiting or under_way:
            while waiting and len(under_way) < min(n_at_once, N_READ):
                title = waiting.popleft()
                run = _patiently(_start, client, deployment_id, title)
                under_way[run.id] = (title, time.monotonic())
            runs = _patiently(_read, client, list(under_way))
            for run_id, (title, started) in list(under_way.items()):
                ended = _end_of(title, runs.get(run_id), time.monotonic() - started)
                if ended is not None:
                    del under_way[run_id]
                    yield ended
            if under_way:
                time.sleep(poll_s)


def _deployment_id(client: SyncPrefectClient, name: str) -> UUID:
    from prefect.exceptions import ObjectNotFound

    try:
        return client.read_deployment_by_name(name).id
    except ObjectNotFound:
        mend = "`prefect deploy --all` and `prefect worker start --pool polydub`, or leave --prefect out"
        raise BadInput(f"the Prefect server has no deployment {name}", mend=mend) from None


def _start(client: SyncPrefectClient, deployment_id: UUID, planned: PlannedTitle) -> FlowRun:
    """The run that there is already for this very work, else a new one."""
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags
    from prefect.client.schemas.sorting import FlowRunSort

    tag = f"title:{planned.digest[:32]}"
    only_these = FlowRunFilter(tags=FlowRunFilterTags(all_=[tag]))
    earlier = client.read_flow_runs(flow_run_filter=only_these, sort=FlowRunSort.EXPECTED_START_TIME_DESC, limit=1)
    is_first_try = not earlier
    if earlier and not _is_final(earlier[0]):
        return earlier[0]
    if earlier and _is_completed(earlier[0]) and planned.status != "incomplete" and _report_of(planned, earlier[0]):
        return earlier[0]  # ended well, and whoever awaited it died before marking the title as done
    job = planned.title.job.model_dump(mode="json")
    key = f"{tag} first" if is_first_try else f"{tag} after {earlier[0].id}"
    return client.create_flow_run_from_deployment(
        deployment_id, parameters={"job": job}, idempotency_key=key, tags=["batch", tag]
    )


def _read(client: SyncPrefectClient, run_ids: list[UUID]) -> dict[UUID, FlowRun]:
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

    if not run_ids:
        return {}
    only_these = FlowRunFilter(id=FlowRunFilterId(any_=run_ids))
    return {run.id: run for run in client.read_flow_runs(flow_run_filter=only_these, limit=N_READ)}


def _end_of(planned: PlannedTitle, run: FlowRun | None, waited_s: float) -> Ended | None:
    """None while it goes on."""
    if run is None:
        return Ended(planned, failed_everywhere(planned, "its flow run was deleted"), 0.0, waited_s)
    state = run.state_name or "Scheduled"
    if not _is_final(run):
        if waited_s < LONGEST_S:
            return None
        reason = f"its flow run {run.name!r} is still {state} after {waited_s / 3600:.0f} h; it goes on"
        return Ended(planned, failed_everywhere(planned, reason), 0.0, waited_s)
    took_s = run.total_run_time.total_seconds()
    try:
        report = _report_of(planned, run)
    except StoreUnavailable as error:
        return Ended(planned, failed_everywhere(planned, f"its verdicts cannot be read: {error}"), 0.0, took_s)
    if report is None:
        message = (run.state.message or "") if run.state else ""
        reason = "its flow run left no verdicts" if _is_completed(run) else f"{state}: {message}".rstrip(": ")
        return Ended(planned, failed_everywhere(planned, reason), 0.0, took_s)
    return Ended(planned, report.outcomes, report.source_s / 60, took_s)


def _report_of(planned: PlannedTitle, run: FlowRun) -> RunReport | None:
    """What the run left beside its results (flows/deployed.py); None when it never came so far, or when another run
    has ended there since."""
    job = planned.title.job
    try:
        text = published_text(job.out / f"{job.title or job.source.stem}.run.json")
        report = RunReport.model_validate_json(text) if text is not None else None
    except (BadInput, ValidationError):
        return None
    return report if report is not None and report.flow_run == str(run.id) else None


def _is_final(run: FlowRun) -> bool:
    return run.state is not None and run.state.is_final()


def _is_completed(run: FlowRun) -> bool:
    return run.state is not None and run.state.is_completed()


def _patiently(ask: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The Prefect server may be restarted while titles are under way: they do not mind, and neither do we."""
    import httpx
    from prefect.exceptions import PrefectHTTPStatusError

    first_failure: float | None = None
    while True:
        try:
            return ask(*args, **kwargs)
        except (httpx.TransportError, PrefectHTTPStatusError) as error:
            if isinstance(error, PrefectHTTPStatusError) and error.response.status_code < 500:
                raise
            first_failure = first_failure or time.monotonic()
            if time.monotonic() - first_failure > LONGEST_OUTAGE_S:
                raise StoreUnavailable(f"the Prefect server does not answer: {type(error).__name__}") from error
            logger.warning("the Prefect server does not answer (%s); asking again", type(error).__name__)
            time.sleep(POLL_S)
