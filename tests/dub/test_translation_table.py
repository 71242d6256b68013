"""The translation table: out as CSV and XLIFF, back with what people changed, and refused where it cannot be right."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dub.corrections import Correction, Corrections, approvals
from dub.errors import BadInput
from dub.script import WithheldLine
from dub.table_csv import COLUMNS, parse_table_csv, to_table_csv
from dub.table_xliff import parse_table_xliff
from dub.translation_table import Change, TableRow, in_present_words, table_of, with_rows
from dub.xliff import to_xliff
from lang.bcp47 import Locale
from tests.dub import dubs

PT_BR, ES = Locale("pt-BR"), Locale("es")
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
LATER = datetime(2026, 12, 1, 9, tzinfo=UTC)
APPROVED = Corrections().with_lines(
    PT_BR,
    {
        "u0001": Correction(
            text=dubs.TARGET_TEXT[0], source_text=dubs.SOURCE_TEXT[0], approved_by="Ann", approved_at=NOW
        )
    },
)


def table(corrections: Corrections = APPROVED) -> tuple[TableRow, ...]:
    return table_of(dubs.script(), [dubs.translation(), dubs.translation(locale="es")], corrections)


def imported(content: str, corrections: Corrections = APPROVED) -> tuple[Corrections, tuple[Change, ...]]:
    rows = parse_table_csv(content.encode(), "talk.csv")
    return with_rows(corrections, table(corrections), rows, LATER)


def edited(edit: Callable[[list[list[str]]], object]) -> str:
    """The exported table after somebody worked on its cells."""
    rows = list(csv.reader(io.StringIO(to_table_csv(table()))))
    edit(rows)
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def cell(row: int, column: str, text: str) -> Callable[[list[list[str]]], object]:
    """`row` as a spreadsheet counts."""
    return lambda rows: rows[row - 1].__setitem__(COLUMNS.index(column), text)


def test_a_row_per_line_and_locale_says_all_there_is() -> None:
    rows = table()
    assert [(row.locale, row.line) for row in rows] == [
        *((PT_BR, f"u{number:04}") for number in range(1, 5)), *((ES, f"u{number:04}") for number in range(1, 5)),
    ]  # fmt: skip
    first = rows[0]
    assert (first.start, first.end, first.speaker) == ("00:00:00.500", "00:00:01.700", "speaker 1")
    assert (first.source, first.translation) == (dubs.SOURCE_TEXT[0], dubs.TARGET_TEXT[0])
    assert (first.is_approved, first.approved_by) == (True, "Ann")
    assert not rows[4].is_approved, "an approval is of one locale"


def test_what_is_withheld_has_no_words_and_says_why() -> None:
    whole = dubs.translation()
    withheld = WithheldLine(utterance_id="u0002", text="We sold", reason="it is a copy of the source")
    silent = whole.model_copy(update={"lines": (whole.lines[0], *whole.lines[2:]), "withheld": (withheld,)})
    row = table_of(dubs.script(), [silent], Corrections())[1]
    assert row.translation == ""
    assert "it is a copy of the source" in row.remarks
    refused = Corrections().with_lines(
        PT_BR, {"u0002": Correction(text="We sold", source_text=dubs.SOURCE_TEXT[1], approved_at=NOW)}
    )
    assert table_of(dubs.script(), [silent], refused)[1].translation == "", "the guard has refused these very words"
    mended = Corrections().with_lines(PT_BR, {"u0002": Correction(text="Sim.", source_text=dubs.SOURCE_TEXT[1])})
    assert table_of(dubs.script(), [silent], mended)[1].translation == "Sim."


def test_an_untouched_table_changes_nothing() -> None:
    assert imported(to_table_csv(table())) == (APPROVED, ())


def test_rewording_approving_and_withdrawing() -> None:
    def edit(rows: list[list[str]]) -> None:
        cell(2, "approved", "")(rows)
        cell(2, "approved_by", "")(rows)
        cell(3, "translation", " Vendemos  trezentas caixas. ")(rows)
        cell(7, "approved", "YES")(rows)
        cell(7, "approved_by", "Bo")(rows)

    corrections, changes = imported(edited(edit))
    assert changes == (
        Change(PT_BR, "u0001", is_reworded=False, is_approved=False, was_approved=True),
        Change(PT_BR, "u0002", is_reworded=True, is_approved=False, was_approved=False),
        Change(ES, "u0002", is_reworded=False, is_approved=True, was_approved=False),
    )
    assert corrections.of(PT_BR)["u0001"].approved_at is None
    assert corrections.of(PT_BR)["u0002"].text == "Vendemos trezentas caixas."
    assert corrections.of(ES)["u0002"] == Correction(
        text=dubs.TARGET_TEXT[1], source_text=dubs.SOURCE_TEXT[1], approved_by="Bo", approved_at=LATER
    )
    again = imported(to_table_csv(table(corrections)), corrections)
    assert again == (corrections, ()), "what was exported after an import imports as nothing"


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (cell(2, "locale", "fr"), "row 2, column locale: the title has no 'fr'; write one of es, pt-BR"),
        (cell(3, "line", "u0099"), "row 3, column line: the title has no line 'u0099'"),
        (cell(3, "line", "u0001"), "row 3, column line: pt-BR u0001 stands in talk.csv, row 2 too"),
        (cell(3, "line", "u0003"), "row 3, column source: it is not what the line says"),
        (cell(4, "source", "Come back."), "row 4, column source: it is not what the line says"),
        (cell(4, "translation", "  "), "row 4, column translation: it has no words"),
        (cell(4, "approved_by", "Bo"), "row 4, column approved: it is empty, but somebody is named"),
        (cell(4, "approved", "maybe"), "row 4, column approved: 'maybe' is neither"),
        (cell(1, "translation", "target"), "row 1: it has no column translation"),
        (cell(1, "start", "line"), "row 1: it has two columns line"),
        (lambda rows: rows.append(rows[1]), "row 10, column line: pt-BR u0001 stands in talk.csv, row 2 too"),
        (lambda rows: rows.clear(), "row 1: it has no column locale"),
    ],
)
def test_what_cannot_be_right_is_named_by_file_row_and_column(
    edit: Callable[[list[list[str]]], object], said: str
) -> None:
    with pytest.raises(BadInput) as refusal:
        imported(edited(edit))
    assert f"talk.csv, {said}" in str(refusal.value)
    assert refusal.value.mend


def test_all_faults_are_told_at_once() -> None:
    def edit(rows: list[list[str]]) -> None:
        for row in range(2, 10):
            cell(row, "translation", "")(rows)

    with pytest.raises(BadInput) as refusal:
        imported(edited(edit))
    assert str(refusal.value).count("it has no words") == 8


def test_a_spreadsheet_may_move_columns_change_the_separator_and_add_its_own() -> None:
    order = ["note", "approved", "translation", "source", "line", "locale"]
    text = io.StringIO()
    rows = csv.DictWriter(text, order, delimiter=";", extrasaction="ignore", lineterminator="\r\n")
    rows.writeheader()
    rows.writerow(
        {"note": "?", "approved": "yes", "translation": "Olá; bom dia.", "source": dubs.SOURCE_TEXT[0],
         "line": "u0001", "locale": "pt-BR"}
    )  # fmt: skip
    corrections, _ = imported("\ufeff" + text.getvalue())
    assert corrections.of(PT_BR)["u0001"].text == "Olá; bom dia."


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "'=1+1", "'tis", "''", "=cmd|' /C calc'!A0"])
def test_no_cell_is_a_formula_and_every_text_comes_back(text: str) -> None:
    def with_text(corrections: Corrections) -> tuple[TableRow, ...]:
        return table_of(dubs.script(), [dubs.translation([text, *dubs.TARGET_TEXT[1:]])], corrections)

    written = to_table_csv(with_text(Corrections()))
    cells = [cell for row in csv.reader(io.StringIO(written)) for cell in row]
    assert not [cell for cell in cells if cell[:1] and cell[0] in "=+-@\t\r"]
    rows = parse_table_csv(written.encode(), "talk.csv")
    assert rows[0].translation == text
    assert with_rows(Corrections(), with_text(Corrections()), rows, NOW)[1] == ()


WORDINGS = st.lists(st.text(min_size=1, max_size=25), min_size=4, max_size=4)


@given(WORDINGS, st.sets(st.integers(1, 4)))
def test_any_wording_and_approval_goes_out_and_comes_back_as_it_was(texts: Sequence[str], approved: set[int]) -> None:
    """As CSV and as XLIFF: what is read is what was written, and importing it changes nothing."""
    script = dubs.script()
    worded = {
        f"u{number:04}": Correction(text=f"x {text}", source_text=dubs.SOURCE_TEXT[number - 1],
                                    approved_at=NOW if number in approved else None)
        for number, text in enumerate(texts, start=1)
    }  # fmt: skip
    corrections = Corrections().with_lines(PT_BR, worded)
    rows = table_of(script, [dubs.translation()], corrections)
    translation = in_present_words(script, dubs.translation(), corrections)
    xliff = to_xliff(script, translation, approvals(script, translation, corrections.of(PT_BR)))
    for given_rows in (
        parse_table_csv(to_table_csv(rows).encode(), "a.csv"),
        parse_table_xliff(xliff.encode(), "a.xlf"),
    ):
        assert [row.is_approved for row in given_rows] == [number in approved for number in range(1, 5)]
        assert with_rows(corrections, rows, given_rows, LATER) == (corrections, ())


def test_xliff_says_final_and_who() -> None:
    approved = {"u0001": "Ann", "u0003": ""}
    rows = parse_table_xliff(to_xliff(dubs.script(), dubs.translation(), approved).encode(), "talk.pt-BR.xlf")
    assert [(row.line, row.is_approved, row.approved_by) for row in rows] == [
        ("u0001", True, "Ann"), ("u0002", False, ""), ("u0003", True, ""), ("u0004", False, ""),
    ]  # fmt: skip
    assert rows[0].locale == "pt-BR"


def test_a_translators_tool_approves_in_1_2_too() -> None:
    content = (
        '<xliff version="1.2"><file source-language="en" target-language="pt-BR"><body>'
        '<trans-unit id="1" resname="u0001" approved="yes"><source>Hi</source><target>Oi</target></trans-unit>'
        '<trans-unit id="2" resname="u0002"><source>Hi</source><target state="final">Oi</target></trans-unit>'
        '<trans-unit id="3" resname="u0003"><source>Hi</source><target state="translated">Oi</target></trans-unit>'
        "</body></file></xliff>"
    )
    rows = parse_table_xliff(content.encode(), "talk.xlf")
    assert [(row.line, row.translation, row.is_approved) for row in rows] == [
        ("u0001", "Oi", True), ("u0002", "Oi", True), ("u0003", "Oi", False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('state="translated"', 'state="initial"', "line 4, state: it says that the unit is not translated"),
        ('trgLang="pt-BR"', "", "names no target language"),
        ('trgLang="pt-BR"', 'trgLang="pt-PT"', "trgLang: the title has no 'pt-PT'"),
        ('id="u0002"', 'id="u0001"', "unit id: pt-BR u0001 stands in talk.xlf, line 4 too"),
        ("Vendemos 300 caixas.", "", "target: it has no words"),
        ("We sold 300 boxes.", "We sold 3 boxes.", "source: it is not what the line says"),
    ],
)
def test_xliff_that_cannot_be_right_is_named_by_its_line(old: str, new: str, said: str) -> None:
    written = to_xliff(dubs.script(), dubs.translation())
    assert old in written
    with pytest.raises(BadInput) as refusal:
        with_rows(APPROVED, table(), parse_table_xliff(written.replace(old, new).encode(), "talk.xlf"), NOW)
    assert "talk.xlf" in str(refusal.value)
    assert said in str(refusal.value)
