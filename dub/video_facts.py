"""VideoFacts of a file, from the times of its decoded frames: containers are wrong about length and rate."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dub.errors import ToolFailed, UnreadableMedia
from dub.media import ToolPipe, at_constant_rate, audio_stream, command, opened, probe, video_stream
from dub.source import VideoFacts

Times = npt.NDArray[np.int64]

USUAL_RATES = tuple(
    sorted(
        {Fraction(n) for n in (5, 6, 8, 10, 12, 15, 16, 18, 20, 24, 25, 30, 48, 50, 60, 90, 100, 120)}
        | {Fraction(n * 1000, 1001) for n in (12, 15, 24, 30, 48, 60, 120)}
    )
)

GRID_TOLERANCE = Fraction(1, 4)
"""A frame may be so many frame periods off the constant grid: 10 ms at 25 fps, unseen, and beyond the rounding
of any container's clock. A frame left out or doubled is off by a whole period."""

_NEAR = Fraction(1, 100)


def video_facts(path: Path) -> VideoFacts:
    """Decode a video once (twice when its rate varies) and say what a player would show.

    Raises UnreadableMedia when the file cannot be read, has no moving picture, or none of its frames decodes.
    """
    streams = probe(path)["streams"]
    stream = video_stream(streams)
    if stream is None:
        raise UnreadableMedia("the file has no video", mend="give a file with a moving picture")
    times, tick = frame_times(path)
    if not len(times):
        raise UnreadableMedia("not one frame of the video can be decoded", mend="give an undamaged file")
    rate = constant_rate(times, tick, claims=(stream["r_frame_rate"], stream["avg_frame_rate"]))
    rotation = _rotation(stream)
    width, height = int(stream["width"]), int(stream["height"])
    aspect = _pixel_aspect(stream.get("sample_aspect_ratio", ""))
    if rotation in (90, 270):
        width, height, aspect = height, width, 1 / aspect
    if min(width, height) < 2:
        raise UnreadableMedia(f"the picture is {width}x{height} px", mend="give a picture of at least 2x2")
    sound = audio_stream(streams)
    sound_start = first_sound(path, int(sound["index"])) if sound else None
    picture_start = int(times[0]) * tick
    facts = VideoFacts(
        width_px=width - width % 2,
        height_px=height - height % 2,
        pixel_aspect=aspect,
        frame_rate=rate or nominal_rate(times, tick),
        n_frames=len(times),
        rotation_degrees=rotation,
        is_variable_rate=rate is None,
        start_offset=Fraction(0) if sound_start is None else picture_start - sound_start,
        codec=stream.get("codec_name", ""),
        pixel_format=stream.get("pix_fmt", ""),
        color_space=_tag(stream, "color_space"),
        color_primaries=_tag(stream, "color_primaries"),
        color_transfer=_tag(stream, "color_transfer"),
    )
    if facts.is_variable_rate:
        facts = facts.model_copy(update={"n_frames": len(frame_times(path, facts)[0])})
    return facts


def frame_times(path: Path, facts: VideoFacts | None = None) -> tuple[Times, Fraction]:
    """When every decoded frame is shown, int64 in ticks, and the tick in seconds, on the file's own clock.

    With `facts`, those of the frames that `read_frames` gives.
    """
    picture = opened(path, noautorotate=None)["V:0"]
    if facts:
        picture = at_constant_rate(picture, facts)
    return _times(picture.filter("crop", 2, 2, 0, 0), path)  # the corner's bytes are enough to count by


def first_sound(path: Path, stream_index: int) -> Fraction | None:
    """When the first decoded sample of a sound track is to be heard, in seconds; None when there is none."""
    sound = opened(path)[str(stream_index)].filter("atrim", end_sample=1)
    times, tick = _times(sound, path)
    return int(times[0]) * tick if len(times) else None


def constant_rate(times: Times, tick: Fraction, claims: tuple[str, ...]) -> Fraction | None:
    """The rate whose grid all frames keep to, or None. Candidates: what the file claims, the usual rates nearest
    to the frames' mean distance, and that mean itself."""
    claimed = [Fraction(claim) for claim in claims if not claim.endswith("/0") and Fraction(claim) > 0]
    if len(times) == 1:
        return claimed[0] if claimed else Fraction(25)
    span = int(times[-1] - times[0]) * tick
    if span <= 0 or bool(np.any(np.diff(times) <= 0)):
        return None
    mean = (len(times) - 1) / span
    usual = sorted(USUAL_RATES, key=lambda rate: abs(rate - mean))[:2]
    index = np.arange(len(times))
    for rate in (*claimed, *usual, mean.limit_denominator(1001)):
        off_grid = np.abs((times - times[0]) * float(tick * rate) - index)
        if off_grid.max() <= GRID_TOLERANCE:
            return rate
    return None


def nominal_rate(times: Times, tick: Fraction) -> Fraction:
    """The usual rate nearest to the commonest distance of frames of a file whose rate varies."""
    distances = np.diff(np.unique(times))
    commonest = 1 / (int(np.median(distances)) * tick)
    nearest = min(USUAL_RATES, key=lambda rate: abs(rate - commonest))
    if abs(nearest - commonest) <= _NEAR * commonest:
        return nearest
    return min(commonest.limit_denominator(1001), USUAL_RATES[-1])


def _times(stream: Any, path: Path) -> tuple[Times, Fraction]:
    """Decode a stream and read the times of what comes out, by ffmpeg's framecrc lines."""
    as_is = {"fps_mode": "passthrough", "enc_time_base": -1, "flush_packets": 1}
    output = stream.output("pipe:1", format="framecrc", **as_is)
    lines = bytearray()
    piece = np.empty(1 << 16, np.uint8)
    with ToolPipe(command(output, "-copyts")) as pipe:
        while n := pipe.read_into(piece):
            lines += piece[:n].tobytes()
        try:
            pipe.finish()
        except ToolFailed as error:
            said = str(error).replace(str(path), "the file").splitlines()[-1].strip()
            mend = "give an undamaged file"
            raise UnreadableMedia(f"ffmpeg cannot decode it: {said}", mend=mend) from error
    tick = Fraction(1)
    times: list[int] = []
    for line in lines.decode().splitlines():
        if line.startswith("#tb 0:"):
            tick = Fraction(line.split(":")[1].strip())
        elif not line.startswith("#"):
            times.append(int(line.split(",")[2]))
    return np.array(times, np.int64), tick


def _rotation(stream: dict[str, Any]) -> Any:
    """Degrees clockwise by which a player turns the picture. Raises UnreadableMedia unless quarter turns."""
    turns = [side.get("rotation") for side in stream.get("side_data_list", ()) if "rotation" in side]
    clockwise = -int(turns[0]) % 360 if turns else 0
    if clockwise % 90:
        raise UnreadableMedia(f"the picture is to be turned by {clockwise} degrees", mend="turn it by quarters")
    return clockwise


def _pixel_aspect(text: str) -> Fraction:
    width, _, height = text.partition(":")
    known = width.isdigit() and height.isdigit() and int(width) > 0 and int(height) > 0
    return Fraction(int(width), int(height)) if known else Fraction(1)


def _tag(stream: dict[str, Any], name: str) -> str:
    value = str(stream.get(name, ""))
    return "" if value in ("unknown", "reserved") else value
