"""Limits: which side is better, what fails, and that every one of them says where it comes from."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from dub.finding import Level, Review
from dub.gates import Gates, Limit, not_measured
from lang.bcp47 import Locale

GATES = Gates()


def test_low_and_high_limits_judge_on_their_own_side() -> None:
    assert [GATES.word_error.level(value) for value in (0.25, 0.26, 0.5, 0.51)] == [
        "ok",
        "degraded",
        "degraded",
        "failed",
    ]
    assert [GATES.closure_recall.level(value) for value in (0.9, 0.89, 0.49)] == ["ok", "degraded", "failed"]
    assert GATES.overrun.level(0.31) is Level.DEGRADED


def test_what_is_no_number_fails() -> None:
    assert GATES.word_error.level(float("nan")) is Level.FAILED
    assert GATES.finding("word_error", float("nan"), "?").value is None


def test_a_limit_whose_failure_is_better_than_its_ok_is_refused() -> None:
    with pytest.raises(ValidationError, match="must be worse"):
        Limit(what="x", better="high", ok=0.9, failed=0.95, source="nobody")


def test_every_limit_names_its_source() -> None:
    for name in Gates.model_fields:
        assert len(GATES[name].source) > 10, name


def test_a_finding_tells_what_to_do_only_when_something_is_wrong() -> None:
    good = GATES.finding("true_peak", -3.0, "Peaks at -3 dBTP.", todo="Lower the gain.")
    bad = GATES.finding("true_peak", 0.4, "Peaks at 0.4 dBTP.", todo="Lower the gain.", utterance_id="u0001")
    assert (good.level, good.message) == (Level.OK, "Peaks at -3 dBTP.")
    assert (bad.level, bad.limit, bad.utterance_id) == (Level.FAILED, 0.0, "u0001")
    assert "Lower the gain." in bad.message


def test_what_was_not_measured_is_said_and_degrades_where_it_matters() -> None:
    unknown = not_measured("word_error", "no recogniser knows Guaraní", matters=True)
    no_face = not_measured("closure_recall", "no face is in the picture", matters=False)
    assert Review(locale=Locale("gn"), findings=(unknown,)).verdict is Level.DEGRADED
    assert Review(locale=Locale("gn"), findings=(no_face,)).verdict is Level.OK
    assert no_face.value is None
    assert no_face.message.startswith("Not measured")
