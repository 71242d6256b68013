"""Which measure catches which fault: plants one fault at a time in talking videos, scores them, prints a table.

    python infra/plant_mouth_faults.py samples/hello.mp4 talk.mp4 ... [--keep FOLDER]

The table of docs/mouth-metrics.md is this command's output. Needs the test requirements; minutes per clip.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from dub.score import METRICS, MouthScore
from dub.video_facts import video_facts
from engines import registry
from flows.score_preflight import ScoreJob
from flows.score_title import score_title
from tests.mouth_faults import FAULTS, Clip

MARKS = {"ok": "", "degraded": " !", "failed": " !!"}


def scores(video: Path, folder: Path) -> dict[str, MouthScore]:
    """Every fault's score, held against the untouched video."""
    facts = video_facts(video)
    face = registry.load("face", "mediapipe").track(video, facts).faces[0]
    clip = Clip.read(video, facts, face)
    found = {}
    for fault, plant in FAULTS.items():
        faulty = plant(clip, folder / f"{video.stem}.{fault.replace(' ', '_')}.mkv")
        found[fault] = score_title(ScoreJob(video=faulty, source=video, out=folder, store=folder / "store"))
        print(f"{video.stem}, {fault}: {found[fault].verdict}", file=sys.stderr, flush=True)
    return found


def table(title: str, found: dict[str, MouthScore]) -> str:
    """Markdown: a row per measure that gates, a column per fault; `!` degraded, `!!` failed, `-` not measured."""
    lines = [f"| {title} | " + " | ".join(found) + " |", "|---" * (len(found) + 1) + "|"]
    for name in (name for name, metric in METRICS.items() if metric.gates):
        cells = []
        for score in found.values():
            value, level = score.value(name), score.level(name)
            cells.append("-" if value is None else f"{value:.3g}{MARKS[level] if level else ''}")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("videos", nargs="+", type=Path)
    parser.add_argument("--keep", type=Path, help="where the faulty videos and their pages stay (default: nowhere)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        for video in options.videos:
            print(table(video.stem, scores(video.absolute(), folder.absolute())), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
