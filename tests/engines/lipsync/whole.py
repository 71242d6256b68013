"""A whole title in one part: plan, then render."""

from __future__ import annotations

from pathlib import Path

from engines.lipsync.contract import LipSyncer, RenderLog, Scene, SpokenSpan


def render_whole(
    engine: LipSyncer, scene: Scene, bank: Path, spoken: tuple[SpokenSpan, ...], dialogue: Path, out: Path
) -> RenderLog:
    plans = out.with_suffix(".plans")
    plans.mkdir()
    frames = range(scene.facts.n_frames)
    log = engine.plan(scene, bank, spoken, dialogue, [frames], plans)
    engine.render(scene.video, scene.facts, bank, plans / "0", frames, out)
    return log
