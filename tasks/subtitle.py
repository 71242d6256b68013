"""Subtitle: the dub's lines as SRT and WebVTT, timed to the dub."""

from __future__ import annotations

from dub.script import Timeline
from dub.source import Source
from dub.stage import Desk, stage
from dub.subtitles import Subtitles, cues_of, to_srt, to_vtt
from lang.line_breaks import reading_speed
from lang.registry import language


@stage(version=4)
def subtitle(desk: Desk, source: Source, timeline: Timeline) -> Subtitles:
    """Cut the placed takes' texts into cues and write them. A cue that must be read too fast is counted, not cut."""
    store = desk.open_store()
    most = reading_speed(language(timeline.locale).script)
    cues = cues_of(timeline, source.video.frame_rate, source.video.duration)
    return Subtitles(
        locale=timeline.locale,
        srt=store.put_bytes(to_srt(cues).encode(), "application/x-subrip"),
        vtt=store.put_bytes(to_vtt(cues).encode(), "text/vtt"),
        n_cues=len(cues),
        fastest_cps=round(max((cue.chars_per_second for cue in cues), default=0.0), 1),
        too_fast=tuple(dict.fromkeys(cue.id for cue in cues if cue.chars_per_second > most)),
    )
