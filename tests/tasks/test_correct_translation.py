"""correct_translation: people's lines under the translation guard, remembered by their words alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from dub.corrections import CorrectedLine
from dub.finding import Level
from dub.stage import Desk, EngineChoice
from tasks.correct_translation import correct_translation, refused_wording
from tests.dub import dubs

GUARD = EngineChoice(family="language_id", id="py3langid", fingerprint="1")


def line(text: str, number: int = 2) -> CorrectedLine:
    return CorrectedLine(utterance_id=f"u{number:04}", text=text, source_text=dubs.SOURCE_TEXT[number - 1])


def test_a_good_wording_is_spoken(desk: Desk) -> None:
    made = correct_translation(desk, dubs.script(), dubs.translation(), (line("Vendemos trezentas caixas."),), GUARD)
    assert made.lines[1].text == "Vendemos trezentas caixas."
    assert [finding.level for finding in made.findings] == [Level.OK]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Мы продали триста коробок.", "written in Cyrl"),
        ("...", "it has no words"),
        ("We sold three hundred boxes to people in the town last year.", "English"),
    ],
)
def test_what_no_listener_could_take_for_the_language_is_withheld_and_told(desk: Desk, text: str, why: str) -> None:
    made = correct_translation(desk, dubs.script(), dubs.translation(), (line(text),), GUARD)
    [withheld] = made.withheld
    assert (withheld.utterance_id, withheld.text) == ("u0002", text)
    assert withheld.reason.startswith("in its correction")
    assert why in withheld.reason
    [finding] = [finding for finding in made.findings if finding.level is Level.FAILED]
    assert (finding.check, finding.utterance_id) == ("lines_translated", "u0002")
    assert why in refused_wording(dubs.script(), dubs.translation(), line(text), GUARD)


def test_a_person_may_have_reasons_for_an_odd_length(desk: Desk) -> None:
    text = "Vendemos caixas e mais caixas, muitas delas azuis, outras verdes, algumas sem cor, por toda a cidade."
    made = correct_translation(desk, dubs.script(), dubs.translation(), (line(text),), GUARD)
    assert made.lines[1].text == text
    assert ("given_line_length", Level.DEGRADED) in {(finding.check, finding.level) for finding in made.findings}
    assert refused_wording(dubs.script(), dubs.translation(), line(text), GUARD) == ""


def test_a_line_that_is_confirmed_as_it_is_is_not_judged_anew(desk: Desk) -> None:
    """The engine's line passed the guard when it came, or is a toy's and is believed."""
    toy = dubs.translation(["⟦pt⟧ Good morning, my name is Ann and this is all in English.", *dubs.TARGET_TEXT[1:]])
    made = correct_translation(desk, dubs.script(), toy, (line(toy.lines[0].text, 1),), GUARD)
    assert (made.lines, made.withheld) == (toy.lines, ())


def test_only_a_change_of_words_is_worked_on_again(desk: Desk) -> None:
    def n_records() -> int:
        return len(list(Path(desk.store, "memo", "correct_translation").glob("*.json")))

    correct_translation(desk, dubs.script(), dubs.translation(), (line("Sim, vendemos."),), GUARD)
    correct_translation(desk, dubs.script(), dubs.translation(), (line("Sim, vendemos."),), GUARD)
    assert n_records() == 1
    correct_translation(desk, dubs.script(), dubs.translation(), (line("Vendemos, sim."),), GUARD)
    assert n_records() == 2
