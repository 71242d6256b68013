"""Every check finds its planted fault, and finds nothing in a dub that is right."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

import numpy as np
import pytest

from dub.check_mouth import LIP_SYNC_OFF, check_mouth, read_mouth
from dub.check_sound import (
    SpeakerMatch,
    check_length,
    check_level,
    check_offset,
    check_voice,
    sound_offset_s,
)
from dub.check_timing import check_dialogue, check_timing
from dub.check_translation import check_translation, numerals
from dub.check_words import check_language, check_source_language, check_words, heard_lines
from dub.finding import Finding, Level
from dub.gates import Gates
from dub.script import Overrun
from lang.bcp47 import Locale
from tests.dub import dubs

GATES = Gates()


def levels(findings: Iterable[Finding]) -> dict[str, Level]:
    """The worst level of each check."""
    order = [Level.OK, Level.DEGRADED, Level.FAILED]
    worst: dict[str, Level] = {}
    for finding in findings:
        worst[finding.check] = max(worst.get(finding.check, Level.OK), finding.level, key=order.index)
    return worst


def about(findings: Iterable[Finding], utterance_id: str) -> list[str]:
    return [finding.check for finding in findings if finding.utterance_id == utterance_id]


# --- a dub that is right -------------------------------------------------------------------------------------------


def test_a_right_dub_has_no_finding_worse_than_ok() -> None:
    timeline = dubs.timeline()
    evidence = dubs.evidence(timeline)
    findings = (
        *check_translation(dubs.script(), dubs.translation(), GATES),
        *check_timing(dubs.script(), timeline, GATES),
        *check_dialogue(timeline, dubs.dialogue(timeline), GATES),
        *check_words(heard_lines(timeline, dubs.heard()), "a recogniser", GATES),
        *check_mouth(evidence, read_mouth(dubs.script(), timeline, evidence), GATES),
    )
    assert [finding for finding in findings if finding.level is not Level.OK] == []
    assert {"word_error", "closure_recall", "rendered_share", "overrun", "numbers_kept"} <= set(levels(findings))


# --- wording -------------------------------------------------------------------------------------------------------


def test_copied_source_text_is_found() -> None:
    findings = check_translation(dubs.script(), dubs.translation(dubs.SOURCE_TEXT), GATES)
    assert levels(findings)["copied_lines"] is Level.FAILED
    assert "copied_lines" in about(findings, "u0001")


def test_one_copied_line_of_many_is_no_failure_but_is_named() -> None:
    texts = (dubs.SOURCE_TEXT[0], *dubs.TARGET_TEXT[1:])
    script = dubs.script()
    findings = check_translation(script, dubs.translation(texts), GATES)
    assert about(findings, "u0001") == ["copied_lines"]


def test_the_same_language_may_keep_its_words() -> None:
    findings = check_translation(dubs.script(), dubs.translation(dubs.SOURCE_TEXT, "en-GB"), GATES)
    assert "copied_lines" not in levels(findings)


def test_lost_and_changed_numbers_are_found() -> None:
    texts = (dubs.TARGET_TEXT[0], "Vendemos 200 caixas.", *dubs.TARGET_TEXT[2:])
    findings = check_translation(dubs.script(), dubs.translation(texts), GATES)
    assert about(findings, "u0002") == ["numbers_kept"]
    lost = next(finding for finding in findings if finding.utterance_id == "u0002")
    assert "lost 300" in lost.message
    assert "new 200" in lost.message


def test_numbers_are_the_same_in_every_script_and_grouping() -> None:
    assert numerals("1,250.50 on 3/4") == numerals("١٬٢٥٠٫٥٠ ٣/٤")
    assert numerals("10:30") == numerals("10.30")


def test_a_line_without_words_is_a_failure() -> None:
    findings = check_translation(dubs.script(), dubs.translation((*dubs.TARGET_TEXT[:3], "…")), GATES)
    assert levels(findings)["lines_translated"] is Level.FAILED


def test_a_line_of_suspicious_length_is_found() -> None:
    texts = (
        *dubs.TARGET_TEXT[:3],
        "Até breve, tchau, e muito obrigado por tudo o que vocês fizeram hoje por nós aqui.",
    )
    assert "length_ratio_high" in about(check_translation(dubs.script(), dubs.translation(texts), GATES), "u0004")


# --- time ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ratio", "check", "level"),
    [(1.3, "stretch_high", "degraded"), (1.4, "stretch_high", "failed"), (0.78, "stretch_low", "degraded")],
)
def test_unnatural_speed_is_found(ratio: float, check: str, level: str) -> None:
    takes = list(dubs.timeline().placed)
    takes[1] = dubs.placed(2, 2.5, dubs.TARGET_TEXT[1], stretch_ratio=ratio)
    findings = check_timing(dubs.script(), dubs.timeline(takes), GATES)
    assert levels(findings)[check] == level
    assert about(findings, "u0002") == [check]


def test_a_line_that_was_never_spoken_is_found() -> None:
    findings = check_timing(dubs.script(), dubs.timeline(dubs.timeline().placed[:3]), GATES)
    assert (levels(findings)["lines_spoken"], about(findings, "u0004")) == (Level.FAILED, ["lines_spoken"])


def test_an_overrun_is_found_and_a_short_one_forgiven() -> None:
    over = (Overrun(utterance_id="u0004", seconds=Fraction(8, 10)),)
    assert levels(check_timing(dubs.script(), dubs.timeline(overruns=over), GATES))["overrun"] is Level.DEGRADED
    short = (Overrun(utterance_id="u0004", seconds=Fraction(1, 10)),)
    assert levels(check_timing(dubs.script(), dubs.timeline(overruns=short), GATES))["overrun"] is Level.OK


def test_two_lines_at_once_are_found() -> None:
    takes = list(dubs.timeline().placed)
    takes[0] = dubs.placed(1, 0.5, dubs.TARGET_TEXT[0], seconds=2.3)
    findings = check_timing(dubs.script(), dubs.timeline(takes), GATES)
    assert about(findings, "u0002") == ["piled_speech"]


def test_a_silent_take_and_a_stray_one_are_found() -> None:
    timeline = dubs.timeline()
    samples = dubs.dialogue(timeline)
    samples[round(2.4 * 48_000) : round(3.8 * 48_000)] = 0
    silent = check_dialogue(timeline, samples, GATES)
    assert levels(silent)["line_level"] is Level.FAILED
    assert about(silent, "u0002") == ["line_level"]
    moved = np.roll(dubs.dialogue(timeline), 48_000 // 2)
    assert levels(check_dialogue(timeline, moved, GATES))["speech_outside_slot"] is Level.DEGRADED


# --- listening back ------------------------------------------------------------------------------------------------


def words_heard(*texts: str, is_trusted: bool = True) -> tuple[Finding, ...]:
    lines = heard_lines(dubs.timeline(), dubs.heard(texts))
    return check_words(lines, "a recogniser", GATES, is_trusted=is_trusted)


def test_missing_words_are_found_and_named() -> None:
    findings = words_heard(dubs.TARGET_TEXT[0], "", dubs.TARGET_TEXT[2], "")
    assert levels(findings)["word_error"] is Level.DEGRADED
    assert about(findings, "u0002") == ["line_word_error"]
    assert "Nothing of this line" in next(f.message for f in findings if f.utterance_id == "u0004")


def test_gibberish_fails() -> None:
    assert levels(words_heard("blah blah", "foo", "bar baz qux", "hum hum hum hum"))["word_error"] is Level.FAILED


def test_a_recogniser_that_was_never_measured_in_a_language_asks_for_a_human_and_fails_nothing() -> None:
    gibberish = words_heard("blah blah", "foo", "bar baz qux", "hum hum hum hum", is_trusted=False)
    assert levels(gibberish)["word_error"] is Level.DEGRADED
    assert "never measured in this language" in next(f.message for f in gibberish if f.check == "word_error")
    taken_for_thai = check_language(Locale("sw"), Locale("th"), 0.8, 1.2, GATES, is_trusted=False)
    assert taken_for_thai.level is Level.DEGRADED
    assert "A speaker of it should listen" in taken_for_thai.message


def test_lines_are_found_though_the_recogniser_is_half_a_second_late() -> None:
    lines = heard_lines(dubs.timeline(), dubs.heard(late_s=0.6))
    assert [line.words.n_errors for line in lines] == [0, 0, 0, 0]


def test_the_wrong_language_is_found_unless_the_words_are_right() -> None:
    spanish, galician = Locale("es"), Locale("gl")
    assert check_language(galician, spanish, 0.8, 0.7, GATES).level is Level.FAILED
    assert check_language(galician, spanish, 0.8, None, GATES).level is Level.FAILED
    assert check_language(galician, Locale("pt"), 0.6, 0.1, GATES).level is Level.OK
    assert check_language(Locale("ca"), Locale("ro"), 0.32, 0.28, GATES).level is Level.DEGRADED
    assert check_language(Locale("ca"), Locale("ro"), 0.9, 0.28, GATES).level is Level.DEGRADED
    assert check_language(Locale("pt-BR"), Locale("pt"), 0.9, 0.1, GATES).level is Level.OK


def test_an_unsure_source_language_asks_for_the_flag() -> None:
    unsure = check_source_language(Locale("gl"), 0.4, GATES)
    assert unsure.level is Level.DEGRADED
    assert "--from" in unsure.message
    assert check_source_language(Locale("en"), 0.99, GATES).level is Level.OK


# --- the mouth -----------------------------------------------------------------------------------------------------


def mouth(**arrays: object) -> dict[str, Level]:
    timeline = dubs.timeline()
    evidence = dubs.changed(dubs.evidence(timeline), **arrays)
    return levels(check_mouth(evidence, read_mouth(dubs.script(), timeline, evidence), GATES))


def test_a_frozen_mouth_is_found() -> None:
    assert mouth(dub_aperture=np.full(dubs.N_FRAMES, 0.1, np.float32))["closure_recall"] is Level.FAILED


def test_a_mouth_that_never_opens_is_found() -> None:
    assert mouth(dub_aperture=np.full(dubs.N_FRAMES, 0.003, np.float32))["false_closures"] is Level.DEGRADED


def test_a_mouth_moved_a_quarter_second_late_is_found() -> None:
    late = np.roll(dubs.evidence(dubs.timeline()).dub_aperture, 6)
    assert mouth(dub_aperture=late)["closure_recall"] is not Level.OK


def test_a_mouth_that_was_never_moved_is_found() -> None:
    nothing = {"is_rendered": np.zeros(dubs.N_FRAMES, bool), "reason_counts": {"kept: nobody speaks": dubs.N_FRAMES}}
    assert mouth(**nothing)["rendered_share"] is Level.FAILED


def test_a_mouth_that_speaks_in_pauses_is_found() -> None:
    evidence = dubs.evidence(dubs.timeline())
    babble = np.abs(np.sin(np.arange(dubs.N_FRAMES))).astype(np.float32) * 0.2
    assert (
        mouth(dub_aperture=np.where(evidence.is_rendered, evidence.dub_aperture, babble).astype(np.float32))[
            "silence_stability"
        ]
        is Level.DEGRADED
    )


def test_lips_that_go_on_in_the_sources_words_are_found() -> None:
    """The dub leaves out its third line, and the mouth still speaks it."""
    timeline = dubs.timeline([take for take in dubs.timeline().placed if take.utterance_id != "u0003"])
    evidence = dubs.evidence(dubs.timeline())
    found = levels(check_mouth(evidence, read_mouth(dubs.script(), timeline, evidence), GATES))
    assert found["source_lips_left"] is Level.DEGRADED


def test_blur_and_flicker_are_found() -> None:
    found = mouth(dub_sharpness=np.full(dubs.N_FRAMES, 20, np.float32), flicker_ratio=5.0)
    assert (found["sharpness_ratio"], found["flicker_ratio"]) == (Level.FAILED, Level.FAILED)


def test_no_face_and_lip_sync_switched_off_are_said_and_are_no_fault() -> None:
    assert mouth(source_aperture=np.full(dubs.N_FRAMES, np.nan, np.float32)) == {"rendered_share": Level.OK}
    assert mouth(reason_counts={LIP_SYNC_OFF: dubs.N_FRAMES}) == {"rendered_share": Level.OK}


def test_a_face_that_is_turned_away_is_not_asked_to_be_moved() -> None:
    evidence = dubs.evidence(dubs.timeline())
    half = np.arange(dubs.N_FRAMES) < dubs.N_FRAMES // 2
    refused = {
        "is_rendered": evidence.is_rendered & half,
        "reason_counts": {"rendered": 70, "refused: turned away": 60},
    }
    assert mouth(**refused)["rendered_share"] is Level.DEGRADED
    assert mouth(**refused, is_frontal=half)["rendered_share"] is Level.OK
    timeline, changed = dubs.timeline(), dubs.changed(evidence, **refused, is_frontal=half)
    coverage = check_mouth(changed, read_mouth(dubs.script(), timeline, changed), GATES)[0]
    assert "more the face is turned away and keeps" in coverage.message, "what is not held against it is still said"


# --- the sound -----------------------------------------------------------------------------------------------------


def test_late_and_early_sound_is_measured_under_a_bed() -> None:
    expected = dubs.dialogue(dubs.timeline())[::3]
    bed = 0.1 * np.random.default_rng(9).standard_normal(len(expected)).astype(np.float32)
    for shift_s, check in ((0.3, "sound_late"), (-0.12, "sound_early")):
        offset_s, correlation = sound_offset_s(np.roll(expected, round(shift_s * 16_000)) + bed, expected, 16_000)
        assert offset_s == pytest.approx(shift_s, abs=0.001)
        finding = check_offset(offset_s, correlation, GATES)
        assert (finding.check, finding.level) == (check, Level.FAILED)
    in_step = check_offset(*sound_offset_s(expected + bed, expected, 16_000), GATES)
    assert (in_step.level, in_step.value) == (Level.OK, 0.0)


def test_another_recording_on_the_default_track_is_found() -> None:
    expected = dubs.dialogue(dubs.timeline())[::3]
    other = 0.1 * np.random.default_rng(11).standard_normal(len(expected)).astype(np.float32)
    finding = check_offset(*sound_offset_s(other, expected, 16_000), GATES)
    assert finding.level is Level.FAILED
    assert "not found" in finding.message
    assert check_offset(*sound_offset_s(np.zeros(100, np.float32), expected, 16_000), GATES).level is Level.FAILED


def test_clipped_peaks_and_wrong_loudness_are_found() -> None:
    assert levels(check_level(-16, -16.4, -1.2, GATES)) == {"loudness_error": Level.OK, "true_peak": Level.OK}
    assert levels(check_level(-16, -23.0, 0.6, GATES)) == {"loudness_error": Level.FAILED, "true_peak": Level.FAILED}
    assert levels(check_level(-16, float("-inf"), -90.0, GATES))["loudness_error"] is Level.FAILED


def test_another_length_is_found() -> None:
    assert levels(check_length(250, 250, 10.0, 10.0, 0.04, GATES))["duration_error"] is Level.OK
    assert levels(check_length(248, 250, 9.92, 9.92, 0.04, GATES))["duration_error"] is Level.FAILED
    assert levels(check_length(250, 250, 9.8, 10.0, 0.04, GATES))["duration_error"] is Level.FAILED


def test_the_unseen_encoder_judges_the_voice() -> None:
    fitted = SpeakerMatch("speaker 1", "fitted-with", 0.9, 0.6, is_unseen=False)
    judge = SpeakerMatch("speaker 1", "judge", 0.5, 0.65, is_unseen=True)
    (finding,) = check_voice((fitted, judge), ())
    assert (finding.level, finding.value, finding.limit) == (Level.DEGRADED, 0.5, 0.65)
    assert "Do not call it cloned" in finding.message
    assert "as judge hears it, which the fit never did (limit 0.65); 0.90 by fitted-with" in finding.message
    own = SpeakerMatch("speaker 1", "judge", 0.7, 0.65, is_unseen=True, same_speaker=0.81)
    assert "(limit 0.65; two pieces of their own speech 0.81)" in check_voice((own,), ())[0].message
    (alone,) = check_voice((fitted,), ())
    assert alone.level is Level.OK
    assert "flatters" in alone.message
    assert check_voice((), ())[0].level is Level.DEGRADED


def test_a_voice_that_enrolment_gave_up_on_is_not_called_cloned() -> None:
    judge = SpeakerMatch("speaker 1", "judge", 0.7, 0.65, is_unseen=True)
    assert check_voice((judge,), ("speaker 1",))[0].level is Level.DEGRADED
