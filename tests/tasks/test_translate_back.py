"""translate_back: every line the way back, without those the engine fails at."""

from __future__ import annotations

import pytest

from dub.check_meaning import likeness
from dub.gates import DEFAULT_GATES
from dub.script import TranslatedLine, Translation
from dub.stage import Desk
from flows.preflight import find_way_back, read_plan
from lang.bcp47 import Locale
from tasks.translate_back import translate_back
from tests.tasks.phrasebooks import FAILS, Phrasebook, hop, installed

EN, ES = Locale("en"), Locale("es")


def translation(*lines: str) -> Translation:
    return Translation(
        locale=ES,
        route=("x",),
        lines=tuple(TranslatedLine(utterance_id=f"u{n}", text=text) for n, text in enumerate(lines)),
    )


def test_a_line_that_fails_is_left_out(desk: Desk) -> None:
    with installed(first=Phrasebook({"Hola a todos.": "Hello everybody.", "Nada.": FAILS})):
        back = translate_back(desk, translation("Hola a todos.", "Nada.", " "), (hop("first", "es", "en"),))
    assert back.lines == {"u0": "Hello everybody."}
    assert (back.locale, back.by) == (EN, "first")


def test_the_way_back_is_the_plans_own() -> None:
    plan = read_plan("embedded")
    way = find_way_back(plan, Locale("pt-BR"), EN)
    assert way is not None
    assert [hop.id for hop in way] == ["bergamot"]
    assert find_way_back(plan, Locale("ja"), EN) is None, "no engine of the profile translates from Japanese"
    by_english = find_way_back(plan, Locale("pt-BR"), Locale("ja"), EN)
    assert by_english is not None
    assert by_english[-1].options["target"] == "en", "where the language itself cannot be reached"
    toys = plan.model_copy(update={"translation": ("pseudo",)})
    assert find_way_back(toys, ES, EN) is None, "a toy's words mean nothing"


@pytest.mark.models
def test_a_real_round_trip_means_the_same(desk: Desk) -> None:
    way = find_way_back(read_plan("embedded"), Locale("pt-BR"), EN)
    assert way is not None
    line = TranslatedLine(utterance_id="u1", text="Vendemos trezentas caixas de chá.")
    back = translate_back(desk, Translation(locale=Locale("pt-BR"), route=("x",), lines=(line,)), way)
    assert likeness("We sold three hundred boxes of tea.", back.lines["u1"]) > DEFAULT_GATES.line_meaning_kept.ok
