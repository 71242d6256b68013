"""What the review measures of real dubs, as one table: `python infra/measure_dubs.py talk.mp4=es,pt-BR other.mp4=ca`.

Dubs each video by the profile (from the memo, where it was done before) and prints one row per language: lips, voice,
words, verdict. Keeps the contact sheets and reports in the output folder, to be looked at.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HEAD = (
    "video", "to", "verdict", "lips shut", "false", "rest", "source's rest", "sharpness", "flicker", "moved",
    "likeness", "misheard", "overrun s",
)  # fmt: skip


def rows(asked: str, out: Path, profile: str) -> Iterator[tuple[str, ...]]:
    from dub.home import cache_home
    from dub.plan import Job
    from flows.console import show_run
    from flows.dub_title import dub_title
    from lang.bcp47 import Locale

    video, _, targets = asked.partition("=")
    source = Path(video).absolute()
    job = Job(
        source=source,
        targets=tuple(Locale(tag) for tag in targets.split(",")),
        out=out / source.stem,
        profile=profile,
    )
    with show_run(cache_home() / "native.log"):
        report = dub_title(job)
    for outcome in report.outcomes:
        path = job.out / f"{report.title}.{outcome.locale}.report.json"
        metrics = json.loads(path.read_text("utf-8"))["metrics"]
        yield (source.stem, str(outcome.locale), outcome.verdict.value, *_figures(metrics))


def _figures(metrics: dict[str, Any]) -> tuple[str, ...]:
    def figure(name: str, digits: int = 2) -> str:
        value = metrics.get(name)
        return "-" if value is None else f"{value:.{digits}f}"

    closures = f"{figure('closure_recall')} of {metrics.get('n_bilabials') or 0}"
    return (
        closures, figure("false_closure_share"), figure("silence_movement", 3), figure("source_silence_movement", 3),
        figure("sharpness_ratio"), figure("flicker_ratio"), figure("rendered_share"), figure("speaker_similarity"),
        figure("word_error"), figure("longest_overrun_s"),
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", nargs="+", metavar="VIDEO=LOCALES")
    parser.add_argument("--out", type=Path, default=Path("measured"))
    parser.add_argument("--profile", default="embedded")
    options = parser.parse_args()
    print("| " + " | ".join(HEAD) + " |\n|" + "---|" * len(HEAD))
    for asked in options.videos:
        for row in rows(asked, options.out.absolute(), options.profile):
            print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
