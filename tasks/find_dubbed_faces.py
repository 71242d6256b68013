"""Find whose mouth says each line of a dub that a user brought."""

from __future__ import annotations

from dub.given_dub import AlignedSpeech, FacedSpeech, faced
from dub.on_screen import OnScreen
from dub.script import DubScript
from dub.stage import Desk, stage


@stage(version=1)
def find_dubbed_faces(desk: Desk, script: DubScript, on_screen: OnScreen, speech: AlignedSpeech) -> FacedSpeech:
    """A line of the dub belongs to whoever speaks in the source at that time, on screen or off."""
    return faced(script, on_screen, speech.timeline)
