"""The Kubernetes base, put together by kubectl and held to Kubernetes' own schemas. No cluster: nothing is applied."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.infra import INFRA

pytestmark = pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not installed")
SECRETS = {"polydub-prefect-server", "polydub-prefect-client", "polydub-s3-watcher", "polydub-s3-gc"}
"""Made by hand, as infra/kubernetes/README.md says; no manifest holds one."""


@pytest.fixture(scope="module")
def manifests() -> list[dict[str, Any]]:
    text = subprocess.run(
        ["kubectl", "kustomize", INFRA / "kubernetes"], capture_output=True, text=True, timeout=60, check=True
    ).stdout
    return list(yaml.safe_load_all(text))


def of_kind(manifests: list[dict[str, Any]], *kinds: str) -> dict[str, dict[str, Any]]:
    return {each["metadata"]["name"]: each for each in manifests if each["kind"] in kinds}


def pods(manifests: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, each in of_kind(manifests, "Deployment", "Job", "CronJob").items():
        spec = each["spec"]["jobTemplate"]["spec"] if each["kind"] == "CronJob" else each["spec"]
        yield name, spec["template"]["spec"]


@pytest.mark.parametrize("version", ["1.28", "1.31", "1.34"])
def test_kubernetes_takes_every_manifest(manifests: list[dict[str, Any]], version: str) -> None:
    import kubernetes_validate

    for manifest in manifests:
        kubernetes_validate.validate(manifest, version, strict=True)
        if manifest["kind"] != "Namespace":
            assert manifest["metadata"]["namespace"] == "polydub"


def test_everything_is_there(manifests: list[dict[str, Any]]) -> None:
    assert set(dict(pods(manifests))) == {
        "polydub-server", "polydub-set-up", "polydub-worker-cpu", "polydub-worker-gpu", "polydub-watcher",
        "polydub-store-gc",
    }  # fmt: skip


def test_every_pod_meets_the_restricted_standard(manifests: list[dict[str, Any]]) -> None:
    for name, pod in pods(manifests):
        assert pod["securityContext"]["runAsNonRoot"], name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name
            assert container["resources"]["limits"]["memory"], name
            assert not container["image"].endswith(":latest"), name


def test_only_the_worker_may_talk_to_kubernetes_and_never_read_a_secret(manifests: list[dict[str, Any]]) -> None:
    accounts = of_kind(manifests, "ServiceAccount")
    for name, pod in pods(manifests):
        account = pod["serviceAccountName"]
        assert account in accounts
        assert (pod.get("automountServiceAccountToken", True)) == (account == "polydub-worker"), name
    [role] = of_kind(manifests, "Role").values()
    assert "secrets" not in json.dumps(role)
    assert "*" not in json.dumps(role)


def test_what_a_pod_refers_to_exists(manifests: list[dict[str, Any]]) -> None:
    maps, claims = set(of_kind(manifests, "ConfigMap")), set(of_kind(manifests, "PersistentVolumeClaim"))
    for name, pod in pods(manifests):
        for source in (each for container in pod["containers"] for each in container.get("envFrom", [])):
            if "configMapRef" in source:
                assert source["configMapRef"]["name"] in maps, name
            else:
                assert source["secretRef"]["name"] in SECRETS, name
        for volume in pod["volumes"]:
            if "persistentVolumeClaim" in volume:
                assert volume["persistentVolumeClaim"]["claimName"] in claims
    assert not of_kind(manifests, "Secret")


def test_the_jobs_of_the_pools_find_what_their_template_names(manifests: list[dict[str, Any]]) -> None:
    properties = json.loads((INFRA / "pools" / "kubernetes.json").read_text())["variables"]["properties"]
    assert properties["namespace"]["default"] in of_kind(manifests, "Namespace")
    assert properties["service_account_name"]["default"] in of_kind(manifests, "ServiceAccount")
    assert properties["settings"]["default"] in of_kind(manifests, "ConfigMap")


def test_a_drain_never_takes_the_last_one(manifests: list[dict[str, Any]]) -> None:
    deployments = of_kind(manifests, "Deployment")
    budgets = of_kind(manifests, "PodDisruptionBudget")
    assert set(budgets) == set(deployments) - {"polydub-server"}, "one server alone: a budget would block every drain"
    for name, budget in budgets.items():
        labels = deployments[name]["spec"]["template"]["metadata"]["labels"]
        assert budget["spec"]["selector"]["matchLabels"].items() <= labels.items()
        assert deployments[name]["spec"]["replicas"] > budget["spec"]["minAvailable"]


def test_nobody_gets_in_but_to_the_server(manifests: list[dict[str, Any]]) -> None:
    policies = of_kind(manifests, "NetworkPolicy")
    by_default = policies["polydub-by-default"]["spec"]
    assert by_default["podSelector"] == {}
    assert set(by_default["policyTypes"]) == {"Ingress", "Egress"}
    assert "ingress" not in by_default
    assert policies["polydub-server"]["spec"]["ingress"] == [{"from": [{"podSelector": {}}], "ports": [{"port": 4200}]}]


def test_garbage_is_collected_only_once_somebody_says_so(manifests: list[dict[str, Any]]) -> None:
    assert of_kind(manifests, "CronJob")["polydub-store-gc"]["spec"]["suspend"]
