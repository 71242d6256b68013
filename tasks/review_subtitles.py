"""The review's reader: the subtitles as they stand in the finished file."""

from __future__ import annotations

from dub.artifact import Artifact
from dub.check_subtitles import check_subtitles
from dub.finding import Finding, Level
from dub.gates import not_measured
from dub.measured import Measured
from dub.media import command, opened, probe, run_tool
from dub.mix import Dub
from dub.script import Timeline
from dub.source import Source
from dub.store import Store
from dub.subtitles import Cue
from dub.timed_script import parse

DEADLINE_S = 120.0
PICTURES = frozenset({"hdmv_pgs_subtitle", "dvd_subtitle", "dvb_subtitle", "xsub"})
"""Subtitles without text, as ffprobe names them."""


def read_subtitles(found: Measured, store: Store, timeline: Timeline, dub: Dub) -> None:
    """Take the subtitles out of the file and judge them."""
    _judge(found, _cues_in(store, dub.video), timeline)


def read_foreign_subtitles(found: Measured, store: Store, timeline: Timeline, video: Source) -> None:
    """Likewise of a dub made elsewhere, whose subtitles may lie beside it, or be pictures."""
    streams = probe(store.path(video.original))["streams"]
    kinds = [stream.get("codec_name", "unknown") for stream in streams if stream["codec_type"] == "subtitle"]
    if not kinds:
        message = "The file has no subtitles. Look whether they lie beside it."
        found.findings.append(Finding(level=Level.DEGRADED, check="subtitles_there", message=message))
    elif kinds[0] in PICTURES:
        found.findings.append(not_measured("subtitle_speed", f"the subtitles are pictures ({kinds[0]})", matters=True))
    else:
        _judge(found, _cues_in(store, video.original), timeline)


def _judge(found: Measured, cues: tuple[Cue, ...], timeline: Timeline) -> None:
    found.findings += check_subtitles(cues, timeline.locale, len(timeline.placed), found.gates)
    found.metrics |= {
        "n_subtitles": len(cues),
        "fastest_subtitle_cps": max((cue.chars_per_second for cue in cues if cue.span.duration), default=None),
    }


def _cues_in(store: Store, file: Artifact) -> tuple[Cue, ...]:
    video = store.path(file)
    if not any(stream["codec_type"] == "subtitle" for stream in probe(video)["streams"]):
        return ()
    with store.scratch() as folder:
        text = folder / "subtitles.srt"
        run_tool(command(opened(video)["s:0"].output(f"file:{text}", format="srt")), DEADLINE_S)
        content = text.read_bytes()
    return parse(content, "the file's subtitles.srt") if content.strip() else ()
