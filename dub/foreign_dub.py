"""The records of a dub made elsewhere: what was heard in its file, and what it was made from."""

from __future__ import annotations

from dub.artifact import Record
from dub.lips import LipSync
from dub.on_screen import OnScreen
from dub.prosody import SourceProsody
from dub.script import DubScript, Timeline
from dub.source import FaceTrack, Source, Stems


class HeardDub(Record):
    """`lines`: what the dub says, under the ids of the source's lines where there is a source (dub/heard_dub.py).
    `said`: the same with the times of phonemes. `are_given`: the words were given, else a recogniser heard them."""

    lines: DubScript
    said: Timeline
    are_given: bool


class MovedMouths(Record):
    """`lips`: the dub's picture with what was done to each frame, by the source's frames; None where the two pictures
    cannot be held against one another, and `why`. `lag`: by how many frames the source's picture comes later."""

    lips: LipSync | None
    why: str = ""
    lag: int = 0


class DubbedFrom(Record):
    """The source of a dub made elsewhere, as `polydub dub` would know it, and which mouths of it the dub moved (None
    where nobody is heard in the dub)."""

    source: Source
    stems: Stems
    script: DubScript
    track: FaceTrack
    on_screen: OnScreen
    prosody: SourceProsody
    moved: MovedMouths | None
