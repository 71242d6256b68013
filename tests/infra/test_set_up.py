"""Set-up as compose.yaml and Kubernetes run it, on a Prefect server of its own: pools, deployments, automations."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.infra import ROOT


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a client of a fresh server: the other tests' one has deployments that set-up would move."""
    from flows.prefect_server import start_server

    home = tmp_path / "prefect"
    home.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PREFECT_API_URL", raising=False)
        url = start_server(home)
    try:
        yield os.environ | {"PREFECT_HOME": str(home), "PREFECT_API_URL": url, "POLYDUB_CHECKOUT": str(ROOT)}
    finally:
        os.killpg(int((home / "server.url").read_text().split()[1]), signal.SIGKILL)


def run(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.mark.slow
def test_set_up_makes_pools_deployments_and_automations(own_server: dict[str, str]) -> None:
    environment = own_server | {"POLYDUB_TITLE_POOL": "polydub-gpu"}
    told = run(environment, "infra/set_up.py", "--type", "process")
    assert "work pool polydub-cpu (process): made" in told
    assert "deployment dub-title/title: on polydub-gpu" in told
    assert "automation 'Crash zombie flows': made" in told

    code = (
        "from prefect.client.orchestration import get_client\n"
        "with get_client(sync_client=True) as client:\n"
        "    for each in client.read_deployments():\n"
        "        print(each.name, each.work_pool_name)\n"
    )
    pools = dict(line.split() for line in run(environment, "-c", code).splitlines())
    assert set(pools) == {each["name"] for each in yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]}
    assert pools.pop("title") == "polydub-gpu"
    assert set(pools.values()) <= {"polydub-cpu"}, "a pool that no worker serves would keep its runs for ever"
