"""Checks of a dub made elsewhere: of its language, lines, voices and lips, each with what would be wrong with it."""

from __future__ import annotations

import pytest

from dub.check_heard import (
    HeardMatch,
    as_heard,
    check_heard_voices,
    check_language_alone,
    check_lines_heard,
    check_lip_offset,
    check_mouth_alone,
    told_by_pixels,
)
from dub.finding import Finding, Level
from dub.gates import DEFAULT_GATES
from dub.heard_dub import laid_over
from dub.score import METRICS, MouthScore, measured
from dub.timecode import Span
from lang.bcp47 import Locale
from tests.dub.test_heard_dub import SOURCE, script

EN, ES = Locale("en"), Locale("es")


@pytest.mark.parametrize(
    ("heard", "level", "said"),
    [
        ((EN, 0.98), Level.OK, "sounds like English (98 % sure); --language"),
        ((EN, 0.3), Level.DEGRADED, "30 % sure"),
        ((ES, 0.98), Level.FAILED, "the source's language"),
        (None, Level.FAILED, "No speech"),
    ],
)
def test_the_language_of_a_dub_that_nobody_named(heard: tuple[Locale, float] | None, level: Level, said: str) -> None:
    found = check_language_alone(heard, ES, DEFAULT_GATES)
    assert found.level is level
    assert said in found.message


def lines_found(*heard: tuple[float, float, str], speech: tuple[tuple[float, float], ...]) -> list[Finding]:
    islands = tuple(Span.of_seconds(start, end) for start, end in speech)
    return check_lines_heard(SOURCE, laid_over(SOURCE, script(*heard)), islands, DEFAULT_GATES)


def test_every_line_said_and_nothing_else() -> None:
    heard = ((1.0, 3.0, "Good morning."), (4.0, 6.0, "A pump."), (10.0, 12.0, "Bye."))
    found = lines_found(*heard, speech=tuple((start, end) for start, end, _ in heard))
    assert {finding.level for finding in found} == {Level.OK}
    assert [finding.check for finding in found] == ["lines_spoken", "speech_outside_slot"]


def test_a_line_left_out_fails_where_the_dub_is_silent_and_asks_for_ears_where_it_is_not() -> None:
    heard = ((1.0, 3.0, "Good morning."), (10.0, 12.0, "Bye."))
    silent = lines_found(*heard, speech=((1, 3), (10, 12)))[0]
    assert (silent.level, silent.utterance_id) == (Level.FAILED, "u0002")
    mumbled = lines_found(*heard, speech=((1, 3), (4.5, 6), (10, 12)))[0]
    assert (mumbled.level, mumbled.utterance_id) == (Level.DEGRADED, "u0002")


def test_speech_where_the_source_says_nothing() -> None:
    heard = ((1.0, 3.0, "Good morning."), (4.0, 6.0, "A pump."), (7.5, 9.0, "Buy now!"), (10.0, 12.0, "Bye."))
    found = lines_found(*heard, speech=tuple((start, end) for start, end, _ in heard))[-1]
    assert found.check == "speech_outside_slot"
    assert found.level is Level.DEGRADED
    assert found.value == pytest.approx(1.5), "from 7.5 to 9 s: the lines end at 6 s and begin again at 10"
    assert "Buy now!" in found.message


def test_what_was_heard_is_said_to_be_heard_only_where_it_is_bad() -> None:
    good = Finding(level=Level.OK, check="numbers_kept", message="All 2 numbers.")
    bad = Finding(level=Level.DEGRADED, check="numbers_kept", message="Numbers differ.")
    assert [finding.message for finding in as_heard([good, bad])] == [
        "All 2 numbers.",
        "As heard, which may be misheard: Numbers differ.",
    ]


def test_voices_are_judged_by_every_encoder_and_none_flatters() -> None:
    found = check_heard_voices([HeardMatch("s1", "one", 0.7, 0.6, 0.8), HeardMatch("s1", "two", 0.5, 0.6, None)])
    assert [finding.level for finding in found] == [Level.OK, Level.DEGRADED]
    assert "two pieces of their own speech 0.80" in found[0].message
    assert "another voice" in found[1].message


def mouth(**values: float | None) -> MouthScore:
    measures = tuple(measured(name, values.get(name), "no reason") for name in METRICS)
    return MouthScore(title="peer", locale=EN, measures=measures, n_frames=100, n_frames_with_face=100)


def test_the_mouth_alone_is_judged_by_the_plan_and_what_is_not_known_says_why() -> None:
    found = check_mouth_alone(mouth(closure_recall=0.4, silence_movement=0.01), DEFAULT_GATES)
    levels = {finding.check: finding.level for finding in found}
    assert levels == {
        "closure_recall": Level.FAILED, "false_closures": Level.OK, "silence_stability": Level.OK,
    }  # fmt: skip
    assert next(finding for finding in found if finding.check == "false_closures").message == "Not measured: no reason"


@pytest.mark.parametrize(
    ("offset", "check", "level"),
    [(30.0, "sound_late", Level.OK), (-120.0, "sound_early", Level.DEGRADED), (400.0, "sound_late", Level.FAILED)],
)
def test_sound_against_lips(offset: float, check: str, level: Level) -> None:
    found = check_lip_offset(mouth(av_offset=offset), 1)
    assert (found.check, found.level, found.value) == (check, level, abs(offset))


def test_of_several_faces_no_offset_is_told() -> None:
    found = check_lip_offset(mouth(av_offset=-422.0), 2)
    assert (found.level, found.value) == (Level.DEGRADED, None)


def test_lips_that_do_not_tell_the_offset_ask_for_eyes() -> None:
    found = check_lip_offset(mouth(), 1)
    assert found.level is Level.DEGRADED
    assert found.message.startswith("Not measured")
    nobody = mouth().model_copy(update={"n_frames_with_face": 0})
    assert check_lip_offset(nobody, 0).level is Level.OK, "nothing to look at"


def test_a_mouth_told_by_its_pixels_says_so() -> None:
    bad = Finding(level=Level.DEGRADED, check="rendered_share", message="90 of 100.", value=0.9)
    other = Finding(level=Level.DEGRADED, check="wrong_mouth", message="Two.", value=2.0)
    told = told_by_pixels([bad, other])
    assert "Told by the pixels alone" in told[0].message
    assert told[1] == other
