"""docs/gates.md has every limit as dub/gates.py has it."""

from __future__ import annotations

import pytest

from dub.gates import DEFAULT_GATES, Gates
from tests.infra import ROOT, script

SCRIPT = script("build_gate_table")
PAGE = ROOT / "docs" / "gates.md"


def test_the_page_is_not_stale() -> None:
    assert SCRIPT["main"](["--check"]) == 0, "run python infra/build_gate_table.py"


def test_every_check_has_a_row_with_its_limits() -> None:
    rows = {line.split("`")[1]: line for line in SCRIPT["table"]().splitlines()[2:]}
    assert list(rows) == list(Gates.model_fields)
    for check, row in rows.items():
        assert row.count("|") == 6, row
        assert DEFAULT_GATES[check].what in row
    assert "| at most 0.25 | over 0.5 |" in rows["word_error"]
    assert "| at least -50 dBFS | under -60 dBFS |" in rows["line_level"]
    assert "| never |" in rows["false_closures"]


def test_a_changed_limit_or_a_lost_mark_is_seen() -> None:
    page = PAGE.read_text("utf-8")
    assert SCRIPT["with_table"](page.replace("| `word_error`", "| `word_errors`")) == page
    with pytest.raises(ValueError, match="needs the lines"):
        SCRIPT["with_table"]("# no marks")
