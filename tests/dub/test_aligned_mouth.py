"""A mouth held to phonemes aligned to somebody's dub: in view is enough, times may be off, luck says nothing."""

from __future__ import annotations

import numpy as np

from dub.check_mouth import MouthEvidence, check_mouth, read_mouth
from dub.finding import Finding
from dub.gates import DEFAULT_GATES
from dub.mouth_metrics import ALIGNMENT_ERROR_S
from tests.dub import dubs

IN_VIEW = np.ones(dubs.N_FRAMES, bool)


def closed(evidence: MouthEvidence) -> Finding:
    reading = read_mouth(dubs.script(), dubs.timeline(), evidence)
    found = check_mouth(evidence, reading, DEFAULT_GATES)
    return next(finding for finding in found if finding.check == "closure_recall" and not finding.utterance_id)


def test_an_untouched_mouth_in_view_is_held_to_the_words() -> None:
    untouched = dubs.changed(dubs.evidence(dubs.timeline()), is_rendered=np.zeros(dubs.N_FRAMES, bool))
    assert closed(untouched).value is None, "nobody aimed it at anything"
    assert closed(dubs.changed(untouched, is_judged=IN_VIEW)).value == 1
    shut_never = dubs.changed(untouched, is_judged=IN_VIEW, dub_aperture=np.full(dubs.N_FRAMES, 0.1, np.float32))
    assert closed(shut_never).value == 0


def test_aligned_phonemes_may_be_off_by_the_aligners_error() -> None:
    """Lips that meet 80 ms after an onset is heard are late; where the onset may be off by 60 ms they need not be."""
    right = dubs.evidence(dubs.timeline())
    late = dubs.changed(right, is_judged=IN_VIEW, dub_aperture=np.roll(right.dub_aperture, 3))
    exact, aligned = closed(late).value, closed(dubs.changed(late, slack=ALIGNMENT_ERROR_S)).value
    assert exact is not None
    assert aligned is not None
    assert exact < aligned


def test_a_mouth_that_is_shut_throughout_closes_by_luck() -> None:
    shut = np.full(dubs.N_FRAMES, 0.004, np.float32)
    evidence = dubs.changed(dubs.evidence(dubs.timeline()), is_judged=IN_VIEW, dub_aperture=shut)
    assert closed(evidence).value == 1, "of a voice's own phonemes all count"
    lucky = closed(dubs.changed(evidence, slack=ALIGNMENT_ERROR_S))
    assert lucky.value is None
    assert "100% would with any words" in lucky.message
