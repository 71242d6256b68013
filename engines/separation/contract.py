"""Separation: one programme sound in, a dialogue stem and a music-and-effects bed out."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol


class Separator(Protocol):
    def separate(self, programme: Path, dialogue: Path, bed: Path) -> None:
        """Split a 48 kHz stereo float WAV into two files of exactly the same length and rate.

        `dialogue`: mono; `bed`: stereo. dialogue (as both channels) + bed gives back the programme. Works in pieces,
        so memory does not grow with length; reports `dub.progress`. Silence in gives silence out. Thread-safe.
        """
        ...
