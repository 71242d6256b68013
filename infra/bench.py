"""What each stage costs on this machine: `make bench VIDEO=talk.mp4`.

Dubs a video from an empty store with one stage at a time, so that every stage has the whole machine, and prints a
table of seconds per stage and per minute of video; lip-sync also as a ratio to the plain decode + x264 veryfast encode
of the same file, taken before and after in the same run (median of three).
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

os.environ["POLYDUB_CPU_SLOTS"] = "1"


class StageClock:
    """Observer that keeps the seconds of every stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def started(self, label: str) -> None:
        pass

    def progressed(self, label: str, done: int, total: int) -> None:
        pass

    def finished(self, label: str, is_cached: bool, seconds: float) -> None:
        if not is_cached:
            self.seconds[label] = seconds

    def failed(self, label: str, error: BaseException) -> None:
        print(f"{label} failed: {error}")


def plain_transcode_s(video: Path) -> float:
    """Median seconds of three plain decode + x264 veryfast encodes, sound left out."""
    from dub.media import ffmpeg_exe

    def once() -> float:
        started = time.monotonic()
        command = [ffmpeg_exe(), "-v", "error", "-nostdin", "-i", str(video), "-an", "-c:v", "libx264"]
        subprocess.run([*command, "-preset", "veryfast", "-crf", "18", "-f", "null", "-"], check=True)
        return time.monotonic() - started

    return statistics.median(once() for _ in range(3))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("video", type=Path)
    parser.add_argument("--to", default="pt-BR,es")
    options = parser.parse_args()
    from dub.plan import Job
    from flows.dub_title import dub_title
    from lang.bcp47 import Locale
    from tasks.policy import observed_by

    clock = StageClock()
    plain_s = [plain_transcode_s(options.video)]
    with tempfile.TemporaryDirectory() as folder, observed_by(clock):
        targets = tuple(Locale(tag) for tag in options.to.split(","))
        job = Job(
            source=options.video.absolute(), targets=targets, out=Path(folder, "out"), store=Path(folder, "store")
        )
        started = time.monotonic()
        report = dub_title(job)
        whole_s = time.monotonic() - started
        cached_started = time.monotonic()
        dub_title(job)
        cached_s = time.monotonic() - cached_started
    plain_s.append(plain_transcode_s(options.video))
    from dub.video_facts import video_facts

    minutes = float(video_facts(options.video).duration) / 60
    print("| stage | s | s per minute of video |\n|---|---|---|")
    for label, seconds in clock.seconds.items():
        print(f"| {label} | {seconds:.1f} | {seconds / minutes:.0f} |")
    print(f"| whole run, one stage at a time, {len(targets)} languages | {whole_s:.1f} | {whole_s / minutes:.0f} |")
    print(f"| again, from the memo | {cached_s:.1f} | |")
    plain = statistics.mean(plain_s)
    print(f"\nPlain decode + x264 veryfast: {plain:.2f} s ({', '.join(f'{s:.2f}' for s in plain_s)} before and after)")
    for locale in targets:
        moved_s = sum(
            seconds
            for label, seconds in clock.seconds.items()
            if label in (f"plan lips {locale}", f"join lips {locale}") or label.startswith(f"lipsync {locale}")
        )
        print(f"Lip-sync {locale}: {moved_s / plain:.2f} x plain transcode")
    print(f"Peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB; verdict {report.verdict}")


if __name__ == "__main__":
    main()
