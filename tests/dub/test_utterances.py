"""Words onto the sound, and cuts where the speaker pauses. Times as a recogniser gave them for a real clip."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dub.script import Word
from dub.timecode import Span
from dub.turns import Turn, Turns
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


@settings(deadline=None)
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


def turns(*spoken: tuple[str, float, float]) -> Turns:
    return Turns(turns=tuple(Turn(speaker=who, span=Span.of_seconds(start, end)) for who, start, end in spoken))


def lines(heard: list[Word], spoken: Turns) -> list[tuple[str, str]]:
    utterances = cut_utterances(heard, join_words, ends_sentence, spoken)
    return [(utterance.speaker, utterance.text) for utterance in utterances]


def test_a_change_of_speaker_cuts_even_inside_a_sentence_and_without_a_pause() -> None:
    heard = words((" I", 0, 0.3), (" thought", 0.3, 0.8), (" no", 0.8, 1.0), (" you", 1.0, 1.3), (" did", 1.3, 1.6))
    assert lines(heard, turns(("s1", 0, 0.8), ("s2", 0.8, 1.6))) == [("s1", "I thought"), ("s2", "no you did")]


@pytest.mark.parametrize("change_s", [0.8, 1.1, 0.6], ids=["at the sentence's end", "a word late", "a word early"])
def test_a_stray_word_at_a_change_joins_its_sentence(change_s: float) -> None:
    heard = words(
        (" I", 0, 0.2), (" had", 0.2, 0.4), (" a", 0.4, 0.6), (" dog.", 0.6, 0.8),
        (" And", 0.8, 1.1), (" what", 1.1, 1.4), (" then?", 1.4, 1.8),
    )  # fmt: skip
    found = lines(heard, turns(("s1", 0, change_s), ("s2", change_s, 1.8)))
    assert found == [("s1", "I had a dog."), ("s2", "And what then?")]


def test_two_words_beyond_a_change_are_no_stray() -> None:
    heard = words((" A", 0, 0.3), (" dog.", 0.3, 0.6), (" And", 0.6, 0.9), (" then", 0.9, 1.2), (" what?", 1.2, 1.5))
    assert lines(heard, turns(("s1", 0, 1.2), ("s2", 1.2, 1.5))) == [("s1", "A dog. And then"), ("s2", "what?")]


def test_one_word_that_is_all_somebody_says_stays_theirs() -> None:
    heard = words((" Are", 0, 0.2), (" you", 0.2, 0.5), (" Yes.", 0.6, 0.9), (" sure?", 1.0, 1.4))
    spoken = turns(("s1", 0, 0.55), ("s2", 0.55, 0.95), ("s1", 0.95, 1.4))
    assert lines(heard, spoken) == [("s1", "Are you"), ("s2", "Yes."), ("s1", "sure?")]


def test_one_word_within_anothers_sentence_is_that_sentences() -> None:
    heard = words((" We", 0, 0.3), (" all", 0.3, 0.5), (" know", 0.5, 0.8), (" it.", 0.8, 1.1))
    assert lines(heard, turns(("s1", 0, 0.3), ("s2", 0.3, 0.5), ("s1", 0.5, 1.1))) == [("s1", "We all know it.")]


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(100, 900), st.sampled_from([" a", " b,", " c."])), min_size=1, max_size=40),
    st.lists(st.tuples(st.sampled_from(["s1", "s2", "s3"]), st.integers(200, 3000)), min_size=1, max_size=12),
)
def test_no_word_is_lost_and_every_utterance_has_one_speaker(
    steps: list[tuple[int, str]], spoken: list[tuple[str, int]]
) -> None:
    heard, now = [], 0
    for length_ms, text in steps:
        heard.append(Word(text=text, span=Span.of_seconds(now / 1000, (now + length_ms) / 1000)))
        now += length_ms
    at, who = 0, []
    for speaker, length_ms in spoken:
        who.append((speaker, at / 1000, (at + length_ms) / 1000))
        at += length_ms
    utterances = cut_utterances(heard, join_words, ends_sentence, turns(*who))
    assert [word.text for line in utterances for word in line.words] == [word.text.strip() for word in heard]
    assert {line.speaker for line in utterances} <= {speaker for speaker, _ in spoken}
