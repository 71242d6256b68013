"""Correct a translation: the lines that people reworded take the place of the engines', under the same guard."""

from __future__ import annotations

from dub.check_translation import withheld_finding
from dub.corrections import CorrectedLine, corrected, fitting, one_line
from dub.script import DubScript, Translation
from dub.stage import Desk, EngineChoice, stage
from dub.translation_guard import Fault
from tasks.line_guard import LineGuard, is_left_to_its_author, odd_line


@stage(version=1)
def correct_translation(
    desk: Desk,
    script: DubScript,
    translation: Translation,
    corrections: tuple[CorrectedLine, ...],
    language_id: EngineChoice | None = None,
) -> Translation:
    """The translation with its corrected lines in the words that people gave them, also those that were withheld.

    A wording that differs from the translation's passes the translation guard as a given script's does: what it
    refuses is withheld and a failed finding says why, only the length is left to whoever wrote it. A correction whose
    line of the source has changed since is not used, and a finding says so.
    """
    faults = faults_in(script, translation, corrections, language_id)
    refused = {
        id_: f"in its correction {fault.message}" for id_, fault in faults.items() if not is_left_to_its_author(fault)
    }
    made = corrected(script, translation, corrections, refused)
    found = [withheld_finding(line) for line in made.withheld if line.utterance_id in refused]
    found += [
        odd_line(id_, "In its correction", fault) for id_, fault in faults.items() if is_left_to_its_author(fault)
    ]
    return made.model_copy(update={"findings": (*made.findings, *found)})


def refused_wording(
    script: DubScript, translation: Translation, correction: CorrectedLine, language_id: EngineChoice | None
) -> str:
    """Why `correct_translation` would not let this wording be spoken, "" when it would. Costs a second at most."""
    faults = faults_in(script, translation, (correction,), language_id)
    return next((fault.message for fault in faults.values() if not is_left_to_its_author(fault)), "")


def faults_in(
    script: DubScript,
    translation: Translation,
    corrections: tuple[CorrectedLine, ...],
    language_id: EngineChoice | None,
) -> dict[str, Fault]:
    """What the guard finds in the wordings that differ from the translation's, judged in each other's company: the
    engine's lines have been judged, and a person's may be in better language than theirs."""
    spoken = {line.utterance_id: one_line(line.text) for line in translation.lines}
    reworded = [line for line in fitting(script, corrections).values() if spoken.get(line.utterance_id) != line.text]
    if not reworded:
        return {}
    faults = LineGuard(language_id).faults(
        [line.source_text for line in reworded],
        [line.text for line in reworded],
        script.source_locale,
        translation.locale,
    )
    return {line.utterance_id: fault for line, fault in zip(reworded, faults, strict=True) if fault}
