"""The stage that listens to the source, and the review that listens to the dub, on sounds whose pauses are known."""

from __future__ import annotations

import numpy as np
import pytest

from dub.finding import Level
from dub.measured import Measured
from dub.prosody import SourceProsody
from dub.stage import Desk
from dub.wav import Samples
from tasks.fit import fit
from tasks.measure_prosody import measure_prosody
from tasks.mix import mix
from tasks.review_prosody import hear_prosody
from tests.clips import speechlike
from tests.tasks.sound import script_of, source_of, stems_of, takes_of

END_S = 8
LINES = [("near", 1.0, 3.5), ("far", 5.0, 7.0)]


def talk() -> Samples:
    """Two speakers 12 dB apart; the first pauses from 2 to 2.5 s."""
    sound = np.zeros((1, END_S * 48_000), np.float32)
    for start, end, gain in ((1.0, 2.0, 0.8), (2.5, 3.5, 0.8), (5.0, 7.0, 0.2)):
        voice = speechlike(end - start) + 0.02 * speechlike(end - start, pitch_hz=90)
        hum = 0.02 * np.sin(2 * np.pi * 130 * np.arange(voice.shape[1]) / 48_000)
        sound[:, round(start * 48_000) : round(end * 48_000)] = gain * (voice + hum)
    return sound


def measured(desk: Desk) -> SourceProsody:
    dialogue = talk()
    silence = np.zeros((2, dialogue.shape[1]), np.float32)
    return measure_prosody(desk, stems_of(desk, dialogue, silence), script_of(LINES, END_S))


def test_the_source_is_measured(desk: Desk) -> None:
    found = measured(desk)
    first, second = found.lines
    [pause] = first.pauses
    assert float(pause.span.start) == pytest.approx(2.0, abs=0.05)
    assert float(pause.span.end) == pytest.approx(2.5, abs=0.05)
    assert second.pauses == ()
    assert found.usual_db["near"] - found.usual_db["far"] == pytest.approx(12, abs=0.3)
    assert found.sounds == ()


def test_the_review_says_what_was_kept(desk: Desk) -> None:
    """Takes without a pause, each as loud as the other, mixed with and without the measure."""
    prosody, script, dialogue = measured(desk), script_of(LINES, END_S), talk()
    silence = np.zeros((2, dialogue.shape[1]), np.float32)
    source = source_of(desk, np.repeat(dialogue, 2, axis=0))
    steady = [(0.1 * np.sin(2 * np.pi * 200 * np.arange(48_000 * 2) / 48_000)).astype(np.float32)[None]] * 2
    timeline = fit(desk, source, script, takes_of(desk, steady, 48_000))
    made = mix(desk, source, stems_of(desk, dialogue, silence), script, timeline, -16.0, prosody)
    found = Measured()
    hear_prosody(found, desk.open_store(), timeline, made.audio, prosody)
    levels = {finding.check: finding.level for finding in found.findings}
    assert levels["pauses_kept"] is Level.DEGRADED
    assert levels["line_level_error"] is levels["speaker_level_error"] is levels["questions_rise"] is Level.OK
    assert (found.metrics["source_pauses"], found.metrics["pauses_kept"]) == (1, 0)
    level_of = {line.utterance_id: line.model_copy(update={"level_db": -20.0}) for line in prosody.lines}
    other = prosody.model_copy(update={"lines": tuple(level_of.values()), "usual_db": {"near": -20.0, "far": -20.0}})
    hear_prosody(wrong := Measured(), desk.open_store(), timeline, made.audio, other)
    assert {finding.check for finding in wrong.findings if finding.level is not Level.OK} == {
        "pauses_kept",
        "speaker_level_error",
    }
