"""`polydub score`: the mouth of any talking or dubbed video, measured and shown."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dub.score import MouthScore


def add_score_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    score = commands.add_parser("score", help="measure the mouth of a talking or dubbed video, ours or anybody's")
    score.add_argument("video", type=Path)
    score.add_argument("--source", type=Path, help="the video it was made from: what was changed, how well, what else")
    words = score.add_mutually_exclusive_group()
    words.add_argument("--script", type=Path, help="what is said, timed (.srt .vtt .csv .json); needs --language")
    words.add_argument("--text", type=Path, help="a file with the words that are said, without times")
    words.add_argument("--no-words", action="store_true", help="do not listen for words: p, b and m are not judged")
    score.add_argument("--language", metavar="LOCALE", help="the language spoken (default: found)")
    score.add_argument("--out", type=Path, default=Path("score"), help="folder for page and JSON (default: score)")
    score.add_argument("--profile", default="embedded", help="a shipped profile or the path of your own .toml")
    score.add_argument("--store", type=Path, help="artifact store (default: ~/.cache/polydub/store)")
    score.add_argument("--json", action="store_true", help="print the JSON, not the table")
    score.set_defaults(run=run_score)


def run_score(options: argparse.Namespace) -> int:
    """0: nothing that gates failed; 1: something did."""
    from dub.errors import BadInput
    from dub.home import cache_home
    from flows.console import show_run
    from flows.score_title import ScoreJob, score_title
    from lang.registry import UnknownLanguage, supported_locale

    try:
        language = supported_locale(options.language) if options.language else None
    except UnknownLanguage as error:
        raise BadInput(str(error), mend="`polydub languages` lists what is known") from error
    if options.text and not options.text.is_file():
        raise BadInput(f"{options.text} is no file", mend="give a text file with the words that are said")
    out = options.out.absolute()
    job = ScoreJob(
        video=options.video.absolute(),
        out=out,
        source=options.source.absolute() if options.source else None,
        script=options.script.absolute() if options.script else None,
        text=" ".join(options.text.read_text("utf-8").split()) if options.text else "",
        language=language,
        words=not options.no_words,
        profile=options.profile,
        store=options.store.absolute() if options.store else None,
    )
    with show_run(cache_home() / "native.log"):
        score = score_title(job)
    if options.json:
        print(score.model_dump_json(indent=1))
    else:
        print_score(score)
        print(f"Page: {out / f'{job.video.stem}.score.html'}")
    return 1 if score.verdict == "failed" else 0


def print_score(score: MouthScore) -> None:
    """A row per measure: its value, what real video scores, the limit, the verdict and why."""
    import sys

    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from dub.score import METRICS
    from dub.score_page import range_text, value_text, verdict_text
    from flows.console import VERDICT_STYLE

    console = Console(width=None if sys.stdout.isatty() else 140)
    table = Table("measure", "value", "real video", "limit", "verdict", "note", box=SIMPLE_HEAD)
    for measure in score.measures:
        metric = METRICS[measure.metric]
        word, kind = verdict_text(measure, metric)
        style = VERDICT_STYLE.get(kind, "dim")
        limit = range_text(metric.ok) if metric.gates else ""
        table.add_row(
            metric.what,
            value_text(measure, metric),
            range_text(metric.real),
            limit,
            f"[{style}]{word}[/]",
            measure.note,
        )
    style = VERDICT_STYLE[score.verdict]
    seen = f"{score.n_frames_with_face} of {score.n_frames} frames show a face"
    console.print(f"{score.title}: [{style}]{score.verdict}[/] ({seen})", highlight=False)
    console.print(table, highlight=False)
