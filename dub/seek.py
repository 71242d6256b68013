"""Where a decoder may start so that a later frame comes out exactly as if everything before it had been decoded.

Seeking is trusted only where a frame's time tells its number: in files of a constant rate whose container keeps an
index of key frames and a time per picture. Everything else (transport and program streams, AVI, raw streams, varying
rates) is decoded from its start.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from dub.media import command, opened, probe, video_stream
from dub.source import VideoFacts
from dub.tool import run_tool

INDEXED = frozenset({"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"})
"""ffmpeg's names of the containers that are trusted."""
CODECS = frozenset({"h264", "hevc", "vp8", "vp9", "av1", "mpeg4", "mjpeg", "prores", "ffv1"})
MARGIN_S = 2
"""The decoder starts at a key frame at least so long before the first frame that is wanted: pictures that lead an open
group's key frame, and those that a recovery point only begins to mend, are over by then."""
_DEADLINE_S = 120.0


class Seek(NamedTuple):
    """On the file's own clock, in seconds: from where to decode, and when frame 0 is shown."""

    to_s: Fraction
    frame_0_s: Fraction


def seek_to(path: Path, facts: VideoFacts, frame: int) -> Seek | None:
    """How to come to `frame` without what lies before; None where it has to be decoded from the start."""
    before_s = frame / facts.frame_rate - MARGIN_S
    if facts.is_variable_rate or before_s <= 0:
        return None
    about = path.stat()
    frame_0_s = _trusted_clock(path, about.st_mtime_ns, about.st_size)
    return None if frame_0_s is None else Seek(frame_0_s + before_s, frame_0_s)


@lru_cache(maxsize=64)
def _trusted_clock(path: Path, changed_ns: int, n_bytes: int) -> Fraction | None:
    """When the first picture is shown; None where seeking is not trusted. The file's age and size keep it fresh."""
    known = probe(path)
    stream = video_stream(known["streams"])
    if stream is None or known["format"]["format_name"] not in INDEXED or stream["codec_name"] not in CODECS:
        return None
    first = opened(path, noautorotate=None)["V:0"].filter("trim", end_frame=1).filter("crop", 2, 2, 0, 0)
    output = first.output("pipe:1", format="framecrc", fps_mode="passthrough", enc_time_base=-1)
    tick = Fraction(0)
    for line in run_tool(command(output, "-copyts"), _DEADLINE_S).decode().splitlines():
        if line.startswith("#tb 0:"):
            tick = Fraction(line.split(":")[1].strip())
        elif not line.startswith("#"):
            return int(line.split(",")[2]) * tick
    return None
