"""A run that was cancelled publishes nothing, whether or not its worker has heard of it."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from tasks.policy import Observer, observed_by
from tests.flows.toy_titles import spanish_job


class CancelsItsRun(Observer):
    """Cancels the flow run once the Spanish sound is mixed, as somebody else would whose worker has gone."""

    def finished(self, label: str, is_cached: bool, seconds: float) -> None:
        if label != "mix es":
            return
        from prefect.client.orchestration import get_client
        from prefect.runtime import flow_run
        from prefect.states import Cancelling

        with get_client(sync_client=True) as client:
            client.set_flow_run_state(UUID(flow_run.id), Cancelling(), force=True)


def test_files_do_not_appear_after_a_cancel(prefect_server: str, tmp_path: Path) -> None:
    from flows.deployed import dub_title_flow

    job = spanish_job(tmp_path)
    with observed_by(CancelsItsRun()):
        state = dub_title_flow(job, return_state=True)
    assert (state.type.value, state.name) == ("CANCELLED", "Cancelled"), state
    made = {path.name for path in (tmp_path / "out").iterdir()}
    assert not {name for name in made if name.endswith((".mp4", ".srt", ".vtt", ".html"))}, made
    again = dub_title_flow(job, return_state=True)
    assert again.is_completed(), "what was finished is kept, and the next run goes on"
    assert (tmp_path / "out/talk.es.mp4").is_file()
