"""`polydub redub`: one line of a finished dub, said in other words."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flows.redub_line import Redub


def add_redub_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    redub = commands.add_parser("redub", help="say one line of a finished dub in other words")
    redub.add_argument("title", help="the name of the results in --out")
    redub.add_argument("--locale", required=True, help="the dub's locale, e.g. es")
    redub.add_argument("--line", required=True, metavar="N", help="the line's number or id in the report: 17 or u0017")
    redub.add_argument("--text", required=True, help="what is to be said, in the dub's language")
    redub.add_argument("--by", default="", metavar="NAME", help="approve the wording in this name")
    redub.add_argument("--out", default="out", help="folder of the results, or s3://bucket/prefix (default: out)")
    redub.add_argument("--prefect", action="store_true", help="as a Prefect flow; starts a local server if none runs")
    redub.set_defaults(run=run_redub)


def run_redub(options: argparse.Namespace) -> int:
    """The exit code of the run; 0 when the line is spoken in these words already."""
    from dub.home import cache_home
    from dub.location import absolute
    from flows.cli import exit_code, locale_of, print_end
    from flows.console import show_run
    from flows.redub_line import check_line, redub_line

    out, locale = absolute(options.out), locale_of(options.locale)
    with show_run(cache_home() / "native.log"):
        wanted = check_line(out, options.title, locale, options.line, options.text, options.by)
    if not wanted.is_news:
        print(f"{locale} {wanted.line} is spoken in these words already: nothing to do")
        return 0
    if options.prefect:
        from flows.prefect_server import local_server

        with local_server() as url:
            print(f"Prefect: {url}")
            from flows.deployed_redub import redub_as_flow
        with show_run(cache_home() / "native.log"):
            redub = redub_as_flow(options.title, out, locale, wanted.line, options.text, options.by)
    else:
        from flows.dub_title import dub_title

        with show_run(cache_home() / "native.log"):
            redub = redub_line(wanted, dub_title)
    print_end(redub.report)
    print(told(redub))
    return exit_code(redub.report)


def told(redub: Redub) -> str:
    """What it took, in one line."""
    takes = ", ".join(redub.takes) or "none"
    return (
        f"{redub.locale} {redub.line}: {redub.n_stages_run} stages run, {redub.n_stages_from_memo} from the memo; "
        f"spoken again: {takes}; frames rendered again: {100 * redub.frames_share:.0f} %; {redub.seconds:.1f} s"
    )
