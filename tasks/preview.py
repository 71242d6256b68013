"""Preview: a small H.264 copy of the source, so that any browser plays it beside the dubs."""

from __future__ import annotations

import ffmpeg

from dub.artifact import Artifact, Record
from dub.media import REPEATABLE_X264, command, opened, run_tool
from dub.source import Source
from dub.stage import Desk, stage

PREVIEW_HEIGHT_PX = 720


class Preview(Record):
    video: Artifact


@stage(version=2)
def preview(desk: Desk, source: Source) -> Preview:
    """Transcode the source for the report's player: at most 720 lines, x264 superfast, with the programme's sound."""
    store = desk.open_store()
    height = min(PREVIEW_HEIGHT_PX, source.video.height_px)
    with store.scratch() as folder:
        out = folder / "preview.mp4"
        picture = opened(store.path(source.original))["V:0"].filter("scale", -2, height // 2 * 2)
        sound = opened(store.path(source.programme)).audio
        # fmt: off
        run = ffmpeg.output(
            picture, sound, str(out), preset="superfast", crf=24, pix_fmt="yuv420p", acodec="aac",
            audio_bitrate="128k", movflags="+faststart", map_metadata=-1, fflags="+bitexact", **REPEATABLE_X264,
        )
        # fmt: on
        run_tool(command(run), deadline_s=600 + 20 * float(source.video.duration))
        return Preview(video=store.put(out, "video/mp4"))
