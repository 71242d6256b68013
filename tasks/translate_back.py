"""Translate back: a translation's lines in the source's language again, for the review to compare."""

from __future__ import annotations

from dub.back_translation import BackTranslation
from dub.script import Translation
from dub.stage import Desk, stage
from lang.bcp47 import Locale
from tasks.translation_way import Way, along, engines_of


@stage(version=1, n_cpu=1)
def translate_back(desk: Desk, translation: Translation, way: Way) -> BackTranslation:
    """`way`: engines from the translation's language to one in which the script has its lines. Lines that they fail at
    are left out."""
    lines = [line for line in translation.lines if line.text.strip()]
    answers = along(way, [line.text for line in lines])
    came_back = zip(lines, answers, strict=True)
    return BackTranslation(
        locale=Locale(way[-1].options["target"]),
        lines={line.utterance_id: answer.text for line, answer in came_back if not answer.failure},
        by=engines_of(way),
    )
