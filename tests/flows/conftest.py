"""Fixtures of the flows' tests: prefect.yaml deployed to a real server, workers that can be killed."""

from __future__ import annotations

import pytest

from tests.flows.workers import deploy


@pytest.fixture(scope="session")
def deployed(prefect_server: str) -> str:
    """The test run's Prefect server with the process pool `polydub` and every deployment of prefect.yaml."""
    deploy()
    return prefect_server
