"""The verdict follows from what gates, never from what only informs; the page says it all."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from dub.av_offset import AvOffset
from dub.finding import Level
from dub.score import METRICS, MouthScore, measured
from dub.score_page import offset_figure, range_text, score_page


def score(**values: float | None) -> MouthScore:
    measures = tuple(measured(name, value, "why <not>" if value is None else "") for name, value in values.items())
    return MouthScore(title="a & b", locale=None, measures=measures, n_frames=10, n_frames_with_face=9)


def test_the_worst_gate_is_the_verdict() -> None:
    assert score(closure_recall=1.0, sharpness_ratio=1.0).verdict is Level.OK
    assert score(closure_recall=0.7, sharpness_ratio=1.0).verdict is Level.DEGRADED
    assert score(closure_recall=0.7, sharpness_ratio=0.2).verdict is Level.FAILED
    assert score(sharpness_ratio=3.0).verdict is Level.FAILED, "too sharp is no better"
    assert score(av_offset=float("nan")).verdict is Level.FAILED


def test_what_informs_or_is_unknown_changes_nothing() -> None:
    assert score(false_closures=1.0, closure_recall=None).verdict is Level.OK
    assert score(closure_recall=None).value("closure_recall") is None


def test_real_video_passes_every_limit() -> None:
    for name, metric in METRICS.items():
        for value in metric.real:
            assert value is None or metric.level(value) is Level.OK or not metric.gates, name


def test_the_page_escapes_and_shows_every_measure() -> None:
    page = score_page(score(closure_recall=0.7, av_offset=None), {"Curve": "<svg></svg>"})
    assert "a &amp; b" in page
    assert "why &lt;not&gt;" in page
    assert "0.70" in page
    assert 'class="degraded"' in page
    assert [range_text(bounds) for bounds in ((None, None), (None, 0.5), (2, None), (0.85, 1.15))] == [
        "any",
        "at most 0.50",
        "at least 2.00",
        "0.85 to 1.15",
    ]


def test_the_offset_curve_says_whether_its_peak_is_clear() -> None:
    shifts = np.arange(-20, 21)
    r = np.exp(-(((shifts - 3) / 3.0) ** 2)).astype(np.float32)
    chance = np.random.default_rng(0).normal(0, 0.1, 60).astype(np.float32)
    for confidence, said in ((5.0, "+120 ms"), (1.0, "not clear of chance")):
        assert said in offset_figure(AvOffset(shifts, r, chance, 3.0, confidence, Fraction(25)))
