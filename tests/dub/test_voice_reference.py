"""The recording a voice is made from: clean, alone, level, without pauses."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from dub.script import Utterance
from dub.timecode import Span
from dub.voice_reference import reference_of, spans_alone, without_pauses

RATE_HZ = 16_000


def _span(start_s: float, end_s: float) -> Span:
    return Span.of_seconds(start_s, end_s)


def _line(i: int, speaker: str, start_s: float, end_s: float) -> Utterance:
    return Utterance(id=f"u{i:04}", speaker=speaker, span=_span(start_s, end_s), text="said")


def test_the_reference_is_the_longest_speech_in_order_of_time() -> None:
    dialogue = np.repeat(np.array([0.1, -0.2, 0.3, -0.4], np.float32), 20 * 100)
    reference = reference_of(dialogue, 100, [_span(0, 4), _span(20, 35), _span(40, 58)])
    assert reference.size == 25 * 100  # 18 s of the longest, then 7 s of the second
    assert np.all(reference[:700] < 0)
    assert np.all(reference[700:] > 0)


def test_clean_lines_come_before_longer_noisy_ones() -> None:
    dialogue = np.repeat(np.array([0.1, -0.1], np.float32), 30 * 100)
    bed = np.repeat(np.array([0.1, 0.001], np.float32), 30 * 100)
    spans = [_span(0, 30), _span(30, 50)]
    assert np.all(reference_of(dialogue, 100, spans)[:100] > 0)
    reference = reference_of(dialogue, 100, spans, bed)
    assert reference.size == 25 * 100
    assert np.all(reference[-2000:] < 0), "all of the clean line, 20 s"
    assert np.all(reference[:500] > 0), "and 5 s of the noisy one"


def test_nobody_else_is_heard_in_it() -> None:
    lines = [_line(0, "anna", 0, 10), _line(1, "ben", 4, 6), _line(2, "ben", 9.8, 12), _line(3, "anna", 20, 20.3)]
    assert spans_alone("anna", lines) == [_span(0, 4), _span(6, 9.8)]
    assert spans_alone("ben", lines) == [_span(10, 12)]
    both = [_line(0, "anna", 0, 3), _line(1, "ben", 0, 3)]
    assert spans_alone("anna", both) == [_span(0, 3)], "never alone: better than nothing"


def test_pauses_of_a_recording_are_cut_short() -> None:
    at = np.arange(4 * RATE_HZ) / RATE_HZ
    loud = (at < 1) | ((at >= 1.2) & (at < 2)) | (at >= 3.5)
    recording = (0.2 * np.sin(2 * np.pi * 200 * at) * loud).astype(np.float32)
    kept = without_pauses(recording, RATE_HZ)
    assert kept.size / RATE_HZ == pytest.approx(2.5 + 0.3, abs=0.15)
    assert float(Fraction(kept.size, RATE_HZ)) > 2.3, "the short pause and all the speech stay"
    silence = np.zeros(RATE_HZ, np.float32)
    assert without_pauses(silence, RATE_HZ).size == silence.size
