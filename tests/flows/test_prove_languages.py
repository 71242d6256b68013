"""The proof run: every text is cut for the two lines, rows say what was measured, and a killed run goes on."""

from __future__ import annotations

import csv
import io
import time
from pathlib import Path

import pytest

from dub.errors import BadInput
from dub.finding import Level
from flows.prove_languages import Proof, ProvedLanguage, as_csv, as_markdown, in_two, prove_languages
from lang.bcp47 import Locale
from lang.udhr import article_1

SW, ACE = Locale("sw"), Locale("ace")


@pytest.mark.parametrize("locale", list(article_1()))
def test_every_text_is_cut_in_two_and_nothing_is_lost(locale: Locale) -> None:
    text = article_1()[locale]
    first, second = in_two(text, locale, 0.37)
    assert min(len(first), len(second)) >= 0.1 * len(text)
    assert "".join((first + second).split()) == "".join(text.split())


def test_a_language_without_a_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no text for or"):
        prove_languages(tmp_path, profile="embedded", only={Locale("or")})


ROWS = (
    ProvedLanguage(
        locale=SW, name="Swahili", script="Latn", tier="A", voice="espeak", is_rendered=True,
        verdict=Level.DEGRADED, why="a | b",
        overrun_s=0.0, widest_stretch=1.05, closure_recall=1.0, n_bilabials=4, heard="sw", word_error=0.5, seconds=9.6,
    ),
    ProvedLanguage(
        locale=ACE, name="Acehnese", script="Latn", tier="B", voice="", why_silent="no voice", is_rendered=True,
        verdict=Level.OK,
    ),
)  # fmt: skip


def test_a_language_without_a_voice_is_not_counted_as_spoken() -> None:
    counts = Proof(date="2026-01-01", profile="embedded", rows=ROWS).counts
    assert counts == {
        "attempted": 2, "spoken": 1, "ok": 0, "degraded": 1, "failed": 0, "without a voice": 1,
        "without a voice, all stages done": 1,
    }  # fmt: skip


def test_the_tables_hold_every_row() -> None:
    proof = Proof(date="2026-01-01", profile="embedded", rows=ROWS)
    page = as_markdown(proof)
    assert "| sw | Swahili | A | espeak | degraded | 0.00 | 1.05 | - | 100 % of 4 | sw | 50 % | 10 | a / b |" in page
    assert "| ace | Acehnese | Latn | B | done | - | - | 0 | no voice |" in page
    assert [row["locale"] for row in csv.DictReader(io.StringIO(as_csv(proof)))] == ["sw", "ace"]


@pytest.mark.models
@pytest.mark.slow
def test_a_language_with_and_one_without_a_voice(tmp_path: Path) -> None:
    proof = prove_languages(tmp_path / "out", profile="embedded", only={SW, ACE}, store=tmp_path / "store")
    with_voice, without = sorted(proof.rows, key=lambda row: row.locale, reverse=True)
    assert (with_voice.voice, with_voice.closure_recall) == ("espeak", 1.0)
    assert with_voice.verdict is not Level.FAILED
    assert (without.voice, without.is_rendered) == ("", True)
    assert "reads Acehnese" in without.why_silent
    assert (tmp_path / "out" / "embedded" / "article-1.sw.mp4").stat().st_size > 100_000

    started = time.monotonic()
    again = prove_languages(tmp_path / "out", profile="embedded", only={SW, ACE}, store=tmp_path / "store")
    assert again.rows == proof.rows
    assert time.monotonic() - started < 5
