"""Lip-sync: the speaking faces' mouths moved to a new dialogue; every other pixel stays the source's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from dub.on_screen import ShownRun
from dub.overlay import Overlay
from dub.script import PhonemeSpan
from dub.source import VideoFacts


@dataclass(frozen=True)
class SpokenSpan:
    """One line as it sounds: covers [start_sample, end_sample) on the 48 kHz master, from the title's start.

    `shown`: whose mouth says it, frame by frame. `phonemes`: in master samples; () for the source's own lines, and
    where nobody knows them: then the mouth follows the sound.
    """

    utterance_id: str
    start_sample: int
    end_sample: int
    shown: tuple[ShownRun, ...]
    phonemes: tuple[PhonemeSpan, ...] = ()


@dataclass(frozen=True)
class Scene:
    """What lip-sync is told of a source. `faces`: a file of TrackedFaces. `dialogue`: the source's dialogue stem
    (48 kHz mono WAV). `said`: the source's own lines, in order."""

    video: Path
    facts: VideoFacts
    faces: Path
    dialogue: Path
    said: tuple[SpokenSpan, ...]


@dataclass(frozen=True)
class RenderLog:
    """What was done to each face in each frame.

    `decision` uint8 (n_faces, n_frames): index into `reasons`; `aperture` float32 (n_faces, n_frames): the inner-lip
    aperture aimed at, in inter-ocular distances (NaN where the mouth was left alone). A title without
    faces has one row.
    `reasons[i]` starts with `rendered`, `kept` or `refused`, then says why: `kept: nobody speaks`. Of two reasons in
    one frame `rendered` counts before `refused` before `kept`, and then the later one in `reasons`.
    """

    reasons: tuple[str, ...]
    decision: npt.NDArray[np.uint8]
    aperture: npt.NDArray[np.float32]

    def by_frame(self) -> npt.NDArray[np.uint8]:
        """(n_frames,): index into `reasons` of what is most worth telling about each frame."""
        weight = ("kept", "refused", "rendered")
        rank = np.array([weight.index(reason.split(":")[0]) * 256 + i for i, reason in enumerate(self.reasons)])
        row = rank[self.decision].argmax(axis=0)
        told: npt.NDArray[np.uint8] = np.take_along_axis(self.decision, row[None], axis=0)[0]
        return told

    def counts(self) -> dict[str, int]:
        """Frames by reason, the reasons that occur only."""
        n_of = np.bincount(self.by_frame(), minlength=len(self.reasons))
        return {reason: int(n) for reason, n in zip(self.reasons, n_of, strict=True) if n}

    def is_rendered(self) -> npt.NDArray[np.bool_]:
        """(n_faces, n_frames): the mouth was moved."""
        rendered = np.array([reason.startswith("rendered") for reason in self.reasons])
        chosen: npt.NDArray[np.bool_] = rendered[self.decision]
        return chosen

    def save(self, path: Path) -> None:
        """Write an .npz (LipSync.log)."""
        with path.open("wb") as file:
            np.savez(file, reasons=np.array(self.reasons), decision=self.decision, aperture=self.aperture)

    @classmethod
    def load(cls, path: Path) -> RenderLog:
        with np.load(path, allow_pickle=False) as arrays:
            reasons = tuple(str(reason) for reason in arrays["reasons"])
            return cls(reasons, arrays["decision"], arrays["aperture"])


class LipSyncer(Protocol):
    """Thread-safe throughout."""

    def prepare(self, scene: Scene, bank: Path) -> None:
        """Once per source: write what all languages share to the file `bank`. A title without a usable face is no
        error: `render` keeps its frames."""
        ...

    def plan(
        self,
        scene: Scene,
        bank: Path,
        spoken: tuple[SpokenSpan, ...],
        dialogue: Path,
        parts: Sequence[range],
        folder: Path,
    ) -> RenderLog:
        """Once per locale, without pixels: decide what becomes of every frame of the whole title and write, for each
        of `parts` (frames; together the title, in order), all that its frames depend on beside the source and the bank:
        `folder`/0, /1 ... The same plan is the same bytes, so a part whose plan did not change need not be rendered
        again. `spoken`: the placed takes; `dialogue`: the new dialogue (48 kHz mono WAV). Frames in which no face on
        screen speaks (neither in the source nor in the dub), and faces that are turned away, are left as they are.
        Memory grows with the face track alone."""
        ...

    def render(
        self,
        video: Path,
        facts: VideoFacts,
        bank: Path,
        plan: Path,
        frames: range,
        out: Path,
        overlay: Overlay | None = None,
    ) -> None:
        """Write `out`, an H.264 MP4 without sound, of exactly these `frames` of the source `video` at
        `facts.frame_rate`, displayed size as `facts`. `plan`: of exactly these frames. A frame handed to the encoder
        is the same whichever part it stands in; one that is not to be moved is the source's own. `overlay`: painted
        over the first of them, last of all. Streams: memory does not grow with length. Reports `dub.progress` in
        frames."""
        ...
