"""`polydub models list | pull | verify`: the engines' weights, and where each comes from."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Column, Table

from dub.errors import BadInput, DubError, WeightsCorrupt
from dub.plan import Plan

if TYPE_CHECKING:
    from engines.weights import ModelEntry
    from engines.weights_lock import Lock


def list_models(ids: list[str]) -> int:
    """A row per model on stdout, or one for a family that differs in language only."""
    from engines import weights

    lock = weights.read_lock()
    table = Table(
        Column("model", no_wrap=True), Column("licence", no_wrap=True), Column("MB", no_wrap=True, justify="right"),
        Column("from", overflow="fold"), "known", Column("here", no_wrap=True),
        box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0),
    )  # fmt: skip
    for model_id in _known(ids, lock) if ids else [each for each in lock if lock.family_of(each) is None]:
        table.add_row(model_id, *_facts(lock[model_id]), _here(model_id))
    if not ids:
        for family in lock.families.values():
            n_here = sum((weights.models_root() / model_id).is_dir() for model_id in family.codes)
            first = next(iter(family.codes))
            table.add_row(f"{first} ...", *_facts(lock[first]), f"{n_here} of {len(family.codes)}")
    table.caption = "Where not every byte is known: polydub models pull ID --trust-first"
    Console().print(table)
    return 0


def _facts(entry: ModelEntry) -> tuple[str, str, str, str]:
    """Licence of the weights, MB to download, where from, and whether the lock fixes every byte."""
    from engines.weights_entry import HubRepo
    from engines.weights_registries import fetch_bytes

    about = "" if entry.is_known else "~"
    n_bytes = sum(fetch_bytes(package) for package in entry.packages)
    repos = [package for package in entry.packages if isinstance(package, HubRepo)]
    places = dict.fromkeys(f"{repo.hub}@{repo.revision[:8]}" for repo in repos)
    origin = ", ".join(places) or ("packages" if entry.packages else "your own files")
    return entry.licence, f"{about}{n_bytes / 1e6:.0f}", origin, "no" if entry.needs_trust else "yes"


def _here(model_id: str) -> str:
    from engines import weights

    try:
        weights.folder(model_id)
    except WeightsCorrupt:
        return "[red]wrong[/]"
    except DubError:
        return "[yellow]no[/]"
    return "[green]yes[/]"


def pull_models(ids: list[str], profile: str, *, trust_first: bool) -> int:
    """Fetch the models named, or else those that the profile's engines load."""
    from engines import weights
    from flows.preflight import read_plan

    console = Console(stderr=True)
    wanted = ids or models_of(read_plan(profile), console)
    columns = (TextColumn("  {task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"))
    with Progress(*columns, console=console, transient=not sys.stderr.isatty()) as progress:
        bars: dict[str, TaskID] = {}
        lock = threading.Lock()

        def show(model_id: str, done: int, total: int) -> None:
            with lock:
                if model_id not in bars:
                    bars[model_id] = progress.add_task(model_id, total=total)
                progress.update(bars[model_id], completed=done, total=total)

        weights.pull(wanted, show, trust_first=trust_first)
    console.print(f"  [green]✓[/] {len(set(wanted))} models are here and verified")
    return 0


def models_of(plan: Plan, console: Console) -> list[str]:
    """What the plan's engines load, in the plan's order. An engine with a model per language is only told of."""
    from engines import registry, weights
    from flows.preflight import families, options_of

    named = {family: plan.engines_of(family) for family in (*families(), "portrait")}
    named["translation"] = (*plan.translation, *(each for own in plan.locales.values() for each in own.translation))
    named["tts"] = (*plan.tts, *(each for own in plan.locales.values() for each in own.tts))
    lock = weights.read_lock()
    wanted: list[str] = []
    for family, engines in named.items():
        for engine_id in dict.fromkeys(engines):
            spec = registry.spec(family, engine_id)  # type: ignore[arg-type]
            if spec.models and lock.family_of(spec.models[0]) is not None:
                console.print(
                    f"  {engine_id} has a model per language, pull yours: polydub models pull {spec.models[0]}",
                    highlight=False,
                )
                continue
            wanted += spec.weights_for(options_of(plan, family, engine_id))
    return list(dict.fromkeys(wanted))


def verify_models(ids: list[str]) -> int:
    """Read every byte of the models named, or else of all that are here; 1 when one is missing or wrong."""
    from engines import weights

    lock = weights.read_lock()
    n_bad = 0
    for model_id in _known(ids, lock) or [each for each in lock if (weights.models_root() / each).is_dir()]:
        try:
            weights.verify(model_id)
            print(f"ok       {model_id}")
        except DubError as error:
            n_bad += 1
            print(f"missing or wrong  {model_id}: {error}")
    return 1 if n_bad else 0


def _known(ids: list[str], lock: Lock) -> list[str]:
    for model_id in ids:
        if model_id not in lock:
            raise BadInput(f"no model is called {model_id!r}", mend="`polydub models list` names them")
    return ids
