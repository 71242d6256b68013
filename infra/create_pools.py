"""Makes polydub's work pools, or brings their job templates up to date: `python infra/create_pools.py --type process`.

`polydub-cpu` and `polydub-gpu`, and whatever other pool prefect.yaml names. The template of a type is
infra/pools/TYPE.json (Prefect's own with our additions); a pool whose name ends in -gpu gets the defaults of
infra/pools/gpu.json as well. `--set namespace=dubs` sets a default for every pool made, `--set polydub-gpu.image=...`
for one. An operator's limit or pause on a pool that is there stays. Reads PREFECT_API_URL and PREFECT_API_AUTH_STRING.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
POOLS = ROOT / "infra" / "pools"
TYPES = ("process", "docker", "kubernetes", "ecs")
OURS = ("polydub-cpu", "polydub-gpu")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--type", choices=TYPES, default="process", help="what runs the jobs (default: process)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="[POOL.]NAME=VALUE",
        help="a job variable's default; VALUE is JSON, or text",
    )  # fmt: skip
    options = parser.parse_args(arguments)
    settings = dict(_setting(each, parser) for each in options.set)
    for name in pool_names():
        done = create(name, options.type, dict(_meant_for(name, settings)))
        print(f"work pool {name} ({options.type}): {done}")


def pool_names(deployments: Path = ROOT / "prefect.yaml") -> list[str]:
    """Ours, and those that a deployment names."""
    named = yaml.safe_load(deployments.read_text("utf-8")).get("deployments", [])
    return sorted({*OURS, *(each["work_pool"]["name"] for each in named if each.get("work_pool"))})


def template(name: str, kind: str, settings: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The base job template of the pool `name`. Raises KeyError for a setting that is no variable of the template."""
    made: dict[str, Any] = json.loads((POOLS / f"{kind}.json").read_text("utf-8"))
    variables = made["variables"]["properties"]
    gpu = json.loads((POOLS / "gpu.json").read_text("utf-8"))[kind] if name.endswith("-gpu") else {}
    for variable, value in {**gpu, **(settings or {})}.items():
        if variable not in variables:
            raise KeyError(f"{kind}.json has no variable {variable!r}; it has {', '.join(sorted(variables))}")
        variables[variable]["default"] = value
    return made


def create(name: str, kind: str, settings: Mapping[str, Any]) -> str:
    """Make the pool or change its template alone; returns which. Raises SystemExit where the type differs."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
    from prefect.exceptions import ObjectNotFound

    job_template = template(name, kind, settings)
    with get_client(sync_client=True) as client:
        try:
            known = client.read_work_pool(name)
        except ObjectNotFound:
            client.create_work_pool(WorkPoolCreate(name=name, type=kind, base_job_template=job_template))
            return "made"
        if known.type != kind:
            raise SystemExit(f"work pool {name} is of type {known.type}: delete it, or say --type {known.type}")
        client.update_work_pool(name, WorkPoolUpdate(base_job_template=job_template))
        return "updated"


def _setting(text: str, parser: argparse.ArgumentParser) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        parser.error(f"--set {text!r} is not NAME=VALUE")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


def _meant_for(pool: str, settings: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """The settings for every pool, then those for this one."""
    for name, value in settings.items():
        if "." not in name:
            yield name, value
    for name, value in settings.items():
        if name.startswith(f"{pool}."):
            yield name.removeprefix(f"{pool}."), value


if __name__ == "__main__":
    main()
