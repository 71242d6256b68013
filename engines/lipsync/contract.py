"""Lip-sync: the speaking face's mouth moved to a new dialogue; every other pixel stays the source's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from dub.script import PhonemeSpan
from dub.source import VideoFacts


@dataclass(frozen=True)
class SpokenSpan:
    """One placed take: phonemes in 48 kHz master samples from the title's start; covers [start_sample, end_sample)."""

    utterance_id: str
    start_sample: int
    end_sample: int
    phonemes: tuple[PhonemeSpan, ...]


@dataclass(frozen=True)
class RenderLog:
    """What was done to each frame. `decision` uint8 (n_frames,): index into `reasons`; `aperture` float32 (n_frames,):
    the inner-lip aperture aimed at, in inter-ocular distances (NaN where the frame was left alone).
    `reasons[i]` starts with `rendered`, `kept` or `refused`, then says why: `kept: nobody speaks`.
    """

    reasons: tuple[str, ...]
    decision: npt.NDArray[np.uint8]
    aperture: npt.NDArray[np.float32]

    def counts(self) -> dict[str, int]:
        """Frames by reason, the reasons that occur only."""
        n_of = np.bincount(self.decision, minlength=len(self.reasons))
        return {reason: int(n) for reason, n in zip(self.reasons, n_of, strict=True) if n}

    def is_rendered(self) -> npt.NDArray[np.bool_]:
        """(n_frames,): the mouth was moved."""
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
    def prepare(self, video: Path, facts: VideoFacts, track: Path, dialogue: Path, bank: Path) -> None:
        """Once per source: read the video, its face track (TrackedFace) and its dialogue stem, and write what all
        languages share to the file `bank`. A title without a usable face is no error: `render` keeps its frames."""
        ...

    def render(
        self,
        video: Path,
        facts: VideoFacts,
        track: Path,
        bank: Path,
        spoken: tuple[SpokenSpan, ...],
        dialogue: Path,
        out: Path,
    ) -> RenderLog:
        """Once per locale: write `out`, an H.264 MP4 without sound, of exactly `facts.n_frames` frames at
        `facts.frame_rate`, displayed size as `facts`. `dialogue`: the new dialogue (48 kHz mono WAV). Streams: memory
        does not grow with length. Reports `dub.progress` in frames. Frames with no frontal face, and frames in which
        nobody speaks (neither in the source nor in the dub), are handed to the encoder unchanged. Thread-safe."""
        ...
