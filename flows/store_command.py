"""`polydub store ls | gc`: what the artifact store holds, title by title, and what may go (docs/storage.md)."""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dub.store_gc import Swept, TitleSize

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def add_store_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    store = commands.add_parser("store", help="what the artifact store holds, and tidying it")
    actions = store.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("ls", help="titles, their sizes and when they were last used")
    tidying = actions.add_parser("gc", help="remove what no title has used for long")
    for action in (listing, tidying):
        action.add_argument(
            "--store", help="a folder or s3://bucket/prefix (default: $POLYDUB_STORE, ~/.cache/polydub/store)"
        )
    tidying.add_argument(
        "--older-than", type=duration, default=30 * 86400.0, metavar="AGE",
        help="what no run has used for so long goes: 30d, 12h (default: 30d)",
    )  # fmt: skip
    tidying.add_argument(
        "--title", action="append", default=[], help="remove what only this title used, however young; repeatable"
    )
    tidying.add_argument(
        "--grace", type=duration, default=86400.0, metavar="AGE",
        help="spare what was made or put since: longer than any stage takes (default: 1d)",
    )  # fmt: skip
    tidying.add_argument("--dry-run", action="store_true", help="say what would go, and remove nothing")
    listing.set_defaults(run=_list)
    tidying.set_defaults(run=_tidy)


def duration(text: str) -> float:
    """`30d`, `12h`, `45m` as seconds."""
    found = re.fullmatch(r"(\d+)([smhdw])", text.strip())
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no time; write 30d, 12h or 45m")
    return float(int(found[1]) * _UNITS[found[2]])


def _list(options: argparse.Namespace) -> int:
    from dub.store import open_store
    from dub.store_gc import titles_in
    from flows.preflight import store_of

    store = open_store(str(store_of(options.store)))
    sizes = titles_in(store)
    _print_titles(sizes, title=str(store))
    if not sizes:
        print("The store is empty.")
    return 0


def _tidy(options: argparse.Namespace) -> int:
    from dub.home import cache_home
    from dub.store import open_store
    from dub.store_gc import sweep
    from flows.fetch import tidy
    from flows.preflight import store_of

    store = open_store(str(store_of(options.store)))
    swept = sweep(
        store,
        older_than_s=options.older_than,
        grace_s=options.grace,
        titles=options.title,
        is_dry_run=options.dry_run,
        tell=lambda said: print(f"  {said}", file=sys.stderr),
    )
    _print_titles(swept.going, title=f"{store}: {'would go' if options.dry_run else 'went'}")
    print("\n".join(_summary(swept, is_dry_run=options.dry_run)))
    if not options.dry_run:
        n_left_over = store.sweep()
        n_sources = tidy(cache_home() / "inbox")
        print(f"Left over by killed processes: {n_left_over} removed. Fetched sources: {n_sources} removed.")
    return 0


def _summary(swept: Swept, *, is_dry_run: bool) -> Iterable[str]:
    verb = "would go" if is_dry_run else "removed"
    yield f"In all: {swept.n_memos} memo records, {swept.n_artifacts} artifacts, {_size(swept.n_bytes)} {verb}."
    if swept.n_young:
        yield f"{swept.n_young} more are needed by no title, and are kept until they are older than the grace time."
    if swept.n_spared:
        yield f"{swept.n_spared} artifacts were taken up by a run meanwhile, and were kept."


def _print_titles(sizes: list[TitleSize], *, title: str) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Column, Table

    if not sizes:
        return
    table = Table(
        Column("title", overflow="fold"), Column("last used", no_wrap=True),
        *(Column(name, justify="right", no_wrap=True) for name in ("runs", "records", "artifacts", "size")),
        box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), title=title, title_justify="left",
    )  # fmt: skip
    for each in sizes:
        used = "at work" if each.is_living else _age(each.used) if each.used else ""
        counts = (each.n_runs or "", each.n_memos, each.n_artifacts, _size(each.n_bytes))
        table.add_row(each.title, used, *(str(count) for count in counts))
    Console().print(table, markup=False)


def _age(moment: float) -> str:
    age_s = max(0.0, time.time() - moment)
    for unit, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if age_s >= unit:
            return f"{age_s / unit:.0f} {name} ago"
    return "just now"


def _size(n_bytes: int) -> str:
    size = float(n_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
