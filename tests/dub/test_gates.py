"""Limits: which side is better, what fails, and that every one of them says where it comes from."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from dub.errors import BadInput
from dub.finding import Level, Review
from dub.gates import DEFAULT_GATES, Gates, not_measured
from dub.limit import Limit, LimitChange
from dub.plan import Plan
from lang.bcp47 import Locale

GATES = Gates()
TOY = Path(__file__).parents[1] / "flows" / "toy.toml"


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


def test_a_plans_own_limits() -> None:
    changes = {"word_error": LimitChange(ok=0.1), "true_peak": LimitChange(never_fails=True)}
    gates = DEFAULT_GATES.changed(changes | {"overrun": LimitChange(ok=1, failed=3)})
    assert (gates.word_error.ok, gates.word_error.failed) == (0.1, DEFAULT_GATES.word_error.failed)
    assert gates.word_error.source.startswith("the plan; by default 0.25 (")
    assert gates.true_peak.level(9.0) is Level.DEGRADED
    assert [gates.overrun.level(value) for value in (1.0, 2.0, 4.0)] == [Level.OK, Level.DEGRADED, Level.FAILED]
    assert gates.stretch_high == DEFAULT_GATES.stretch_high


def test_limits_that_cannot_be() -> None:
    with pytest.raises(BadInput, match="no check is called 'word_eror'") as caught:
        DEFAULT_GATES.changed({"word_eror": LimitChange(ok=0.1)})
    assert "word_error" in caught.value.mend
    with pytest.raises(BadInput, match=r"gates, word_error: .*must be worse than ok"):
        DEFAULT_GATES.changed({"word_error": LimitChange(ok=0.9)})


def test_a_profile_sets_them(tmp_path: Path) -> None:
    profile = tmp_path / "mine.toml"
    profile.write_text(TOY.read_text() + "[gates.word_error]\nok = 0.1\n")
    assert Plan.read(profile).limits().word_error.ok == 0.1
    profile.write_text(TOY.read_text() + "[gates.word_error]\nokay = 0.1\n")
    with pytest.raises(BadInput, match=r"mine\.toml, field 'gates\.word_error\.okay'"):
        Plan.read(profile)
