"""Film voice: the photo and the voice recording become one small video, so that what is known of videos serves them;
then where in it somebody speaks."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import ffmpeg

from dub.artifact import Artifact
from dub.avatar import FRAME_RATE, SPEAKER, Film, Portrait
from dub.errors import BadInput, UnreadableMedia
from dub.media import REPEATABLE_X264, audio_stream, command, opened, probe, run_tool, sound_blocks
from dub.script import DubScript, Utterance
from dub.source import Source, Stems
from dub.speech_activity import levels_db, speech_islands
from dub.stage import Desk, stage
from dub.timecode import MASTER_RATE_HZ, Span
from dub.wav import BLOCK_SAMPLES, open_wav
from lang.bcp47 import Locale

LEAST_SPEECH_S = 5
"""The speaker encoders want 3 s for each of two halves that are compared; 30 s are better."""
LONGEST_S = 120
"""What comes after is not listened to: a voice is made from 25 s."""
SHORTEST_LINE_S = Fraction(15, 100)
"""Shorter sounds are clicks and breaths."""


@stage(version=1)
def film_voice(desk: Desk, recording: Artifact, name: str, portrait: Portrait) -> Film:
    """The photo for as long as the recording lasts, at most 120 s. Raises UnreadableMedia, which calls the recording
    `name`."""
    store = desk.open_store()
    try:
        track = audio_stream(probe(store.path(recording))["streams"])
    except UnreadableMedia as error:
        raise UnreadableMedia(f"{name}: {str(error).splitlines()[0]}", mend="give a sound file") from error
    if track is None:
        raise UnreadableMedia(f"{name} has no sound", mend="give a recording of the voice")
    with store.scratch() as folder:
        out = folder / "film.mp4"
        seconds = f"{_seconds(store.path(recording), track):.3f}"
        picture = opened(store.path(portrait.still))["V:0"].filter("loop", loop=-1, size=1)
        picture = picture.filter("setpts", f"N/({FRAME_RATE}*TB)")
        sound = opened(store.path(recording), t=LONGEST_S)[str(track["index"])]
        # fmt: off
        run = ffmpeg.output(
            picture, sound, f"file:{out}", preset="veryfast", crf=20, pix_fmt="yuv420p", r=str(FRAME_RATE),
            tune="stillimage", acodec="flac", strict="experimental", t=seconds, map_metadata=-1,
            fflags="+bitexact", **REPEATABLE_X264,
        )
        # fmt: on
        run_tool(command(run), deadline_s=300)
        return Film(video=store.put(out, "video/mp4"))


def _seconds(recording: Path, track: dict[str, Any]) -> float:
    """How long the recording sounds, by decoding it: containers are wrong about that. At most LONGEST_S."""
    n_channels = int(track["channels"])
    sound = opened(recording, t=LONGEST_S)[str(track["index"])]
    return sum(block.shape[1] for block in sound_blocks(sound, MASTER_RATE_HZ, n_channels)) / MASTER_RATE_HZ


@stage(version=1)
def hear_voice(desk: Desk, source: Source, stems: Stems, name: str, locale: Locale) -> DubScript:
    """Where the recording's one speaker speaks: an utterance per stretch of speech, without its words. `locale`: what
    to call the language, which nobody asks. Raises BadInput where there are less than 5 s."""
    dialogue, rate_hz = open_wav(desk.open_store().path(stems.dialogue))
    blocks = (dialogue[0, start : start + BLOCK_SAMPLES] for start in range(0, dialogue.shape[1], BLOCK_SAMPLES))
    islands = [span for span in speech_islands(levels_db(blocks, rate_hz)) if span.duration >= SHORTEST_LINE_S]
    seconds = float(sum((span.duration for span in islands), Fraction(0)))
    if seconds < LEAST_SPEECH_S:
        raise BadInput(
            f"{name} holds {seconds:.1f} s of speech; a voice needs {LEAST_SPEECH_S} s, and 30 s are better",
            mend="give a longer recording of one person speaking",
        )
    end = source.video.duration
    return DubScript(
        source_locale=locale,
        duration=end,
        utterances=tuple(
            Utterance(
                id=f"u{number:04}",
                speaker=SPEAKER,
                span=Span(start=min(span.start, end), end=min(span.end, end)),
                text=f"(voice sample {number})",
            )
            for number, span in enumerate(islands, start=1)
        ),
        recogniser="speech activity",
    )
