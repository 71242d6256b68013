"""Encoded parts of one picture put together again, packet by packet: nothing is decoded, nothing changes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import ffmpeg

from dub.errors import ToolFailed
from dub.media import command, opened, probe, run_tool
from dub.source import VideoFacts


def join_video(parts: Sequence[Path], facts: VideoFacts, folder: Path) -> Path:
    """One MP4 in `folder`, `facts.n_frames` frames long, of parts that FrameWriter wrote for these `facts`, in order.

    Every packet's time is set on the frame rate's grid: what containers round would add up over many parts. The list of
    parts is written here and names links in `folder` alone. Raises ToolFailed when frames are missing.
    """
    for number, part in enumerate(parts):
        (folder / f"{number}.mp4").symlink_to(part)
    names = "".join(f"file {number}.mp4\n" for number in range(len(parts)))
    (folder / "parts.ffconcat").write_text(f"ffconcat version 1.0\n{names}")
    fences = {"protocol_whitelist": "file", "format_whitelist": "concat,mov", "safe": 1}
    listed = ffmpeg.input(f"file:{folder / 'parts.ffconcat'}", format="concat", **fences)
    on_grid = f"TB*{facts.frame_rate.numerator}/{facts.frame_rate.denominator}"
    joined = folder / "joined.mp4"
    output = listed["v:0"].output(
        f"file:{joined}",
        format="mp4",
        vcodec="copy",
        **{"bsf:v": f"setts=pts=round(PTS*{on_grid})/({on_grid}):dts=round(DTS*{on_grid})/({on_grid})"},
        map_metadata=-1,
        fflags="+bitexact",
    )
    run_tool(command(output), deadline_s=120 + float(facts.duration))
    n_frames = int(probe(joined)["streams"][0]["nb_frames"])
    if n_frames != facts.n_frames:
        raise ToolFailed(f"the joined parts have {n_frames} frames, the title {facts.n_frames}")
    return joined


def picture_digest(path: Path) -> str:
    """Of a file's picture as it is encoded, packet for packet, whatever stands beside it in the file."""
    output = opened(path)["v:0"].output("pipe:1", format="streamhash", hash="sha256", vcodec="copy")
    return run_tool(command(output), deadline_s=600).decode().strip()
