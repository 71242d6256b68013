"""Corrections: what a person's wording does to a translation, and when it no longer counts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dub.corrections import CORRECTED, CorrectedLine, Correction, Corrections, approvals, corrected
from dub.errors import BadInput
from dub.finding import Finding, Level
from dub.script import TranslatedLine, WithheldLine
from lang.bcp47 import Locale
from tests.dub import dubs

PT_BR, ES = Locale("pt-BR"), Locale("es")
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


def line(number: int, text: str, source_text: str = "") -> CorrectedLine:
    return CorrectedLine(
        utterance_id=f"u{number:04}", text=text, source_text=source_text or dubs.SOURCE_TEXT[number - 1]
    )


def doubt(number: int) -> Finding:
    return Finding(level=Level.DEGRADED, check="glossary_terms", message="A term.", utterance_id=f"u{number:04}")


def test_a_line_is_replaced_and_the_others_stay() -> None:
    before = dubs.translation().model_copy(update={"findings": (doubt(2), doubt(3))})
    after = corrected(dubs.script(), before, (line(2, "Vendemos trezentas caixas."),))
    assert [each.text for each in after.lines] == [
        dubs.TARGET_TEXT[0], "Vendemos trezentas caixas.", dubs.TARGET_TEXT[2], dubs.TARGET_TEXT[3],
    ]  # fmt: skip
    assert after.route == ("given", CORRECTED)
    told = {(finding.check, finding.utterance_id) for finding in after.findings}
    assert told == {("glossary_terms", "u0003"), ("corrected_lines", "u0002")}, "what was found of the old words goes"


def test_a_withheld_line_gets_words_in_its_place() -> None:
    whole = dubs.translation()
    withheld = WithheldLine(utterance_id="u0002", text="", reason="it has no words")
    before = whole.model_copy(update={"lines": (whole.lines[0], *whole.lines[2:]), "withheld": (withheld,)})
    after = corrected(dubs.script(), before, (line(2, dubs.TARGET_TEXT[1]),))
    assert [each.text for each in after.lines] == list(dubs.TARGET_TEXT)
    assert after.withheld == ()


def test_a_wording_that_is_refused_silences_its_line() -> None:
    after = corrected(dubs.script(), dubs.translation(), (line(2, "Не то"),), {"u0002": "it is written in Cyrl"})
    assert "u0002" not in {each.utterance_id for each in after.lines}
    assert [each.text for each in after.withheld] == ["Не то"]
    assert CORRECTED not in after.route


def test_a_confirmed_line_is_spoken_to_the_letter_and_no_longer_doubted() -> None:
    lines = [
        TranslatedLine(utterance_id=each.utterance_id, text=each.text, alternatives=("Oi.",))
        for each in dubs.translation().lines
    ]
    before = dubs.translation().model_copy(update={"lines": tuple(lines), "findings": (doubt(1),)})
    after = corrected(dubs.script(), before, (line(1, dubs.TARGET_TEXT[0]),))
    assert after.lines[0].alternatives == ()
    assert after.lines[1].alternatives == ("Oi.",)
    assert (after.findings, after.route) == ((), ("given",)), "nobody reworded anything"


def test_a_correction_of_what_is_no_longer_said_is_reported_and_not_used() -> None:
    old = (line(1, "Boa noite.", "Good evening."), CorrectedLine(utterance_id="u0099", text="Oi.", source_text="Hi."))
    after = corrected(dubs.script(), dubs.translation(), old)
    assert after.lines == dubs.translation().lines
    assert [(each.level, each.check, each.utterance_id) for each in after.findings] == [
        (Level.DEGRADED, "corrections_used", "u0001"),
        (Level.DEGRADED, "corrections_used", ""),
    ]


def test_an_approval_holds_for_the_present_wording_of_the_present_source() -> None:
    def approved(text: str = dubs.TARGET_TEXT[0], source_text: str = dubs.SOURCE_TEXT[0]) -> dict[str, str]:
        one = Correction(text=text, source_text=source_text, approved_by="Ann", approved_at=NOW)
        return approvals(dubs.script(), dubs.translation(), {"u0001": one})

    assert approved() == {"u0001": "Ann"}
    assert approved(text="Bom dia.") == {}
    assert approved(source_text="Good evening.") == {}
    assert (
        approvals(dubs.script(), dubs.translation(), {"u0001": Correction(text=dubs.TARGET_TEXT[0], source_text="")})
        == {}
    ), "a wording is not an approval"


def test_only_the_words_and_only_of_one_locale_enter_a_stage() -> None:
    one = Correction(text="Hola.", source_text="Hello.", approved_by="Ann", approved_at=NOW)
    both = Corrections().with_lines(ES, {"u0002": one}).with_lines(PT_BR, {"u0001": one})
    assert both.wordings(ES) == (CorrectedLine(utterance_id="u0002", text="Hola.", source_text="Hello."),)
    unapproved = both.with_lines(ES, {"u0002": Correction(text="Hola.", source_text="Hello.")})
    assert unapproved.wordings(ES) == both.wordings(ES)
    assert Corrections.read(both.to_json(), "a.json") == both


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("not json", "whole file"),
        ('{"lines": {"es": {"17": {"text": "a", "source_text": "b"}}}}', r"lines\.es\.17"),
        ('{"lines": {"es": {"u0001": {"text": "  ", "source_text": "b"}}}}', r"lines\.es\.u0001\.text"),
        ('{"lines": {"klingon language": {}}}', "lines"),
        ('{"schema_version": 2}', "schema_version"),
    ],
)
def test_a_broken_file_is_named_with_its_field(text: str, fault: str) -> None:
    with pytest.raises(BadInput, match=rf"talk\.corrections\.json, .*{fault}"):
        Corrections.read(text, "talk.corrections.json")
