"""remux: picture, dub, original sound and subtitles into one MP4."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import ffmpeg

from dub.cast import Cast
from dub.check_consent import consent_in_words
from dub.errors import ToolFailed
from dub.lips import LipSync
from dub.media import audio_stream, command, ffprobe_exe, opened, probe, run_tool
from dub.mix import Dub, Mix
from dub.mp4 import switch_off
from dub.script import DubScript
from dub.source import Source
from dub.stage import Desk, stage
from dub.subtitles import Subtitles
from lang.bcp47 import Locale

BIT_RATE = "192k"

COPIED_CODECS = frozenset({"aac", "mp3", "ac3", "eac3", "alac"})
"""Sound that players accept in MP4 as it is."""

_IN_STEP_S = Fraction(1, 1000)
_HIDDEN_S = 0.1
"""A track whose packets start earlier has a beginning that an edit list hides; a plain copy would play it."""


@stage(version=2)
def remux(
    desk: Desk,
    source: Source,
    lips: LipSync,
    mix: Mix,
    subtitles: Subtitles,
    locale: Locale,
    script: DubScript,
    cast: Cast | None = None,
) -> Dub:
    """The finished file: the lip-synced picture copied; the dub as first and default sound, AAC 192 kb/s; the
    original sound second; subtitles as mov_text. Tracks carry their language; a comment says what is synthetic,
    and who agreed to it.

    The original sound is copied where MP4 players take its codec and it keeps step with the picture without an edit
    list, else encoded from the programme. The same inputs give the same bytes. Raises ToolFailed when the result
    has other frames than the picture, or its sound is off the picture's length by more than a frame.
    """
    store = desk.open_store()
    duration = source.video.duration
    original = store.path(source.original)
    copied = _copied_track(original, source)
    with store.scratch() as folder:
        file = folder / "dub.mp4"
        tracks = [opened(store.path(lips.video))["v:0"], opened(store.path(mix.audio))["a:0"]]
        if copied is not None:
            tracks.append(opened(original)[str(copied)])
        elif source.n_source_channels:
            tracks.append(opened(store.path(source.programme))["a:0"])
        if subtitles.n_cues:
            tracks.append(ffmpeg.input(f"file:{store.path(subtitles.srt)}", format="srt")["s:0"])
        options: dict[str, Any] = {
            "c:v": "copy",
            "c:a": "aac",
            "b:a": BIT_RATE,
            "c:s": "mov_text",
            "map_metadata": -1,
            "map_chapters": -1,
            "t": f"{float(duration):.6f}",
            "movflags": "+faststart",
            "fflags": "+bitexact",
            "flags:a": "+bitexact",
            "disposition:a:0": "default",
        }
        tags = ["-metadata", f"title={source.title}", "-metadata", f"comment={_comment(lips, cast)}"]
        tags += _track_tags("a:0", locale, "dub")
        if source.n_source_channels:
            options["disposition:a:1"] = 0
            tags += _track_tags("a:1", script.source_locale, "original")
        if copied is not None:
            options["c:a:1"] = "copy"
        if subtitles.n_cues:
            tags += _track_tags("s:0", locale, "subtitles")
        output = ffmpeg.output(*tracks, f"file:{file}", format="mp4", **options)
        run_tool(command(output, repeated=tags), deadline_s=120 + 2 * float(duration))
        if subtitles.n_cues:
            switch_off(file, b"sbtl")
        sound_duration = _checked(file, source)
        return Dub(
            locale=locale,
            video=store.put(file, "video/mp4"),
            n_frames=source.video.n_frames,
            duration=duration,
            sound_duration=sound_duration,
            is_original_sound_copied=copied is not None if source.n_source_channels else None,
        )


def _copied_track(original: Path, source: Source) -> int | None:
    """Index of the original's sound track if it can be copied as it is."""
    track = audio_stream(probe(original)["streams"])
    if track is None or track["codec_name"] not in COPIED_CODECS or abs(source.video.start_offset) > _IN_STEP_S:
        return None
    index = int(track["index"])
    ask = ["-v", "error", "-select_streams", str(index), "-read_intervals", "%+#1"]
    show = ["-show_entries", "packet=pts_time", "-of", "json", f"file:{original}"]
    packets = json.loads(run_tool([ffprobe_exe(), *ask, *show], 60)).get("packets", [])
    return index if packets and float(packets[0].get("pts_time", "-inf")) >= -_HIDDEN_S else None


def _track_tags(track: str, locale: Locale, role: str) -> list[str]:
    """Language as MP4 keeps it (ISO 639-2), the whole tag in the track's name."""
    option = f"-metadata:s:{track}"
    return [option, f"language={iso639_2(locale)}", option, f"handler_name={locale} {role}"]


def iso639_2(locale: Locale) -> str:
    """Three-letter code of the locale's language, terminology form; `und` where it has none."""
    import langcodes

    try:
        return langcodes.Language.get(locale).to_alpha3()
    except LookupError:
        return "und"


def _comment(lips: LipSync, cast: Cast | None = None) -> str:
    what = "voice and the lip movements are" if lips.n_rendered else "voice is"
    told = f"Dubbed into {lips.locale} by polydub: the {what} synthetic."
    if lips.is_portrait:
        told = f"Made to speak {lips.locale} by polydub: animated from one photo; picture and voice are synthetic."
    if lips.disclosure is not None:
        told += f' The picture says: "{lips.disclosure.text}".'
    return f"{told} Consent: {consent_in_words(cast)}." if cast is not None and cast.voices else told


def _checked(file: Path, source: Source) -> Fraction:
    """Duration of the default sound, after asking ffprobe whether the file is what it has to be."""
    streams = probe(file)["streams"]
    picture, sound = streams[0], streams[1]
    frame = 1 / source.video.frame_rate
    n_frames = int(picture["nb_frames"])
    if n_frames != source.video.n_frames:
        raise ToolFailed(f"the dub has {n_frames} frames, the source {source.video.n_frames}")
    for stream in (picture, sound):
        if abs(Fraction(stream["duration"]) - source.video.duration) > frame:
            raise ToolFailed(f"the dub's {stream['codec_type']} lasts {stream['duration']} s")
    return Fraction(sound["duration"])
