"""Mux sound: a lip-synced picture and the dub that a user brought, in one MP4."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import ffmpeg

from dub.errors import ToolFailed
from dub.given_dub import GivenSound
from dub.lips import LipSync
from dub.media import command, opened, probe, run_tool
from dub.mix import Dub
from dub.stage import Desk, stage

BIT_RATE = "256k"


@stage(version=1)
def mux_sound(desk: Desk, sound: GivenSound, lips: LipSync) -> Dub:
    """The picture copied, the dub as AAC from the first frame's time; a comment says that the lips are synthetic.
    The same inputs give the same bytes. Raises ToolFailed when either is off the title's length by more than a
    frame."""
    store = desk.open_store()
    video = sound.source.video
    with store.scratch() as folder:
        file = folder / "synced.mp4"
        options: dict[str, Any] = {
            "c:v": "copy",
            "c:a": "aac",
            "b:a": BIT_RATE,
            "map_metadata": -1,
            "map_chapters": -1,
            "t": f"{float(video.duration):.6f}",
            "movflags": "+faststart",
            "fflags": "+bitexact",
            "flags:a": "+bitexact",
        }
        tracks = [opened(store.path(lips.video))["v:0"], opened(store.path(sound.dubbed.programme))["a:0"]]
        output = ffmpeg.output(*tracks, f"file:{file}", format="mp4", **options)
        tags = ["-metadata", f"title={sound.source.title}", "-metadata", f"comment={_comment(lips)}"]
        run_tool(command(output, repeated=tags), deadline_s=120 + 2 * float(video.duration))
        picture, heard = probe(file)["streams"]
        if int(picture["nb_frames"]) != video.n_frames:
            raise ToolFailed(f"the result has {picture['nb_frames']} frames, the picture {video.n_frames}")
        for stream in (picture, heard):
            if abs(Fraction(stream["duration"]) - video.duration) > 1 / video.frame_rate:
                raise ToolFailed(f"the result's {stream['codec_type']} lasts {stream['duration']} s")
        return Dub(
            locale=lips.locale,
            video=store.put(file, "video/mp4"),
            n_frames=video.n_frames,
            duration=video.duration,
            sound_duration=Fraction(heard["duration"]),
            is_original_sound_copied=None,
        )


def _comment(lips: LipSync) -> str:
    told = "Lips moved to another sound by polydub: they are synthetic." if lips.n_rendered else "Sound set by polydub."
    return f'{told} The picture says: "{lips.disclosure.text}".' if lips.disclosure is not None else told
