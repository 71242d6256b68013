"""Cuts lie in pauses, and stay where they are when something else changes."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dub.parts import LONGEST_S, PART_S, SHORTEST_S, moved_frames, n_parts, parts_of
from dub.source import VideoFacts


def _facts(seconds: float, rate: Fraction = Fraction(25)) -> VideoFacts:
    return VideoFacts(width_px=64, height_px=48, frame_rate=rate, n_frames=round(seconds * rate))


def _talk(facts: VideoFacts, *spans_s: tuple[float, float]) -> np.ndarray:
    return moved_frames(facts, [(round(a * 48_000), round(b * 48_000)) for a, b in spans_s])


def test_a_short_title_is_one_part_and_no_part_is_a_splinter() -> None:
    facts = _facts(11)
    assert parts_of(facts, np.ones(facts.n_frames, bool), (0,)) == (range(275),)
    facts = _facts(30.04)
    silent_at_its_end = _talk(facts, (0, 29))
    assert [len(part) for part in parts_of(facts, silent_at_its_end, (0,))] == [751, 0]


def test_cuts_lie_in_the_longest_pause_and_at_shots_where_nobody_speaks() -> None:
    facts = _facts(60)
    moved = _talk(facts, (0, 16), (18, 22), (26, 37), (38.5, 44), (46, 60))
    first, second, third = parts_of(facts, moved, (0,))
    assert first == range(600)  # the middle of 22.4 to 25.6 s
    assert not moved[second.start]
    assert not moved[third.start]
    shots = (0, 425, 520, 900)
    assert parts_of(facts, moved, shots)[0] == range(425), "520 is in the middle of a line"


def test_unbroken_speech_is_cut_only_when_it_must_be() -> None:
    facts = _facts(200)
    parts = parts_of(facts, np.ones(facts.n_frames, bool), (0, 1010))
    assert [len(part) / 25 for part in parts] == [40.4, 0, 39.6, 0, 40, 0, 40, 0, 40, 0]
    assert parts[2].start == 1010


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 290), st.floats(0.2, 25)), max_size=60),
    st.tuples(st.floats(0, 290), st.floats(0.2, 6)),
    st.sampled_from([Fraction(25), Fraction(30_000, 1001), Fraction(24_000, 1001)]),
)
def test_a_changed_line_moves_no_cut_but_those_beside_it(
    lines: list[tuple[float, float]], changed: tuple[float, float], rate: Fraction
) -> None:
    facts = _facts(300, rate)
    spans = [(start, start + length) for start, length in lines]
    moved = _talk(facts, *spans)
    before = parts_of(facts, moved, (0,))
    after = parts_of(facts, moved | _talk(facts, (changed[0], sum(changed))), (0,))
    for parts in (before, after):
        assert len(parts) == n_parts(facts) == 15
        assert [frame for part in parts for frame in part] == list(range(facts.n_frames))
        assert max(len(part) for part in parts) <= LONGEST_S * rate + 1
        assert min(len(part) for part in parts if len(part)) >= SHORTEST_S * rate - 1
    window = PART_S * rate
    masks = (moved, moved | _talk(facts, (changed[0], sum(changed))))
    half = (PART_S - SHORTEST_S) * rate / 2
    windows = [slice(round(k * window - half), round(k * window + half)) for k in range(1, 15)]
    is_touched = [not np.array_equal(masks[0][w], masks[1][w]) for w in windows]
    is_full = [bool(masks[0][w].all()) for w in windows]
    for k, cuts in enumerate(zip(before[1:], after[1:], strict=True)):
        one, other = (part.start if len(part) else None for part in cuts)
        if one == other:
            continue
        start = k
        while start and is_full[start]:
            start -= 1
        assert any(is_touched[start : k + 1]), "only what is said in the cut's own window, or in one without a pause"
