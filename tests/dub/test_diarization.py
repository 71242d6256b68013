"""Voices told apart on numbers made to measure: vectors around a direction per person, frames around a colour each."""

from __future__ import annotations

import numpy as np
import pytest

from dub.diarization import Stretch, find_stretches
from dub.diarization_error import Said, diarization_error, read_rttm
from dub.heard_voices import Heard, covered_s, windows_over
from dub.near_voices import TWO_BY_SOUND, _two_clusters, evidence_of_two, ways_to_halve
from dub.timecode import Span
from dub.turns import Turn, Turns, joined_turns

FAR = 0.7
Talk = list[tuple[int, float, float]]
INTERVIEW: Talk = [(0, 0, 6), (1, 6.2, 14), (0, 14.3, 17), (1, 17.2, 25), (0, 25.5, 32), (1, 32.2, 39)]


def heard(talk: Talk, apart: float = 1.0, colour: float = 3.0, seed: int = 0) -> Heard:
    """What would be heard of people who take turns: (person, start s, end s).

    `apart`: 0 where all have one mean embedding, 1 where these are at right angles. `colour`: how many standard
    deviations their cepstra lie apart.
    """
    random = np.random.default_rng(seed)
    islands = np.array([(start, end) for _, start, end in talk])
    windows = windows_over(islands)
    n_people = 1 + max(person for person, _, _ in talk)
    axes = np.linalg.qr(random.normal(size=(64, n_people + 1)))[0].T
    voices = np.sqrt(1 - apart) * axes[-1] + np.sqrt(apart) * axes[:n_people]
    shares = np.array([[_said_by(person, window, talk) for person in range(n_people)] for window in windows])
    rows = shares @ voices + random.normal(0, 0.05, (len(windows), 64))
    embeddings = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    frame_s = np.concatenate([np.arange(start + 0.005, end, 0.01) for _, start, end in talk])
    speaker = np.concatenate([np.full(len(np.arange(start + 0.005, end, 0.01)), who) for who, start, end in talk])
    colours = random.normal(size=(n_people, 12))
    colours *= colour / np.linalg.norm(colours, axis=1, keepdims=True)
    cepstra = (phonemes(random, len(frame_s)) + colours[speaker]).astype(np.float32)
    return Heard(islands, windows, (embeddings,), cepstra, frame_s)


def phonemes(random: np.random.Generator, n_frames: int) -> np.ndarray:
    """Frames of eight kinds in pieces of a tenth of a second, (n_frames, 12)."""
    kinds = np.random.default_rng(7).normal(0, 3, (8, 12))
    said = np.repeat(random.integers(0, 8, n_frames // 10 + 1), 10)[:n_frames]
    return np.asarray(kinds[said] + random.normal(size=(n_frames, 12)))


def _said_by(person: int, window: np.ndarray, talk: Talk) -> float:
    shares = [max(0.0, min(end, window[1]) - max(start, window[0])) for who, start, end in talk if who == person]
    return sum(shares) / float(window[1] - window[0])


def error(talk: Talk, found: tuple[Stretch, ...]) -> float:
    truth = [(f"p{who}", start, end) for who, start, end in talk]
    return diarization_error(truth, [(f"s{each.speaker}", each.start_s, each.end_s) for each in found]).rate


def n_found(found: tuple[Stretch, ...]) -> int:
    return len({each.speaker for each in found})


@pytest.mark.parametrize("seed", range(4))
def test_two_people_far_apart_are_found_with_their_turns(seed: int) -> None:
    found = find_stretches(heard(INTERVIEW, seed=seed), FAR)
    assert n_found(found) == 2
    assert error(INTERVIEW, found) < 0.02
    assert found[0].speaker == 0, "numbered in order of appearance"


@pytest.mark.parametrize("seed", range(6))
def test_one_person_stays_one(seed: int) -> None:
    alone = [(0, start, end) for _, start, end in INTERVIEW]
    found = find_stretches(heard(alone, seed=seed), FAR)
    assert n_found(found) == 1
    assert all(each.certainty == 1 for each in found)


def test_near_voices_are_two_people_where_they_take_turns_and_sound_different() -> None:
    two = heard(INTERVIEW, apart=0.15)
    assert n_found(find_stretches(two, FAR)) == 2
    assert error(INTERVIEW, find_stretches(two, FAR)) < 0.05
    [best, *_] = ways_to_halve(two)
    assert best.are_two_people
    one_change: Talk = [(0, 0, 20), (1, 20.2, 40)]
    assert n_found(find_stretches(heard(one_change, apart=0.15), FAR)) == 1, "a voice may drift once"


def test_three_people_and_a_change_without_a_pause() -> None:
    talk: Talk = [(0, 0, 5), (1, 5, 9), (2, 9, 14), (0, 14, 18), (2, 18, 22), (1, 22, 28)]
    found = find_stretches(heard(talk), FAR)
    assert n_found(found) == 3
    assert error(talk, found) < 0.03


def test_a_short_answer_is_kept() -> None:
    talk: Talk = [(0, 0, 6), (1, 6.3, 7.3), (0, 7.6, 13), (1, 13.3, 19), (0, 19.3, 25)]
    found = find_stretches(heard(talk), FAR)
    assert [each.speaker for each in found] == [0, 1, 0, 1, 0]


@pytest.mark.parametrize("n_speakers", [1, 2, 3, 4])
def test_exactly_so_many_are_found_as_were_asked_for(n_speakers: int) -> None:
    assert n_found(find_stretches(heard(INTERVIEW), FAR, n_speakers)) == n_speakers


def test_too_many_for_the_sound_is_an_error_and_no_sound_is_nobody() -> None:
    with pytest.raises(ValueError, match="5 speakers cannot be told apart in 1 window"):
        find_stretches(heard([(0, 0, 1.0)]), FAR, 5)
    nothing = np.zeros((0, 2))
    silent = Heard(nothing, nothing, (np.zeros((0, 4), np.float32),), np.zeros((0, 12), np.float32), np.zeros(0))
    assert find_stretches(silent, FAR) == ()


def test_the_same_sound_gives_the_same_turns() -> None:
    assert find_stretches(heard(INTERVIEW), FAR) == find_stretches(heard(INTERVIEW), FAR)


def test_a_long_talk_is_clustered_by_some_of_its_windows_and_labelled_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dub.diarization.MOST_CLUSTERED", 40)
    talk = [(who, start + 40 * turn, end + 40 * turn) for turn in range(3) for who, start, end in INTERVIEW]
    long = heard(talk)
    assert len(long.windows) > 200
    found = find_stretches(long, FAR)
    assert n_found(found) == 2
    assert error(talk, found) < 0.02


def test_what_lies_between_two_voices_is_uncertain() -> None:
    two = heard(INTERVIEW)
    between = two.by_encoder[0].copy()
    doubtful = (two.windows[:, 0] > 13.9) & (two.windows[:, 1] < 17.15)
    means = [between[[_said_by(who, window, INTERVIEW) == 1 for window in two.windows]].mean(axis=0) for who in (0, 1)]
    between[doubtful] = (means[0] + means[1]) / np.linalg.norm(means[0] + means[1])
    turns = joined_turns(find_stretches(Heard(two.islands, two.windows, (between,), two.cepstra, two.frame_s), FAR))
    doubted = min(turns.turns, key=lambda turn: turn.certainty)
    assert float(doubted.span.start) == pytest.approx(14.3)
    assert doubted.certainty < 0.65
    assert all(turn.certainty > 0.9 for turn in turns.turns if turn is not doubted)


def test_evidence_is_for_two_only_where_there_are_two_colours() -> None:
    random = np.random.default_rng(0)
    one, same, other = ((phonemes(random, 1500) + colour).astype(np.float32) for colour in (0, 0, 2))
    assert evidence_of_two(one, other) > TWO_BY_SOUND > evidence_of_two(one, same)


def test_windows_all_alike_are_halved_all_the_same() -> None:
    """With one cluster for an answer, whoever was asked for more speakers asked again for ever (7 of these seeds)."""
    for seed in range(300):
        rng = np.random.default_rng(seed)
        embeddings = (rng.random(40) + rng.normal(0, 1e-4, (23, 40))).astype(np.float32)
        embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
        assert len(np.unique(_two_clusters(embeddings))) == 2, seed


def test_windows_reach_over_breaths_but_not_over_pauses() -> None:
    windows = windows_over(np.array([(0.0, 1.0), (1.3, 3.0), (4.0, 4.5), (6.0, 6.2)]))
    assert windows[0].tolist() == [0.0, 1.6]
    assert windows[-1].tolist() == [4.0, 4.5], "a short answer is one window, a click none"
    assert not any(start < 3 < end for start, end in windows)
    assert covered_s(windows) == pytest.approx(3.5)


SAID: list[Said] = [("a", 0, 10), ("b", 10, 20)]


def test_error_rate_counts_missed_invented_and_confused_speech() -> None:
    exact = diarization_error(SAID, [("x", 0, 10), ("y", 10, 20)])
    assert exact.rate == 0
    one = diarization_error(SAID, [("x", 0, 20)])
    assert (one.missed, one.false_alarm, one.confused) == (0, 0, 0.5)
    late = diarization_error(SAID, [("x", 0, 11), ("y", 11, 22)])
    assert (late.false_alarm, late.confused) == (pytest.approx(0.1), pytest.approx(0.05))
    overlapping = diarization_error([("a", 0, 10), ("b", 5, 10)], [("x", 0, 10)])
    assert overlapping.missed == pytest.approx(1 / 3)


def test_a_collar_forgives_what_is_near_a_boundary_only() -> None:
    late = [("x", 0.0, 10.2), ("y", 10.2, 20.0)]
    assert diarization_error(SAID, late).rate == pytest.approx(0.01)
    assert diarization_error(SAID, late, collar_s=0.25).rate == 0
    assert diarization_error(SAID, [("x", 0, 20)], collar_s=0.25).rate == pytest.approx(0.5)
    with pytest.raises(ValueError, match="no speech"):
        diarization_error([], SAID)


def test_rttm_lines_are_read() -> None:
    assert read_rttm("SPEAKER f 1 6.690 0.430 <NA> <NA> her <NA> <NA>\n;; note\n") == [("her", 6.69, 7.12)]


def test_stretches_of_one_speaker_are_one_turn_until_a_pause() -> None:
    stretches = (Stretch(0, 0, 2, 0.8), Stretch(0, 2.3, 4.3, 0.6), Stretch(0, 5, 6), Stretch(1, 6, 7))
    turns = joined_turns(stretches)
    assert [(turn.speaker, float(turn.span.start), float(turn.span.end)) for turn in turns.turns] == [
        ("s1", 0, 4.3),
        ("s1", 5, 6),
        ("s2", 6, 7),
    ]
    assert turns.turns[0].certainty == pytest.approx(0.7)
    assert turns.certainty_of(Span.of_seconds(4, 5.3), "s1") == pytest.approx(0.85)


def test_whoever_is_heard_most_says_it_and_the_nearest_where_nobody_is() -> None:
    turns = Turns(
        turns=(Turn(speaker="s1", span=Span.of_seconds(0, 2)), Turn(speaker="s2", span=Span.of_seconds(2, 4)))
    )
    assert turns.speaker_of(Span.of_seconds(1.5, 2.4)) == "s1"
    assert turns.speaker_of(Span.of_seconds(1.7, 2.4)) == "s2"
    assert turns.speaker_of(Span.of_seconds(9, 10)) == "s2"
    assert Turns().speaker_of(Span.of_seconds(0, 1)) == "s1"
