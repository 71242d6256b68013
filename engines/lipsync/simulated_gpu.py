"""Toy lip-sync that takes time as a network on a GPU would: a while to load, a while per part. For testing slots.

`diary`: a file that gets a line per load and two per render, with the process's number and its CUDA_VISIBLE_DEVICES.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from dub import progress
from dub.artifact import sha256_of
from dub.overlay import Overlay
from dub.source import VideoFacts
from engines.lipsync.contract import RenderLog, Scene, SpokenSpan
from engines.lipsync.untouched import Untouched
from engines.spec import EngineSpec

N_STEPS = 20


class Options(BaseModel):
    """Seconds. `render_s`: for a part, its encoding included; longer where that takes longer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    load_s: float = Field(0.0, ge=0)
    render_s: float = Field(0.0, ge=0)
    diary: str = ""


class SimulatedGpu(Untouched):
    def __init__(self, options: Options) -> None:
        super().__init__()
        self._options = options
        time.sleep(options.load_s)
        self._note("loaded")

    def plan(
        self,
        scene: Scene,
        bank: Path,
        spoken: tuple[SpokenSpan, ...],
        dialogue: Path,
        parts: Sequence[range],
        folder: Path,
    ) -> RenderLog:
        """Every wording has another plan: no two languages share a part."""
        log = super().plan(scene, bank, spoken, dialogue, parts, folder)
        for number in range(len(parts)):
            (folder / str(number)).write_text(f"{number} {sha256_of(dialogue)} {spoken}")
        return log

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
        self._note("begins")
        end = time.monotonic() + self._options.render_s
        super().render(video, facts, bank, plan, frames, out, overlay)
        for step in range(N_STEPS):
            time.sleep(max(0.0, end - time.monotonic()) / (N_STEPS - step))
            progress.report(step + 1, N_STEPS)
        self._note("rendered")

    def _note(self, what: str) -> None:
        if self._options.diary:
            with Path(self._options.diary).open("a") as diary:
                diary.write(f"{what} {os.getpid()} {os.environ.get('CUDA_VISIBLE_DEVICES', '-')} {time.time():.3f}\n")


def load(**options: object) -> SimulatedGpu:
    return SimulatedGpu(Options.model_validate(options))


ENGINE = EngineSpec(
    id="simulated-gpu",
    family="lipsync",
    version=1,
    summary="Toy: leaves every frame, and takes as long as it is told.",
    load=load,
    is_toy=True,
)
