"""Move the speakers' mouths to the dub: part by part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dub.disclosure import Disclosure
from dub.lips import LipPart, LipPlan, MouthBank, RenderedPart
from dub.source import Source
from dub.stage import Desk, EngineChoice, stage
from engines import registry
from tasks.disclosed import overlay_of


def _one_part(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of the plan, the part itself and nothing else: not what is said elsewhere, nor in which language. Of the
    disclosure, what stands in this part's frames."""
    part: LipPart = arguments["plan"].parts[arguments["number"]]
    read = {name: arguments[name] for name in arguments if name not in ("plan", "number", "disclosure")}
    disclosure: Disclosure | None = arguments["disclosure"]
    if disclosure is not None and (n := disclosure.n_frames_of(part.frames)):
        read |= {"disclosure": disclosure.image, "n_disclosed": n}
    return read | {"part": part}


@stage(version=1, n_cpu=2, reads=_one_part)
def render_lips(
    desk: Desk,
    source: Source,
    bank: MouthBank,
    plan: LipPlan,
    number: int,
    engine: EngineChoice,
    disclosure: Disclosure | None = None,
) -> RenderedPart:
    """The frames of part `number` of the plan, encoded, with the disclosure where they bear it. Remembered by that
    part's plan alone, so that a changed line costs the parts it reaches into, and parts in which nobody speaks are made
    once for all languages."""
    part = plan.parts[number]
    if not part.frames:
        return RenderedPart(first_frame=part.first_frame, end_frame=part.end_frame, video=None)
    store = desk.open_store()
    lipsyncer = registry.load("lipsync", engine.id, **engine.options)
    with store.scratch() as folder:
        video = folder / "part.mp4"
        lipsyncer.render(
            store.path(source.original),
            source.video,
            store.path(bank.bank),
            store.path(part.plan),
            part.frames,
            video,
            overlay_of(store, disclosure, part.frames),
        )
        return RenderedPart(first_frame=part.first_frame, end_frame=part.end_frame, video=store.put(video, "video/mp4"))
