"""Captions that are part of the source's picture: no dub can take them away."""

from __future__ import annotations

from typing import Literal

from dub.artifact import Record


class Caption(Record):
    """What was read at one moment while somebody speaks. `says_it`: it is what is being said."""

    utterance_id: str
    second: float
    text: str
    says_it: bool


class Captions(Record):
    """`n_looked`: moments that were looked at, spread over the title's lines; `found`: those with a caption."""

    schema_version: Literal[1] = 1
    engine: str
    n_looked: int
    found: tuple[Caption, ...]
