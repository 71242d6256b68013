"""Words onto the sound, and cuts where the speaker pauses. Times as a recogniser gave them for a real clip."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dub.script import Word
from dub.timecode import Span
from dub.utterances import LONGEST_UTTERANCE_S, cut_utterances, settle_words
from lang.sentences import ends_sentence
from lang.text import join_words

# Whisper's own times for "Good morning, my name is Jordi Mas, I am from Barcelona and I love the city."
HEARD = [
    (" Good", 0.85, 1.41), (" morning,", 1.41, 1.77), (" my", 2.13, 2.79), (" name", 2.79, 2.97), (" is", 2.97, 3.19),
    (" Jordi", 3.19, 3.45), (" Mas,", 3.45, 3.61), (" I", 4.43, 5.43), (" am", 5.43, 5.61), (" from", 5.61, 5.81),
    (" Barcelona", 5.81, 6.27), (" and", 6.27, 7.81), (" I", 7.81, 7.93), (" love", 7.93, 8.09), (" the", 8.09, 8.27),
    (" city.", 8.27, 8.59),
]  # fmt: skip
ISLANDS = [(1.24, 2.0), (2.63, 3.84), (5.27, 6.59), (7.68, 8.66)]
TRUTH = [(1.263, 3.946), (5.245, 6.629), (7.608, 8.688)]


def words(*heard: tuple[str, float, float]) -> list[Word]:
    return [Word(text=text, span=Span.of_seconds(start, end)) for text, start, end in heard]


def spans(*times: tuple[float, float]) -> list[Span]:
    return [Span.of_seconds(start, end) for start, end in times]


def test_the_clip_becomes_its_three_utterances_at_the_times_a_person_marked() -> None:
    utterances = cut_utterances(settle_words(words(*HEARD), spans(*ISLANDS)), join_words, ends_sentence)
    assert [utterance.text for utterance in utterances] == [
        "Good morning, my name is Jordi Mas,",
        "I am from Barcelona",
        "and I love the city.",
    ]
    for utterance, (start, end) in zip(utterances, TRUTH, strict=True):
        assert abs(float(utterance.span.start) - start) <= 0.12
        assert abs(float(utterance.span.end) - end) <= 0.12


def test_a_word_stretched_back_over_a_pause_belongs_after_it() -> None:
    settled = settle_words(words((" one", 0.0, 0.5), (" two", 0.5, 2.4)), spans((0.0, 0.6), (2.0, 2.5)))
    assert [(float(word.span.start), float(word.span.end)) for word in settled] == [(0.0, 0.6), (2.0, 2.5)]


def test_a_word_where_nothing_sounds_was_never_said() -> None:
    settled = settle_words(words((" said", 0.0, 0.5), (" Thanks", 3.0, 3.5)), spans((0.0, 0.5)))
    assert [word.text for word in settled] == [" said"]


@pytest.mark.parametrize(
    ("pause_s", "n_utterances"),
    [(0.3, 1), (0.6, 2)],
    ids=["a breath inside a sentence", "a pause"],
)
def test_pauses_cut(pause_s: float, n_utterances: int) -> None:
    second = 2.0 + pause_s
    heard = words((" a", 0.0, 1.0), (" b", 1.0, 2.0), (" c", second, second + 1), (" d", second + 1, second + 2))
    assert len(cut_utterances(heard, join_words, ends_sentence)) == n_utterances


def test_a_sentence_end_cuts_at_a_short_pause_but_an_abbreviation_does_not() -> None:
    for middle, n_utterances in ((" done.", 2), (" Mr.", 1)):
        heard = words((" a", 0.0, 1.0), (middle, 1.0, 2.0), (" c", 2.2, 3.2), (" d", 3.2, 4.2))
        assert len(cut_utterances(heard, join_words, ends_sentence)) == n_utterances, middle


def test_unspaced_scripts_are_joined_without_spaces() -> None:
    [utterance] = cut_utterances(
        words(("今日", 0, 0.5), ("は", 0.5, 0.8), ("元気。", 0.8, 1.5)), join_words, ends_sentence
    )
    assert utterance.text == "今日は元気。"


@given(
    st.lists(
        st.tuples(st.integers(0, 1500), st.integers(20, 900), st.sampled_from([" a", " b,", " c."])),
        min_size=1,
        max_size=60,
    )
)
def test_no_word_is_lost_and_no_utterance_is_too_long(steps: list[tuple[int, int, str]]) -> None:
    heard, now = [], Fraction(0)
    for pause_ms, length_ms, text in steps:
        start = now + Fraction(pause_ms, 1000)
        now = start + Fraction(length_ms, 1000)
        heard.append(Word(text=text, span=Span(start=start, end=now)))
    utterances = cut_utterances(heard, join_words, ends_sentence)
    assert [word.text for line in utterances for word in line.words] == [word.text.strip() for word in heard]
    assert all(line.span.duration <= LONGEST_UTTERANCE_S for line in utterances)
    assert all(one.span.end <= other.span.start for one, other in pairwise(utterances))
