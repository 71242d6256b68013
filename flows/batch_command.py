"""`polydub batch`: every title of a manifest that is not done yet."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dub.manifest import Batch
    from flows.dub_batch import BatchReport, PlannedTitle, TitleOutcome

N_REASONS = 2


def add_batch_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    batch = commands.add_parser("batch", help="dub the titles of a manifest; what is done and unchanged is passed over")
    batch.add_argument(
        "manifest", help="a table (.csv .tsv .parquet, docs/batches.md), a folder or s3://bucket/prefix of videos"
    )
    batch.add_argument("--out", default="out", help="each title gets a folder in it, or in s3://bucket/prefix")
    batch.add_argument("--to", default="", metavar="LOCALES", help="for titles that name no languages of their own")
    batch.add_argument("--from", dest="source_locale", metavar="LOCALE", help="as above (default: found)")
    batch.add_argument("--profile", default="embedded", help="as above")
    batch.add_argument("--store", help="artifact store: a folder or s3://bucket/prefix (default: $POLYDUB_STORE)")
    batch.add_argument("--prefect", action="store_true", help="one flow run of dub-title/title per title, by workers")
    batch.add_argument("--at-once", type=_at_least_one, default=4, metavar="N", help="so many of them (default: 4)")
    batch.add_argument("--dry-run", action="store_true", help="show what would run and why, and start nothing")
    batch.set_defaults(run=run_batch)


def run_batch(options: argparse.Namespace) -> int:
    """0: every language of every title came out; 1: one failed. Raises BadInput before anything is started."""
    from flows.batch_summary import page_of, publish_summary

    batch = batch_of(options)
    if options.dry_run:
        from flows.dub_batch import plan_batch

        print_plan(plan_batch(batch, works_here=not options.prefect))
        return 0
    if options.prefect:
        from flows.prefect_server import local_server

        with local_server() as url:
            print(f"Prefect: {url}")
            from flows.batch_flow import dub_batch as dub_batch_by_prefect
        report = dub_batch_by_prefect(batch)
    else:
        from dub.home import cache_home
        from flows.console import show_run
        from flows.dub_batch import dub_batch

        with show_run(cache_home() / "native.log"):
            report = dub_batch(batch, told=tell_title)
        publish_summary(report)
    print_report(report)
    print(f"Summary: {page_of(report)}")
    return 1 if report.failed else 0


def batch_of(options: argparse.Namespace) -> Batch:
    from dub.location import absolute
    from dub.manifest import Batch
    from flows.cli import locale_of

    return Batch(
        manifest=absolute(options.manifest),
        out=absolute(options.out),
        targets=tuple(locale_of(tag) for tag in options.to.split(",") if tag.strip()),
        source_locale=locale_of(options.source_locale) if options.source_locale else None,
        profile=options.profile,
        store=absolute(options.store) if options.store else None,
        n_at_once=options.at_once,
    )


def print_plan(planned: list[PlannedTitle]) -> None:
    """A row per title: what would happen to it, and why."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    table = Table("title", "would", "languages", "why")
    for each in planned:
        would = "run" if each.is_to_run else {"unchanged": "be passed over", "broken": "fail"}[each.status]
        languages = " ".join(each.title.job.targets)
        table.add_row(escape(each.title.name), would, languages, escape(f"{each.status}: {each.why}"))
    console.print(table)
    n_run = sum(each.is_to_run for each in planned)
    console.print(f"{n_run} of {len(planned)} titles would run; nothing was started")


def tell_title(title: TitleOutcome) -> None:
    import sys

    print(f"{title.title}: {title.verdict} after {title.took_s:.0f} s ({title.status})", file=sys.stderr)


def print_report(report: BatchReport) -> None:
    """The batch's end on stdout: a row per title that was run, the counts in words."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from flows.batch_summary import counts, headline
    from flows.console import VERDICT_STYLE

    console = Console()
    table = Table("title", "verdict", "status", "why")
    for title in report.titles:
        if title.status == "unchanged":
            continue
        said = [f"{end.locale}: {reason}" for end in title.outcomes for reason in end.reasons[:1]]
        style = VERDICT_STYLE[title.verdict]
        table.add_row(
            escape(title.title), f"[{style}]{title.verdict}[/]", title.status, escape("\n".join(said[:N_REASONS]))
        )
    if table.row_count:
        console.print(table)
    console.print(f"{headline(report)}. {counts(report)}", highlight=False, soft_wrap=True)


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of titles; give 1 or more")
    return int(text)
