"""The offer is computed from what the engines say of themselves."""

from __future__ import annotations

from dub.plan import Plan
from engines.offer import offered

PLAN = Plan(
    name="test",
    separation="passthrough",
    asr="faster-whisper",
    translation=("bergamot", "apertium"),
    tts=("kokoro",),
    speaker=("long-term-spectrum",),
    face="nobody",
    lipsync="untouched",
    speech_quality="level",
    language_id="py3langid",
)


def test_the_embedded_engines_offer_what_they_translate_and_speak() -> None:
    rows = {row.locale: row for row in offered(PLAN)}
    assert {"pt-BR", "es", "ca", "it", "fr"} <= set(rows)
    assert "pt" not in rows
    assert "en" not in rows
    assert "gl" not in rows, "translated, but the voice does not speak it"
    assert rows["pt-BR"].tier == "good"
    assert rows["es"].tier == "fair"
    assert rows["es"].route == ("bergamot en-pt-BR", "apertium pt-es")
    assert rows["fr"].tier == "demo"
    assert rows["ca"].licences == "copyleft"
    assert rows["es"].clone == "fitted"


def test_the_policy_takes_engines_out_of_the_offer() -> None:
    assert offered(PLAN, policy="permissive") == ()
    toys = PLAN.model_copy(update={"tts": ("tone",)})
    assert {row.locale for row in offered(toys, policy="permissive")} == {"pt-BR"}
    assert {"gl", "es", "oc"} <= {row.locale for row in offered(toys)}


def test_the_best_tier_comes_first() -> None:
    tiers = [row.tier for row in offered(PLAN)]
    assert tiers == sorted(tiers, key=("good", "fair", "demo").index)
