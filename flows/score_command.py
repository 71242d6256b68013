"""`polydub score`: any dub, ours or anybody's, with the report that ours have; or the mouth alone."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dub.finding import Review
    from dub.score import MouthScore
    from flows.score_preflight import ScoreJob


def add_score_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    score = commands.add_parser("score", help="review a finished dub, ours or anybody's: its report, and its mouth")
    score.add_argument("video", type=Path, help="the dub, as a file")
    score.add_argument("--source", type=Path, help="the video it was made from: without it little can be told")
    words = score.add_mutually_exclusive_group()
    words.add_argument("--script", type=Path, help="what the dub says, timed (.srt .vtt .csv .json); needs --language")
    words.add_argument("--text", type=Path, help="a file with the words that the dub says, without times")
    words.add_argument(
        "--no-words", action="store_true", help="the mouth alone, and no p, b or m: nothing is listened for"
    )
    words.add_argument("--mouth-only", action="store_true", help="the mouth alone: no report")
    score.add_argument("--language", metavar="LOCALE", help="the language the dub is in (default: found)")
    score.add_argument(
        "--from", dest="source_language", metavar="LOCALE", help="the source's language (default: found)"
    )
    score.add_argument("--source-script", type=Path, help="what the source says, timed; needs --from")
    score.add_argument("--out", type=Path, default=Path("score"), help="folder for the results (default: score)")
    score.add_argument("--profile", default="embedded", help="a shipped profile or the path of your own .toml")
    score.add_argument("--store", type=Path, help="artifact store (default: ~/.cache/polydub/store)")
    score.add_argument("--json", action="store_true", help="print JSON, not tables")
    score.set_defaults(run=run_score)


def run_score(options: argparse.Namespace) -> int:
    """0: nothing that gates failed; 1: something did."""
    from dub.home import cache_home
    from flows.console import show_run
    from flows.score_dub import score_dub
    from flows.score_title import score_title

    job = _job_of(options)
    if options.no_words or options.mouth_only:
        with show_run(cache_home() / "native.log"):
            mouth = score_title(job)
        if options.json:
            print(mouth.model_dump_json(indent=1))
        else:
            print_mouth(mouth)
            print(f"Page: {job.out / f'{job.title}.score.html'}")
        return 1 if mouth.verdict == "failed" else 0
    with show_run(cache_home() / "native.log"):
        scored = score_dub(job)
    if options.json:
        print(json.dumps(_as_json(scored), ensure_ascii=False, indent=1))
    else:
        print_mouth(scored.mouth)
        print_review(job.title, scored.review)
        print(f"Mouth: {job.out / f'{job.title}.score.html'}\nReport: {scored.html}")
    return 1 if scored.verdict == "failed" else 0


def _job_of(options: argparse.Namespace) -> ScoreJob:
    """Raises BadInput naming the option."""
    from flows.cli import locale_of
    from flows.score_preflight import ScoreJob

    def there(path: Path | None) -> Path | None:
        return path.absolute() if path else None

    return ScoreJob(
        video=options.video.absolute(),
        out=options.out.absolute(),
        source=there(options.source),
        script=there(options.script),
        text=_words(options.text) if options.text else "",
        language=locale_of(options.language) if options.language else None,
        words=not options.no_words,
        source_language=locale_of(options.source_language) if options.source_language else None,
        source_script=there(options.source_script),
        profile=options.profile,
        store=there(options.store),
    )


def _words(file: Path) -> str:
    from dub.errors import BadInput

    try:
        words = " ".join(file.read_text("utf-8").split())
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"--text: {file} cannot be read: {error}", mend="give a text file in UTF-8") from error
    if not words:
        raise BadInput(f"--text: {file} is empty", mend="give the words that the dub says, or leave --text out")
    return words


def _as_json(scored: Any) -> dict[str, Any]:
    """`review` as in NAME.LOCALE.report.json, `mouth` as in NAME.score.json."""
    from tasks.report import review_json

    return {
        "verdict": str(scored.verdict),
        "report": str(scored.html),
        "review": json.loads(review_json(scored.review)),
        "mouth": scored.mouth.model_dump(mode="json"),
    }


def print_review(title: str, review: Review) -> None:
    """The verdict, and every finding that is not ok, worst first."""
    import sys

    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from dub.report_rows import finding_rows
    from flows.console import VERDICT_STYLE

    console = Console(width=None if sys.stdout.isatty() else 140)
    table = Table("check", "line", "found", "value", "limit", "verdict", box=SIMPLE_HEAD)
    for row in finding_rows(review.findings):
        if row.level != "ok":
            verdict = f"[{VERDICT_STYLE[row.level]}]{row.level}[/]"
            table.add_row(row.label, row.utterance_id, row.message, row.value, row.limit, verdict)
    n_ok = sum(finding.level == "ok" for finding in review.findings)
    style = VERDICT_STYLE[review.verdict]
    console.print(f"{title} in {review.locale}: [{style}]{review.verdict}[/] ({n_ok} findings are ok)", highlight=False)
    console.print(table, highlight=False)


def print_mouth(score: MouthScore) -> None:
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
    console.print(f"The mouth of {score.title}: [{style}]{score.verdict}[/] ({seen})", highlight=False)
    console.print(table, highlight=False)
