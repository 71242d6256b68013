"""Toy lip-sync that takes time as a network on a GPU would: a while to load, a while per title. For testing slots.

`diary`: a file that gets a line per load and per render, with the process's number and its CUDA_VISIBLE_DEVICES.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from dub import media, progress
from engines.lipsync.contract import RenderLog, Scene, SpokenSpan
from engines.spec import EngineSpec

N_STEPS = 20


class Options(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    load_s: float = Field(0.0, ge=0)
    render_s: float = Field(0.0, ge=0)
    diary: str = ""


class SimulatedGpu:
    def __init__(self, options: Options) -> None:
        self._options = options
        time.sleep(options.load_s)
        self._note("loaded")

    def prepare(self, scene: Scene, bank: Path) -> None:
        bank.write_bytes(b"")

    def render(self, scene: Scene, bank: Path, spoken: tuple[SpokenSpan, ...], dialogue: Path, out: Path) -> RenderLog:
        self._note("begins")
        for step in range(N_STEPS):
            time.sleep(self._options.render_s / N_STEPS)
            progress.report(step + 1, N_STEPS)
        facts = scene.facts
        with media.FrameWriter(out, facts) as writer:
            for frame in media.read_frames(scene.video, facts):
                writer.write(frame)
        self._note("rendered")
        return RenderLog(
            reasons=("kept: no lip-sync asked for",),
            decision=np.zeros((1, facts.n_frames), np.uint8),
            aperture=np.full((1, facts.n_frames), np.nan, np.float32),
        )

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
