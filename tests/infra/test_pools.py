"""The work pools' job templates: as Prefect reads them, filled in, and for Kubernetes held to its own schemas."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest

from tests.infra import INFRA, script

POOLS = script("create_pools")
KINDS = POOLS["TYPES"]
NAMES = ("polydub-cpu", "polydub-gpu")


def filled_in(pool: str, kind: str, **values: Any) -> dict[str, Any]:
    """The configuration of a job of this pool, by Prefect's own templating. No template of ours refers to a block or a
    variable on the server, so no client is needed, and one that knows nothing shows it."""
    from prefect.workers.base import BaseJobConfiguration

    class Anything(BaseJobConfiguration):
        model_config = {"extra": "allow"}

    nobody: Any = object()
    job = asyncio.run(Anything.from_template_and_values(POOLS["template"](pool, kind), values, client=nobody))
    read: dict[str, Any] = job.model_dump(mode="json")
    return read


@pytest.mark.parametrize("kind", KINDS)
def test_every_placeholder_is_a_variable_and_every_variable_has_its_place(kind: str) -> None:
    template = POOLS["template"]("polydub-cpu", kind)
    used = set(re.findall(r"\{\{ (\w+) \}\}", json.dumps(template["job_configuration"])))
    assert used == set(template["variables"]["properties"])


def test_the_process_template_is_prefects_own_with_our_default() -> None:
    from prefect.workers.process import ProcessWorker

    own = ProcessWorker.get_default_base_job_template()
    ours = POOLS["template"]("polydub-cpu", "process")
    assert ours["job_configuration"] == own["job_configuration"]
    assert set(ours["variables"]["properties"]) == set(own["variables"]["properties"])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMES)
def test_a_deployments_own_variables_come_beside_ours(name: str, kind: str) -> None:
    ours = {"OPENBLAS_NUM_THREADS": "1"}
    if name == "polydub-gpu" and kind != "process":  # a process inherits what its worker has
        ours["POLYDUB_GPUS"] = "1"
    assert filled_in(name, kind, env={"MINE": "1"})["env"] == ours | {"MINE": "1"}


def test_docker_jobs_are_confined_and_get_a_gpu_where_asked() -> None:
    cpu, gpu = (filled_in(name, "docker")["container_create_kwargs"] for name in NAMES)
    assert cpu["cap_drop"] == gpu["cap_drop"] == ["ALL"]
    assert (cpu["device_requests"], cpu["shm_size"]) == ([], "2g")
    assert gpu["device_requests"] == [{"driver": "nvidia", "count": 1, "capabilities": [["gpu"]]}]


@pytest.mark.parametrize("name", NAMES)
def test_kubernetes_takes_the_job(name: str) -> None:
    import kubernetes_validate

    manifest = filled_in(name, "kubernetes", name="talk", command="prefect flow-run execute")["job_manifest"]
    [container] = manifest["spec"]["template"]["spec"]["containers"]
    # As its worker does: both are lists in Kubernetes.
    container["args"] = container["args"].split()
    container["env"] = [{"name": key, "value": value} for key, value in container.pop("env").items()]
    kubernetes_validate.validate(manifest, "1.31", strict=True)
    assert container["resources"]["limits"]["nvidia.com/gpu"] == (1 if name == "polydub-gpu" else 0)
    pod = manifest["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert not pod["automountServiceAccountToken"]
    assert bool(pod["nodeSelector"]) == bool(pod["tolerations"]) == (name == "polydub-gpu")
    [shm] = [each for each in pod["volumes"] if each["name"] == "shm"]
    assert shm["emptyDir"]["medium"] == "Memory"


def test_ecs_gpu_jobs_ask_for_the_gpu_and_the_capacity_that_has_one() -> None:
    cpu, gpu = (filled_in(name, "ecs") for name in NAMES)
    [container] = gpu["task_definition"]["containerDefinitions"]
    assert container["resourceRequirements"] == [{"type": "GPU", "value": "1"}]
    assert container["linuxParameters"]["sharedMemorySize"] >= 1024
    assert gpu["task_run_request"]["capacityProviderStrategy"] == [{"capacityProvider": "polydub-gpu", "weight": 1}]
    [container] = cpu["task_definition"]["containerDefinitions"]
    assert container["resourceRequirements"] == []
    assert "sharedMemorySize" not in container["linuxParameters"], "Fargate refuses it"
    assert "ephemeralStorage" not in cpu["task_definition"]


def test_a_setting_that_is_no_variable_is_refused() -> None:
    with pytest.raises(KeyError, match="no variable 'gpus'"):
        POOLS["template"]("polydub-gpu", "kubernetes", {"gpus": 2})


def test_every_pool_that_a_deployment_names_is_made() -> None:
    import yaml

    named = yaml.safe_load((INFRA.parent / "prefect.yaml").read_text("utf-8"))["deployments"]
    assert {each["work_pool"]["name"] for each in named} | set(NAMES) == set(POOLS["pool_names"]())


def test_pools_are_made_and_an_operators_limit_outlives_the_next_set_up(prefect_server: str) -> None:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolUpdate

    create = POOLS["create"]
    name = "try-gpu"
    assert create(name, "docker", {"image": "registry.example.org/polydub:1"}) == "made"
    with get_client(sync_client=True) as client:
        client.update_work_pool(name, WorkPoolUpdate(concurrency_limit=3, is_paused=True))
        assert create(name, "docker", {"image": "registry.example.org/polydub:2"}) == "updated"
        pool = client.read_work_pool(name)
        client.delete_work_pool(name)
    assert (pool.type, pool.concurrency_limit, pool.is_paused) == ("docker", 3, True)
    variables = pool.base_job_template["variables"]["properties"]
    assert variables["image"]["default"] == "registry.example.org/polydub:2"
    assert variables["device_requests"]["default"], "its name ends in -gpu"
