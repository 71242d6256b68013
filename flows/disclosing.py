"""What a plan's `disclosure` means to a run: refused at once where nobody could read it, and told in the report."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from dub.disclosure import WIDEST_EMS, disclosure_finding
from dub.draw_text import width_in_ems
from dub.errors import BadInput
from dub.finding import Review
from dub.lips import LipSync
from dub.mix import Dub
from dub.plan import Plan
from lang.bcp47 import Locale


def check_disclosures(plan: Plan, locales: Iterable[Locale], made: Literal["dub", "lips", "portrait"] = "dub") -> None:
    """Draws what the pictures are to say. Raises BadInput for words too long to be read, EngineUnavailable where no
    font of this machine has their letters, or ffmpeg draws no text."""
    for locale in locales:
        wording = plan.wording_for(locale, made)
        if wording is None:
            return
        for text in {wording.moved, wording.unmoved}:
            if (ems := width_in_ems(text, wording.language.language)) > WIDEST_EMS:
                raise BadInput(
                    f"the plan's disclosure_text, {locale}: {text!r} is {ems:.0f} letter heights wide; at most "
                    f"{WIDEST_EMS} can be read in an upright film",
                    mend="say it in fewer words",
                )


def with_disclosure(review: Review, lips: LipSync, dub: Dub) -> Review:
    """The review with what the picture says of itself, where it says anything."""
    if lips.disclosure is None:
        return review
    finding = disclosure_finding(lips.disclosure, review.locale, dub.n_frames / dub.duration)
    return review.model_copy(update={"findings": (*review.findings, finding)})
