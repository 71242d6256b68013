"""`polydub doctor`: what this machine has, what is missing, and the command that mends it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial

from rich.console import Console

from dub.errors import DubError
from dub.home import cache_home
from flows.prefect_server import running_server
from flows.preflight import choose, families, read_plan

MIN_FREE_DISK_GB = 5
MIN_MEMORY_GB = 4


def examine(profile: str) -> bool:
    """Print one line per need of the profile; True when nothing is missing."""
    console = Console()
    plan = read_plan(profile)
    checks: list[tuple[str, Callable[[], str]]] = [
        ("Python", _python), ("ffmpeg", _ffmpeg), ("disk", _disk), ("memory", _memory),
    ]  # fmt: skip
    for family in families():
        for engine_id in plan.engines_of(family):
            checks.append((f"{family}: {engine_id}", partial(_engine, family, engine_id)))
    for family, engine_ids in (("translation", plan.translation), ("tts", plan.tts)):
        for engine_id in engine_ids:
            checks.append((f"{family}: {engine_id}", partial(_engine, family, engine_id)))
    n_missing = 0
    for name, look in checks:
        try:
            console.print(f"[green]✓[/] {name:32} {look()}", highlight=False)
        except DubError as error:
            n_missing += 1
            console.print(f"[red]✗[/] {name:32} {error}", highlight=False)
    if server := running_server(cache_home() / "prefect"):
        console.print(f"Prefect server: {server[0]}; to stop it: kill {server[1]}", highlight=False, soft_wrap=True)
    console.print("everything is here" if not n_missing else f"{n_missing} missing", highlight=False)
    return n_missing == 0


def _python() -> str:
    return f"{sys.version.split()[0]} with {len(os.sched_getaffinity(0))} CPU cores"


def _ffmpeg() -> str:
    from dub import media

    first = subprocess.run([media.ffmpeg_exe(), "-version"], capture_output=True, text=True, check=True).stdout
    media.ffprobe_exe()
    return first.splitlines()[0].split(" Copyright")[0]


def _disk() -> str:
    from dub.errors import EngineUnavailable

    home = cache_home()
    home.mkdir(parents=True, exist_ok=True)
    free_gb = shutil.disk_usage(home).free / 1e9
    if free_gb < MIN_FREE_DISK_GB:
        raise EngineUnavailable(
            f"{free_gb:.1f} GB free for weights and store in {home}", mend="free some, or set POLYDUB_HOME elsewhere"
        )
    return f"{free_gb:.0f} GB free in {home}"


def _memory() -> str:
    from dub.errors import EngineUnavailable

    total_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    if total_gb < MIN_MEMORY_GB:
        raise EngineUnavailable(
            f"{total_gb:.1f} GB of memory; {MIN_MEMORY_GB} GB are needed", mend="use a larger machine"
        )
    return f"{total_gb:.0f} GB"


def _engine(family: str, engine_id: str) -> str:
    from engines import registry

    spec = registry.spec(family, engine_id)  # type: ignore[arg-type]
    licences = f"{spec.code_licence}; weights {spec.weights_licence}"
    if not spec.model_of_locale:
        choose(family, engine_id, {})
        return licences
    here = [model for model in spec.models if _is_here(model)]
    choose(family, engine_id, {"model": here[0] if here else spec.models[0]})
    return f"{licences}; {len(here)} of its {len(spec.models)} models, one for each language"


def _is_here(model_id: str) -> bool:
    from engines import weights

    try:
        weights.folder(model_id)
    except DubError:
        return False
    return True
