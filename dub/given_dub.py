"""What `polydub lipsync` makes of a dub that a user brings: its sound, its lines, the mouths that say them."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

from dub.artifact import Record
from dub.check_timing import span_of
from dub.finding import Finding
from dub.on_screen import OnScreen, SeenSpan
from dub.script import DubScript, Timeline
from dub.source import Source
from dub.timecode import Span

Length = Literal["same", "cut", "hold"]
"""What to do where picture and sound end apart: refuse, end with the shorter, or with the longer."""

Way = Literal["given text", "timed text", "recognised text", "sound alone"]
"""Where the lips' movements come from."""


class GivenSound(Record):
    """A dub's sound beside its picture, of one length. `source`: the title, its picture cut or held where that was
    asked for. `dubbed`: the same with the dub as its programme. `seconds`: the sound's own length."""

    schema_version: Literal[1] = 1
    source: Source
    dubbed: Source
    seconds: float


class AlignedSpeech(Record):
    """When which phoneme of the dub is said. A take without phonemes moves the lips by its sound alone.

    `way`: of most lines. `language_probability`: how sure the recogniser was, 1.0 where the user named the language.
    """

    schema_version: Literal[1] = 1
    timeline: Timeline
    way: Way
    language_probability: float
    findings: tuple[Finding, ...]


class FacedSpeech(Record):
    """A dub's lines, each with its speaker in the source, and the faces that say the source's lines and the dub's."""

    schema_version: Literal[1] = 1
    timeline: Timeline
    on_screen: OnScreen


class LearnedFace(Record):
    """How well the lips of face `face` follow the voice in the source: see engines/lipsync/audio_curve.SoundToMouth."""

    face: int
    correlation: float
    speech_s: float


class LearnedFaces(Record):
    """Of every face that has to follow sound alone; () where none has to."""

    faces: tuple[LearnedFace, ...] = ()


def faced(script: DubScript, on_screen: OnScreen, timeline: Timeline) -> FacedSpeech:
    """Each line of the dub is said by whoever speaks in the source meanwhile: by the speaker of most of it, or of the
    nearest line where the source is silent; and by the face that says that line, part by part."""
    placed, spans = [], list(on_screen.spans)
    for take in timeline.placed:
        own = span_of(take)
        over = [line for line in script.utterances if line.span.overlap(own) > 0]
        near = over or sorted(script.utterances, key=lambda line: _apart(line.span, own))[:1]
        speaker = max(near, key=lambda line: line.span.overlap(own)).speaker if near else take.speaker
        placed.append(take.model_copy(update={"speaker": speaker}))
        names = {line.id for line in near}
        spans += [
            SeenSpan(**{**dict(span), "utterance_id": take.utterance_id})
            for span in on_screen.spans
            if span.utterance_id in names
        ]
    spans.sort(key=lambda span: span.first_frame)
    return FacedSpeech(
        timeline=timeline.model_copy(update={"placed": tuple(placed)}),
        on_screen=on_screen.model_copy(update={"spans": tuple(spans)}),
    )


def _apart(one: Span, other: Span) -> float:
    return float(max(one.start - other.end, other.start - one.end, Fraction(0)))
