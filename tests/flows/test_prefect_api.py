"""Our calls of Prefect's API, to the real server, where the connection is dropped under them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dub.plan import Job
from flows.prefect_api import N_TRIES, PrefectApi, PrefectAway
from tests.faulty_s3 import FaultyS3, faulty
from tests.flows.watching import make_deployment


@pytest.fixture
def proxy(prefect_server: str) -> Iterator[FaultyS3]:
    with faulty(prefect_server) as proxy:
        yield proxy


@pytest.fixture
def api(proxy: FaultyS3) -> Iterator[PrefectApi]:
    """It calls the server through the proxy."""
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings({PREFECT_API_URL: f"{proxy.url}/api"}), PrefectApi() as api:
        yield api


@pytest.mark.parametrize("kind", ["refuse", "cut-download"])
def test_a_dropped_connection_is_called_again_and_starts_no_second_run(
    kind: str, prefect_server: str, proxy: FaultyS3, api: PrefectApi
) -> None:
    """As uvicorn drops one that was idle for 5 s, just when the next request is sent on it."""
    deployment_id = api.deployment_id(make_deployment(prefect_server))
    fault = proxy.fail(kind, "create_flow_run", n=1)
    job = Job(source="talk.mp4", targets=("es",), out="out").model_dump(mode="json")
    run, _ = api.create_run(deployment_id, {"job": job}, key=kind)
    assert fault.n_met == 1
    assert api.n_active(deployment_id) == 1
    assert api.create_run(deployment_id, {"job": job}, key=kind) == (run, False)


def test_a_connection_that_is_always_dropped_is_a_server_that_is_away(proxy: FaultyS3, api: PrefectApi) -> None:
    fault = proxy.fail("refuse")
    with pytest.raises(PrefectAway, match="does not answer"):
        api.deployment_id("dub-title/anyone")
    assert fault.n_met == N_TRIES
