"""Each check of expression passes a dub that is right and fails one with one fault in it."""

from __future__ import annotations

import numpy as np
import pytest

from dub.check_prosody import (
    PauseKept,
    asking_lines,
    check_levels,
    check_pauses,
    check_questions,
    inner_silences,
    pauses_kept,
    question_rises,
)
from dub.finding import Level
from dub.gates import Gates
from dub.levels import FRAME_SAMPLES
from dub.prosody import InnerPause, LineProsody, SourceProsody
from dub.script import Timeline
from dub.timecode import Span
from lang.bcp47 import Locale
from tests.clips import speechlike
from tests.dub import dubs
from tests.dub.test_pitch import glide

GATES = Gates()
RATE_HZ = 48_000


def timeline(*speakers: str) -> Timeline:
    """Four lines of 1.2 s at 0.5, 2.5, 4.5 and 6.5 s."""
    takes = [
        dubs.placed(number, start_s, text).model_copy(update={"speaker": speaker})
        for number, (start_s, text, speaker) in enumerate(
            zip(dubs.STARTS_S, dubs.TARGET_TEXT, speakers, strict=True), 1
        )
    ]
    return Timeline(locale=Locale("pt-BR"), placed=tuple(takes), overruns=(), dialogue=dubs.NOTHING)


def paused(*at_s: tuple[float, float], seconds: float = 1.2) -> np.ndarray:
    sound = (0.1 * np.sin(2 * np.pi * 200 * np.arange(round(seconds * RATE_HZ)) / RATE_HZ)).astype(np.float32)
    for start, end in at_s:
        sound[round(start * RATE_HZ) : round(end * RATE_HZ)] = 0
    return sound


def source_pause(start_s: float, end_s: float) -> LineProsody:
    return LineProsody(
        utterance_id="u0001", pauses=(InnerPause(span=Span.of_seconds(start_s, end_s), share=0.5),), level_db=-20
    )


def test_a_pause_is_found_where_the_take_is_silent() -> None:
    take = timeline("a", "a", "a", "a").placed[0]
    kept = pauses_kept(take, source_pause(1.0, 1.4), paused((0.6, 0.9)), RATE_HZ)
    assert kept.off_s == (pytest.approx(0.1, abs=0.02),)
    assert pauses_kept(take, source_pause(1.0, 1.4), paused(), RATE_HZ).off_s == ()
    assert pauses_kept(take, source_pause(1.0, 1.4), paused((0.6, 0.7)), RATE_HZ).off_s == (), "a stop's closure"
    far = pauses_kept(take, source_pause(5.0, 5.4), paused((0.6, 0.9)), RATE_HZ)
    assert far.off_s == (), "another clause's pause"
    assert inner_silences(paused((0.0, 0.4)), RATE_HZ) == [], "silence before it is no pause inside"
    assert inner_silences(np.zeros(RATE_HZ, np.float32), RATE_HZ) == []


def test_lost_pauses_are_told() -> None:
    good = check_pauses([PauseKept("u0001", 1, (0.1,)), PauseKept("u0002", 1, ())], GATES)
    assert (good.level, good.value) == (Level.OK, 0.5)
    bad = check_pauses([PauseKept("u0001", 2, (0.1,)), PauseKept("u0002", 1, ())], GATES)
    assert bad.level is Level.DEGRADED
    assert "u0001, u0002" in bad.message
    assert check_pauses([PauseKept("u0001", 0, ())], GATES).level is Level.OK


def mixed(*levels_db: float) -> np.ndarray:
    """Power of a finished sound whose lines have these levels."""
    sound = np.zeros((1, dubs.DURATION_S * RATE_HZ), np.float32)
    for start_s, level_db in zip(dubs.STARTS_S, levels_db, strict=True):
        first = round(start_s * RATE_HZ)
        burst = speechlike(1.2)
        sound[:, first : first + burst.shape[1]] = burst * 10 ** (level_db / 20)
    return (sound[0].astype(np.float64) ** 2).reshape(-1, FRAME_SAMPLES).mean(axis=1)


def source(levels_db: tuple[float, ...], usual_db: dict[str, float]) -> SourceProsody:
    lines = tuple(LineProsody(utterance_id=f"u{n:04}", level_db=level) for n, level in enumerate(levels_db, 1))
    return SourceProsody(lines=lines, usual_db=usual_db)


def test_a_shout_that_got_lost() -> None:
    shouted = source((-20, -20, -14, -20), {"a": -20})
    one = timeline("a", "a", "a", "a")
    findings, errors = check_levels(one, shouted, mixed(0, 0, 6, 0), GATES)
    assert [finding.level for finding in findings] == [Level.OK]
    assert max(map(abs, errors.values())) < 0.1
    [finding], errors = check_levels(one, shouted, mixed(0, 0, 0, 0), GATES)
    assert (finding.level, finding.utterance_id) == (Level.DEGRADED, "u0003")
    assert errors["u0003"] == pytest.approx(-6, abs=0.1)


def test_speakers_at_another_balance() -> None:
    near_far = source((-20, -20, -32, -32), {"near": -20, "far": -32})
    two = timeline("near", "near", "far", "far")
    findings, _ = check_levels(two, near_far, mixed(0, 0, -12, -12), GATES)
    assert {finding.level for finding in findings} == {Level.OK}
    findings, _ = check_levels(two, near_far, mixed(0, 0, -9, -9), GATES)
    assert [finding.check for finding in findings if finding.level is not Level.OK] == ["speaker_level_error"]


def test_what_was_not_measured_is_not_judged() -> None:
    assert check_levels(timeline("a", "a", "a", "a"), SourceProsody(), mixed(0, 0, 0, 0), GATES) == ((), {})


def test_questions_that_fall() -> None:
    asked = timeline("a", "a", "a", "a")
    first = asked.placed[0].model_copy(update={"text": "Você vem?"})
    asked = asked.model_copy(update={"placed": (first, *asked.placed[1:])})
    knows = SourceProsody(lines=(LineProsody(utterance_id="u0002", asks=True),))
    takes = asking_lines(asked, knows)
    assert [take.utterance_id for take in takes] == ["u0001", "u0002"], "by its mark, and by the source's"
    level, up, down = glide(150, 150), glide(150, 200), glide(150, 110)
    rising = question_rises([(take, np.concatenate([level, up])) for take in takes], 24_000)
    assert {finding.level for finding in check_questions(rising, asked.locale, GATES)} == {Level.OK}
    falling = question_rises([(take, np.concatenate([level, down])) for take in takes], 24_000)
    assert [finding.utterance_id for finding in check_questions(falling, asked.locale, GATES)] == ["u0001", "u0002"]
    assert {finding.level for finding in check_questions(falling, asked.locale, GATES)} == {Level.DEGRADED}
    assert check_questions(falling, Locale("vi"), GATES)[0].level is Level.OK
    assert check_questions({}, asked.locale, GATES)[0].level is Level.OK
    hoarse = check_questions({"u0001": None}, asked.locale, GATES)
    assert "1 end too hoarse" in hoarse[0].message
