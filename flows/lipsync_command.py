"""`polydub lipsync`: the lips of a video moved to a dub that somebody brings."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_lipsync_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser("lipsync", help="move the lips of a video to a sound that you bring")
    command.add_argument("video", type=Path, help="the talking video")
    command.add_argument("--audio", required=True, type=Path, help="the dub: its sound replaces the video's")
    command.add_argument("--out", type=Path, help="the result (default: VIDEO's name with .synced.mp4)")
    command.add_argument(
        "--text", metavar="FILE|WORDS",
        help="what the dub says, plain or as a timed script (.srt .vtt); without it the words are recognised",
    )  # fmt: skip
    command.add_argument("--language", metavar="LOCALE", help="the dub's language (default: found)")
    command.add_argument(
        "--from-audio", action="store_true",
        help="use no words: the lips follow the sound, as the speaker's own do in the video",
    )  # fmt: skip
    command.add_argument(
        "--length", choices=("cut", "hold"), default="same",
        help="where dub and video end apart: cut to the shorter, or hold the last frame or a silence until the longer "
        "ends (default: refuse)",
    )  # fmt: skip
    command.add_argument("--report", action="store_true", help="measure the result; writes .report.html and .json")
    command.add_argument("--profile", default="embedded", help="a shipped profile or the path of your own .toml")
    command.add_argument("--store", type=Path, help="artifact store (default: ~/.cache/polydub/store)")
    command.set_defaults(run=run_lipsync)


def run_lipsync(options: argparse.Namespace) -> int:
    """0 done (what is doubtful is printed), 1 where the report finds the result not fit to publish."""
    from dub.home import cache_home
    from flows.cli import EXIT_DUB_FAILED, EXIT_OK, locale_of
    from flows.console import show_run
    from flows.lipsync_title import LipSyncJob, check_lipsync, lipsync_title

    video = options.video.absolute()
    job = LipSyncJob(
        video=video,
        audio=options.audio.absolute(),
        out=(options.out or video.with_name(f"{video.stem}.synced.mp4")).absolute(),
        text=options.text,
        locale=locale_of(options.language) if options.language else None,
        from_audio=options.from_audio,
        length=options.length,
        report=options.report,
        profile=options.profile,
        store=options.store.absolute() if options.store else None,
    )
    check_lipsync(job)
    with show_run(cache_home() / "native.log"):
        outcome = lipsync_title(job)
    print(f"Lips moved by: {_WAYS[outcome.way]} ({outcome.locale})", end="")
    print(f", correlation {outcome.correlation:.2f} on held-out speech" if outcome.correlation is not None else "")
    print(f"Mouth moved in {outcome.n_rendered} of {outcome.n_frames} frames")
    for reason in outcome.reasons:
        print(f"  ! {reason}")
    print("\n".join(str(path) for path in outcome.files))
    return EXIT_DUB_FAILED if outcome.verdict == "failed" else EXIT_OK


_WAYS = {
    "given text": "phonemes of the given text",
    "timed text": "phonemes of the given script",
    "recognised text": "phonemes of the words that were recognised",
    "sound alone": "the sound alone",
}
