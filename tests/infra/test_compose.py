"""compose.yaml read by Docker's own program, then held to what every service must have. No daemon, nothing starts."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.infra import INFRA, checked, script

ONCE = "set-up"


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("secrets") / "secrets"
    script("make_secrets")["make"](folder)
    return folder


@pytest.fixture(scope="module")
def compose(tmp_path_factory: pytest.TempPathFactory, secrets: Path) -> dict[str, Any]:
    """The file as Docker understands it, every profile in, with secrets made beside a copy of it."""
    place = tmp_path_factory.mktemp("checkout") / "infra"
    place.mkdir()
    shutil.copy(INFRA / "compose.yaml", place)
    shutil.copytree(INFRA / "settings", place / "settings")
    shutil.copytree(secrets, place / "secrets")
    text = checked("docker-compose", "-f", place / "compose.yaml", "--profile", "*", "config", "--format", "json")
    read: dict[str, Any] = json.loads(text)
    return read


def test_every_service_is_there(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) == {
        "postgres", "server", "objects", ONCE, "worker-cpu", "worker-gpu", "watcher",
    }  # fmt: skip


def test_every_service_is_confined(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["user"] not in ("root", "0", "0:0"), name
        assert not service.get("privileged"), name
        assert int(service["deploy"]["resources"]["limits"]["memory"]) > 0, name
        assert service["logging"]["options"]["max-size"], name


def test_what_stands_is_restarted_and_tells_whether_it_is_healthy(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["restart"] == ("on-failure:5" if name == ONCE else "unless-stopped"), name
        assert ("healthcheck" in service) == (name != ONCE), name


def test_nothing_starts_before_what_it_needs(compose: dict[str, Any]) -> None:
    needs = {
        name: {other: how["condition"] for other, how in service.get("depends_on", {}).items()}
        for name, service in compose["services"].items()
    }
    assert needs["server"] == {"postgres": "service_healthy"}
    assert needs[ONCE] == {"server": "service_healthy", "objects": "service_healthy"}
    for name in ("worker-cpu", "worker-gpu", "watcher"):
        assert needs[name] == {ONCE: "service_completed_successfully"}


def test_ports_are_open_to_this_machine_alone_and_the_database_to_the_server_alone(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for service in services.values():
        assert all(port["host_ip"] == "127.0.0.1" for port in service.get("ports", []))
    assert compose["networks"]["database"]["internal"]
    assert {name for name, each in services.items() if "database" in each["networks"]} == {"postgres", "server"}


def test_each_service_has_the_identity_made_for_it(compose: dict[str, Any]) -> None:
    for name, identity in (
        ("worker-cpu", "worker"), ("worker-gpu", "worker"), ("watcher", "watcher"), (ONCE, "admin"),
    ):  # fmt: skip
        assert compose["services"][name]["environment"]["AWS_ACCESS_KEY_ID"] == f"polydub-{identity}"
    assert "AWS_ACCESS_KEY_ID" not in compose["services"]["server"]["environment"]


def test_gpus_are_reserved(compose: dict[str, Any]) -> None:
    [gpus] = compose["services"]["worker-gpu"]["deploy"]["resources"]["reservations"]["devices"]
    assert (gpus["driver"], gpus["count"], gpus["capabilities"]) == ("nvidia", -1, ["gpu"])


def test_images_are_pinned_and_no_secret_stands_in_the_file(compose: dict[str, Any], secrets: Path) -> None:
    for service in compose["services"].values():
        assert service["image"].split(":")[-1] not in ("latest", service["image"])
    text = (INFRA / "compose.yaml").read_text("utf-8")
    values = [(secrets / name).read_text("utf-8") for name in ("postgres_password",)]
    values += [
        line.partition("=")[2] for path in secrets.glob("*.env") for line in path.read_text("utf-8").splitlines()
    ]
    assert not [value for value in values if value in text]
    assert not re.search(r"(PASSWORD|AUTH_STRING|SECRET_ACCESS_KEY|TOKEN): *[^ $]", text)


def test_yaml_is_well_formed() -> None:
    checked("yamllint", "--strict", "-c", INFRA / ".yamllint.yaml", INFRA)
