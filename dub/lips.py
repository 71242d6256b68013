"""Lip-sync's records: what is made once per source, and what is made per locale."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from dub.artifact import Artifact, Record
from lang.bcp47 import Locale


class MouthBank(Record):
    """The speaker's own mouth, as the lip-sync engine keeps it for every locale (a file only that engine reads)."""

    schema_version: Literal[1] = 1
    engine: str
    bank: Artifact


class LipSync(Record):
    """One locale's picture. `video`: H.264 without sound, frame for frame as the source. `log`: .npz of what was done
    to each frame (engines/lipsync/contract.py, RenderLog). `counts`: frames by reason, `rendered...`, `kept: ...` or
    `refused: ...`; they add up to `n_frames`. `is_portrait`: the whole picture was made from one photo."""

    schema_version: Literal[1] = 1
    locale: Locale
    engine: str
    n_frames: int = Field(gt=0)
    video: Artifact
    log: Artifact
    counts: dict[str, int]
    is_portrait: bool = False

    @property
    def n_rendered(self) -> int:
        return sum(n for reason, n in self.counts.items() if reason.startswith("rendered"))
