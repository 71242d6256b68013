"""Where lines go in time: the promises hold for any script and any takes."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from dub.isochrony import (
    GAP_S,
    LEAST_PAUSE_S,
    LONGER_PAUSE_S,
    NATURAL_SPEED_UP,
    UTMOST_SLOW_DOWN,
    UTMOST_SPEED_UP,
    Line,
    Phrase,
    Place,
    place,
)
from dub.timecode import Span


def line(start: float, end: float, take_s: float, speaker: str = "s1") -> Line:
    return Line(speaker, Span.of_seconds(start, end), Fraction(round(take_s * 1000), 1000))


def only(*lines: Line, title_end: float = 20) -> Place:
    return place(lines, Fraction(title_end))[0]


def test_a_take_of_the_lines_own_length_stays_untouched() -> None:
    there = only(line(1, 3, 2.02))
    assert (there.start, there.stretch_ratio, there.overrun) == (1, 1, 0)


def test_a_long_take_is_stretched_first_then_borrows_the_pause() -> None:
    assert only(line(1, 3, 2.4)).duration == 2, "1.2 times its speed gives the line's own length"
    borrowed = only(line(1, 3, 4), line(6, 7, 1))
    assert borrowed.stretch_ratio == Fraction(4, 5), "at most 1.25 while there is a pause"
    assert borrowed.end == Fraction(42, 10)


def test_a_gap_of_the_pause_stays_and_only_then_the_take_is_pressed_further() -> None:
    pressed = only(line(1, 3, 4), line(4.2, 5, 1))
    assert pressed.end == Fraction(41, 10), "a tenth of a second before the next line"
    assert Fraction(1, 1) / UTMOST_SPEED_UP < pressed.stretch_ratio < Fraction(4, 5)
    assert pressed.overrun == 0


def test_what_does_not_fit_is_an_overrun_and_the_next_line_waits() -> None:
    first, second = place([line(1, 3, 6), line(3.5, 4.5, 1)], Fraction(20))
    assert first.stretch_ratio == 1 / UTMOST_SPEED_UP
    assert first.overrun == first.end - Fraction(7, 2) > 0
    assert second.start == first.end + Fraction(1, 10)


def test_a_short_take_is_slowed_to_the_line_but_never_made_to_drag() -> None:
    assert only(line(1, 3, 1.8)).duration == 2
    assert only(line(1, 3, 1)).stretch_ratio == 1 / UTMOST_SLOW_DOWN


def test_at_the_end_of_the_title_a_line_starts_earlier_if_there_is_room() -> None:
    alone = only(line(18, 20, 4), title_end=20)
    assert (alone.end, alone.stretch_ratio, alone.overrun) == (20, Fraction(4, 5), 0)
    assert alone.start == Fraction(168, 10)
    _, hemmed = place([line(10, 18, 8), line(18, 20, 4)], Fraction(20))
    assert hemmed.start == 18
    assert hemmed.stretch_ratio == 1 / UTMOST_SPEED_UP
    assert hemmed.overrun == 4 / UTMOST_SPEED_UP - 2


def test_two_who_talk_at_once_in_the_source_may_in_the_dub() -> None:
    first, second = place([line(1, 4, 3, "a"), line(2, 3, 1, "b")], Fraction(10))
    assert (first.start, first.end) == (1, 4)
    assert second.start == 2
    assert first.overrun == 0


scripts = st.lists(
    st.tuples(
        st.integers(-400, 2000),  # pause before the line in ms; negative: it starts before the last one's end
        st.integers(100, 4000),
        st.integers(50, 8000),
        st.sampled_from("ab"),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=300, deadline=None)
@given(scripts, st.integers(0, 2000))
def test_promises(script: list[tuple[int, int, int, str]], tail_ms: int) -> None:
    lines: list[Line] = []
    now = 0
    for pause, own, take, speaker in script:
        start = max(now + pause, 0, round(lines[-1].span.start * 1000) if lines else 0)
        lines.append(line(start / 1000, (start + own) / 1000, take / 1000, speaker))
        now = start + own
    title_end = max(line.span.end for line in lines) + Fraction(tail_ms, 1000)
    places = place(lines, title_end)
    for index, (said, there) in enumerate(zip(lines, places, strict=True)):
        assert 1 / UTMOST_SPEED_UP <= there.stretch_ratio <= 1 / UTMOST_SLOW_DOWN
        assert there.duration == said.duration * there.stretch_ratio, "nothing is chopped"
        assert there.start >= 0
        for earlier, there_earlier in zip(lines[:index], places[:index], strict=True):
            if earlier.speaker == said.speaker or not earlier.span.overlap(said.span):
                assert there.start >= there_earlier.end, "no line on another"
        if there.start < said.span.start:
            assert said.span.start + said.duration / UTMOST_SPEED_UP > title_end, "early only to be heard at all"
        if there.overrun:
            assert there.stretch_ratio == 1 / UTMOST_SPEED_UP, "an overrun only after all was tried"


def _phrased(
    span: tuple[float, float], speech: tuple[float, float], pause: tuple[float, float], **more: Fraction
) -> Line:
    """Two phrases of `speech` seconds; the source pauses from pause[0] to pause[1]."""
    phrases = (Phrase(Fraction(speech[0]), Fraction(span[0])), Phrase(Fraction(speech[1]), Fraction(pause[1])))
    length = Fraction(pause[1]) - Fraction(pause[0])
    whole = sum((phrase.duration for phrase in phrases), length)
    return Line("a", Span(start=Fraction(span[0]), end=Fraction(span[1])), whole, phrases, (length,))


def test_phrases_start_with_the_source_s() -> None:
    [same] = place([_phrased((1, 4), (1.0, 1.5), (2, 2.5))], Fraction(10))
    assert (same.start, same.stretch_ratio, same.phrase_starts) == (1, 1, (1, Fraction(5, 2)))
    assert same.end == 4
    [slowed] = place([_phrased((1, 4), (0.75, 1.5), (2, 2.5))], Fraction(10))
    assert slowed.stretch_ratio == Fraction(10, 9), "speech fills what the pauses leave"
    assert slowed.phrase_starts[1] <= Fraction(5, 2)
    assert slowed.end == 4


def test_a_pause_grows_within_reason() -> None:
    [uneven] = place([_phrased((0, 8), (1.0, 2.0), (4, 5))], Fraction(20))
    first_ends = uneven.stretch_ratio
    assert uneven.phrase_starts[1] - first_ends == 1 + LONGER_PAUSE_S, "not the two seconds until the source's phrase"


def test_pauses_are_given_up_before_the_tempo_is() -> None:
    tight = _phrased((0, 4), (2.0, 2.4), (1.5, 2.5))
    after = line(5.0, 6.0, 1.0)
    [first, _] = place([tight, after], Fraction(10))
    assert first.stretch_ratio == Fraction(4, 5)
    pause = first.phrase_starts[1] - 2 * first.stretch_ratio
    assert LEAST_PAUSE_S <= pause <= 1
    assert first.end <= Fraction(49, 10)
    [packed, _] = place([_phrased((0, 4), (2.6, 3.4), (1.5, 2.5)), line(4.2, 5.0, 0.5)], Fraction(10))
    assert packed.stretch_ratio == 1 / UTMOST_SPEED_UP
    assert packed.phrase_starts[1] - Fraction(2.6) * packed.stretch_ratio == GAP_S


def test_what_the_voice_was_asked_for_counts() -> None:
    """Tempo asked of the voice and stretch together stay natural where there is room."""
    slow = line(0.0, 4.0, 2.0)
    [place_1] = place([replace(slow, speed=Fraction(85, 100))], Fraction(10))
    assert Fraction(85, 100) / place_1.stretch_ratio == UTMOST_SLOW_DOWN
    fast = replace(line(0.0, 2.0, 4.0), speed=Fraction(115, 100))
    [place_2] = place([fast], Fraction(10))
    assert fast.speed / place_2.stretch_ratio == NATURAL_SPEED_UP
    [place_3, _] = place([fast, line(2.2, 4.0, 1.0)], Fraction(10))
    assert place_3.stretch_ratio == 1 / UTMOST_SPEED_UP, "without room it must hurry"
    [hurried] = place([replace(slow, slowest=Fraction(1))], Fraction(10))
    assert hurried.stretch_ratio == 1, "where the source hurries, the dub ends early rather than dawdle"
