"""A batch's flow runs on a real server; the test itself is the worker that ends them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from dub.errors import BadInput
from dub.finding import Level
from dub.manifest import ManifestTitle
from dub.plan import Job
from flows.dub_batch import Ended, PlannedTitle
from flows.outcome import LocaleOutcome, RunReport
from flows.title_runs import run_by_deployment
from lang.bcp47 import Locale
from tests.flows.workers import wait_for

pytestmark = pytest.mark.slow


@pytest.fixture
def client(deployed: str) -> Iterator[Any]:
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        yield client


def planned(name: str, out: Path, digest: str = "", status: Any = "new") -> PlannedTitle:
    job = Job(source=Path("/films") / f"{name}.mp4", targets=(Locale("es"), Locale("fr")), out=out, title=name)
    return PlannedTitle(ManifestTitle(2, job), status, "", {"source": digest or uuid4().hex})


def runs_of(client: Any, *titles: PlannedTitle) -> list[Any]:
    """Their flow runs, the oldest first."""
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags

    tags = [f"title:{title.digest[:32]}" for title in titles]
    found = client.read_flow_runs(flow_run_filter=FlowRunFilter(tags=FlowRunFilterTags(any_=tags)))
    return sorted(found, key=lambda run: run.created)


def leave_report(out: Path, run: Any) -> None:
    """As the flow does at its end."""
    outcomes = tuple(LocaleOutcome(locale=Locale(tag), verdict=Level.OK, files=("x.mp4",)) for tag in ("es", "fr"))
    title = run.parameters["job"]["title"]
    report = RunReport(title=title, outcomes=outcomes, html=out / "report.html", flow_run=str(run.id))
    (out / f"{title}.run.json").write_text(report.model_dump_json())


def end(client: Any, run: Any, state: Any) -> None:
    client.set_flow_run_state(run.id, state, force=True)


def by_deployment(titles: list[PlannedTitle], n_at_once: int = 4) -> list[Ended]:
    return list(run_by_deployment(titles, n_at_once=n_at_once, poll_s=0.1))


def test_no_more_at_once_than_asked_for_and_a_crash_is_told(client: Any, tmp_path: Path) -> None:
    from prefect.states import Cancelled, Crashed

    titles = [planned(name, tmp_path) for name in ("a", "b", "c")]
    with ThreadPoolExecutor(1) as thread:
        batch = thread.submit(by_deployment, titles, 2)
        first, second = wait_for("two runs", lambda: len(found := runs_of(client, *titles)) == 2 and found)
        assert first.parameters["job"]["title"] == "a"
        end(client, first, Crashed(message="the process was killed"))
        runs = wait_for("the third", lambda: len(found := runs_of(client, *titles)) == 3 and found)
        end(client, second, Cancelled())
        end(client, runs[2], Crashed(message="out of memory"))
        ended = {each.planned.title.name: each for each in batch.result(60)}
    assert {outcome.verdict for each in ended.values() for outcome in each.outcomes} == {Level.FAILED}
    assert [outcome.locale for outcome in ended["a"].outcomes] == ["es", "fr"]
    assert ended["a"].outcomes[0].reasons == ("Crashed: the process was killed",)
    assert ended["b"].outcomes[0].reasons == ("Cancelled",)


def test_what_is_under_way_is_awaited_what_failed_is_run_anew(client: Any, tmp_path: Path) -> None:
    from prefect.states import Completed, Failed, Running

    title = planned("d", tmp_path)
    with ThreadPoolExecutor(2) as threads:
        batches = [threads.submit(by_deployment, [title]) for _ in range(2)]
        [run] = wait_for("one run", lambda: runs_of(client, title))
        end(client, run, Running())
        end(client, run, Failed(message="failed: es"))
        assert [batch.result(60)[0].outcomes[0].reasons for batch in batches] == [("Failed: failed: es",)] * 2
        assert len(runs_of(client, title)) == 1, "two batches at once, one run"

        again = threads.submit(by_deployment, [title])
        runs = wait_for("a new run", lambda: len(found := runs_of(client, title)) == 2 and found)
        leave_report(tmp_path, runs[1])
        end(client, runs[1], Completed())
        assert {outcome.verdict for outcome in again.result(60)[0].outcomes} == {Level.OK}
    [ended] = by_deployment([title])
    assert {outcome.verdict for outcome in ended.outcomes} == {Level.OK}
    assert len(runs_of(client, title)) == 2, "what ended well is not run again"
    incomplete = planned("d", tmp_path, title.facts["source"], "incomplete")
    assert incomplete.digest == title.digest
    with ThreadPoolExecutor(1) as thread:
        batch = thread.submit(by_deployment, [incomplete])
        runs = wait_for("a third run", lambda: len(found := runs_of(client, title)) == 3 and found)
        end(client, runs[2], Completed())
        assert batch.result(60)[0].outcomes[0].reasons == ("its flow run left no verdicts",), "those are another run's"


def test_a_deployment_that_is_not_there_is_named_with_the_mend(client: Any) -> None:
    with pytest.raises(BadInput, match="no deployment dub-title/nothing"):
        list(run_by_deployment([planned("e", Path("/dubs"))], n_at_once=1, deployment="dub-title/nothing"))
