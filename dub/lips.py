"""Lip-sync's records: what is made once per source, and what is made per locale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from dub.artifact import Artifact, Record
from dub.disclosure import Disclosure
from lang.bcp47 import Locale


def n_rendered_of(counts: Mapping[str, int]) -> int:
    """Of frames by reason, those in which a mouth was moved."""
    return sum(n for reason, n in counts.items() if reason.startswith("rendered"))


class MouthBank(Record):
    """The speaker's own mouth, as the lip-sync engine keeps it for every locale (a file only that engine reads)."""

    schema_version: Literal[1] = 1
    engine: str
    bank: Artifact


class LipPart(Record):
    """What is to become of frames [first_frame, end_frame), which may be none. `plan`: a file that only the lip-sync
    engine reads; two parts with the same plan look the same."""

    first_frame: int = Field(ge=0)
    end_frame: int = Field(ge=0)
    plan: Artifact

    @property
    def frames(self) -> range:
        return range(self.first_frame, self.end_frame)


class LipPlan(Record):
    """What is to become of every frame of one locale. `log`, `counts`: as LipSync has them. `parts`: together the
    title, in order."""

    schema_version: Literal[1] = 1
    locale: Locale
    engine: str
    n_frames: int = Field(gt=0)
    log: Artifact
    counts: dict[str, int]
    parts: tuple[LipPart, ...]

    @property
    def n_rendered(self) -> int:
        return n_rendered_of(self.counts)


class RenderedPart(Record):
    """Frames [first_frame, end_frame) as they are encoded. `video`: H.264 without sound; None where there are none."""

    first_frame: int
    end_frame: int
    video: Artifact | None

    @property
    def n_frames(self) -> int:
        return self.end_frame - self.first_frame


class LipSync(Record):
    """One locale's picture. `video`: H.264 without sound, frame for frame as the source. `log`: .npz of what was done
    to each frame (engines/lipsync/contract.py, RenderLog). `counts`: frames by reason, `rendered...`, `kept: ...` or
    `refused: ...`; they add up to `n_frames`. `is_portrait`: the whole picture was made from one photo. `parts`: what
    `video` was joined from; () where it was made in one piece. `disclosure`: what the picture says of itself."""

    schema_version: Literal[1] = 1
    locale: Locale
    engine: str
    n_frames: int = Field(gt=0)
    video: Artifact
    log: Artifact
    counts: dict[str, int]
    is_portrait: bool = False
    parts: tuple[RenderedPart, ...] = ()
    disclosure: Disclosure | None = None

    @property
    def n_rendered(self) -> int:
        return n_rendered_of(self.counts)

    def rerendered_share(self, before: LipSync) -> float:
        """0..1: the share of frames in parts that are not as they were in `before`, another dub of the same source."""
        kept = {part for part in before.parts if part.video is not None}
        return sum(part.n_frames for part in self.parts if part not in kept) / self.n_frames if self.parts else 1.0
