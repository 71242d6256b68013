"""The review's reader: the subtitles as they stand in the finished file."""

from __future__ import annotations

from dub.check_subtitles import check_subtitles
from dub.measured import Measured
from dub.media import command, opened, probe, run_tool
from dub.mix import Dub
from dub.script import Timeline
from dub.store import Store
from dub.subtitles import Cue
from dub.timed_script import parse

DEADLINE_S = 120.0


def read_subtitles(found: Measured, store: Store, timeline: Timeline, dub: Dub) -> None:
    """Take the subtitles out of the file and judge them."""
    cues = _cues_in(store, dub)
    found.findings += check_subtitles(cues, timeline.locale, len(timeline.placed), found.gates)
    found.metrics |= {
        "n_subtitles": len(cues),
        "fastest_subtitle_cps": max((cue.chars_per_second for cue in cues if cue.span.duration), default=None),
    }


def _cues_in(store: Store, dub: Dub) -> tuple[Cue, ...]:
    video = store.path(dub.video)
    if not any(stream["codec_type"] == "subtitle" for stream in probe(video)["streams"]):
        return ()
    with store.scratch() as folder:
        file = folder / "subtitles.srt"
        run_tool(command(opened(video)["s:0"].output(f"file:{file}", format="srt")), DEADLINE_S)
        content = file.read_bytes()
    return parse(content, "the file's subtitles.srt") if content.strip() else ()
