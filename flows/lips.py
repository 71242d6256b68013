"""Lip-sync as flows submit it: one plan, as many parts as the title is long, one picture."""

from __future__ import annotations

from dataclasses import dataclass

from dub.disclosure import Wording
from dub.lips import LipPlan, LipSync, MouthBank, RenderedPart
from dub.on_screen import OnScreen
from dub.parts import n_parts
from dub.script import DubScript, Timeline
from dub.source import FaceTrack, Source, Stems
from dub.stage import Desk, EngineChoice
from tasks.draw_disclosure import draw_disclosure
from tasks.join_lips import join_lips
from tasks.plan_lips import plan_lips
from tasks.policy import Work, submit
from tasks.render_lips import render_lips


@dataclass(frozen=True)
class Lips:
    """One locale's lips on their way. `parts` by number."""

    plan: Work[LipPlan]
    parts: dict[int, Work[RenderedPart]]
    picture: Work[LipSync]


def move_lips(
    desk: Desk,
    source: Work[Source] | Source,
    track: Work[FaceTrack],
    stems: Work[Stems],
    script: Work[DubScript],
    on_screen: Work[OnScreen] | OnScreen,
    bank: Work[MouthBank],
    timeline: Work[Timeline] | Timeline,
    engine: EngineChoice,
    locale: str = "",
    wording: Wording | None = None,
) -> Lips:
    """Submit everything at once: how many parts there are is known as soon as the source is (which is waited for),
    where they are cut only when the takes are placed. `wording`: what the picture is to say of itself."""
    n = n_parts((source.result() if isinstance(source, Work) else source).video)
    plan = submit(
        plan_lips,
        desk,
        source,
        track,
        stems,
        script,
        on_screen,
        bank,
        timeline,
        engine,
        label=f"plan lips {locale}".strip(),
    )
    disclosure = None
    if wording is not None:
        label = f"draw disclosure {locale}".strip()
        disclosure = submit(draw_disclosure, desk, source, track, plan, wording, label=label)
    parts = {
        number: submit(
            render_lips, desk, source, bank, plan, number, engine, disclosure, label=_label(locale, number, n)
        )
        for number in range(n)
    }
    label = f"join lips {locale}".strip()
    picture = submit(join_lips, desk, source, plan, tuple(parts.values()), disclosure, label=label)
    return Lips(plan, parts, picture)


def _label(locale: str, number: int, n: int) -> str:
    label = f"lipsync {locale}".strip()
    return label if n == 1 else f"{label} {number + 1}/{n}"
