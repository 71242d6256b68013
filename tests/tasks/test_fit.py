"""Takes on the master clock: all of every take is in the dialogue, at its place, and what is lost is said."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from dub.errors import BadInput
from dub.script import PhonemeSpan, TakePause, Takes, Timeline
from dub.stage import Desk
from dub.timecode import Span
from dub.wav import Samples
from lang.bcp47 import Locale
from tasks.fit import fit
from tests.clips import clicks, level_db, speechlike
from tests.tasks.sound import heard, script_of, source_of, takes_of

LINES = [("s1", 0.5, 1.5), ("s1", 2.0, 3.0), ("s2", 3.2, 3.8), ("s1", 5.0, 6.0)]


def fitted(
    desk: Desk, seconds: list[float], lines: list[tuple[str, float, float]] = LINES, end_s: float = 8
) -> Timeline:
    source = source_of(desk, np.zeros((2, round(end_s * 48_000)), np.float32))
    sounds = [speechlike(length, 24_000, seed=number) for number, length in enumerate(seconds)]
    return fit(desk, source, script_of(lines, end_s), takes_of(desk, sounds))


def energy(sound: Samples) -> float:
    return float((sound.astype(np.float64) ** 2).sum())


def test_every_take_is_whole_in_the_dialogue(desk: Desk) -> None:
    timeline = fitted(desk, [1.0, 1.9, 1.5, 0.7])
    dialogue = heard(desk, timeline.dialogue)
    assert dialogue.shape == (1, 384_000)
    taken = 0.0
    for take in timeline.placed:
        samples = heard(desk, take.audio)
        assert samples.shape == (1, take.n_samples)
        assert np.allclose(dialogue[:, take.start_sample : take.end_sample], samples, atol=1e-6)
        taken += energy(samples)
    assert abs(energy(dialogue) / taken - 1) < 1e-4, "and nothing else is in it"
    for before, after in zip(timeline.placed, timeline.placed[1:], strict=False):
        assert before.end_sample <= after.start_sample
    assert [take.slot.end for take in timeline.placed] == [2, Fraction(16, 5), 5, 8]


def test_a_take_that_fits_starts_with_its_line_untouched(desk: Desk) -> None:
    timeline = fitted(desk, [1.0, 1.0, 0.6, 1.0])
    assert [take.start_sample for take in timeline.placed] == [24_000, 96_000, 153_600, 240_000]
    assert [take.stretch_ratio for take in timeline.placed] == [1, 1, 1, 1]
    assert timeline.overruns == ()
    first = heard(desk, timeline.placed[0].audio)
    assert abs(level_db(first) - level_db(speechlike(1.0, 24_000))) < 0.1, "24 kHz to 48 kHz at the same level"


def test_phonemes_move_with_the_stretch(desk: Desk) -> None:
    timeline = fitted(desk, [1.2, 1.0, 0.6, 1.0])
    take = timeline.placed[0]
    assert abs(take.n_samples - 48_000) <= 2, "1.2 s brought to its line's second"
    first, second = take.phonemes
    assert first.start_sample == 24_000
    assert first.end_sample == second.start_sample
    assert abs(first.end_sample - 48_000) <= 2
    assert second.end_sample == take.end_sample


def test_an_overrun_is_said_and_the_next_line_waits(desk: Desk) -> None:
    timeline = fitted(desk, [3.0, 0.3, 0.6, 1.0])
    [late] = timeline.overruns
    first, second = timeline.placed[:2]
    assert late.utterance_id == "u0001"
    assert abs(float(late.seconds) - (0.5 + 3.0 / 1.35 - 2.0)) < 0.001
    assert abs(first.stretch_ratio - 1 / 1.35) < 1e-6
    assert second.start_sample >= first.end_sample
    assert second.start_sample > 96_000


def test_what_outlasts_the_title_is_said_in_seconds(desk: Desk) -> None:
    lines = [("s1", 0.0, 3.0), ("s1", 3.0, 4.0)]
    timeline = fitted(desk, [3.0, 4.0], lines, end_s=4)
    dialogue = heard(desk, timeline.dialogue)
    assert dialogue.shape == (1, 192_000)
    [late] = timeline.overruns
    last = timeline.placed[1]
    assert abs(float(late.seconds) - (4 / 1.35 - 1)) < 0.001
    assert last.end_sample > 192_000, "the take itself is whole"
    assert np.allclose(dialogue[:, last.start_sample :], heard(desk, last.audio)[:, :48_000], atol=1e-6)


def test_a_line_near_the_end_starts_earlier_to_be_heard_whole(desk: Desk) -> None:
    timeline = fitted(desk, [3.0], [("s1", 3.0, 4.0)], end_s=4)
    [take] = timeline.placed
    assert timeline.overruns == ()
    assert take.end_sample <= 192_001
    assert abs(take.start_sample / 48_000 - 1.6) < 0.001


def test_two_who_talk_at_once_are_summed(desk: Desk) -> None:
    lines = [("a", 0.5, 2.5), ("b", 1.0, 2.0)]
    timeline = fitted(desk, [2.0, 1.0], lines, end_s=4)
    dialogue = heard(desk, timeline.dialogue)
    one, two = (heard(desk, take.audio) for take in timeline.placed)
    assert timeline.placed[1].start_sample == 48_000
    assert np.allclose(dialogue[:, 48_000:96_000], one[:, 24_000:72_000] + two, atol=1e-6)


def test_clicks_land_on_their_sample(desk: Desk) -> None:
    source = source_of(desk, np.zeros((2, 96_000), np.float32))
    takes = takes_of(desk, [clicks([0.25], 1.0)], 48_000)
    timeline = fit(desk, source, script_of([("s1", 0.5, 1.5)], 2), takes)
    assert int(np.argmax(heard(desk, timeline.dialogue)[0] > 0.2)) == 36_000


def test_a_locale_without_takes_is_silence(desk: Desk) -> None:
    timeline = fitted(desk, [])
    assert timeline.placed == ()
    assert not heard(desk, timeline.dialogue).any()


def test_a_take_for_no_line_is_refused(desk: Desk) -> None:
    with pytest.raises(BadInput, match="u0002"):
        fitted(desk, [1.0, 1.0], [("s1", 0.5, 1.5)])


def test_phrases_are_placed_with_the_source_s(desk: Desk) -> None:
    """A second, a pause of half a second, a second; the source pauses from 1.7 to 2.4 s."""
    [take] = takes_of(desk, [speechlike(2.5, 24_000)]).takes
    pause = TakePause(start_sample=24_000, end_sample=36_000, source=Span.of_seconds(1.7, 2.4))
    phonemes = tuple(
        PhonemeSpan(ipa=ipa, start_sample=start, end_sample=start + 24_000) for ipa, start in (("a", 0), ("o", 36_000))
    )
    paused = take.model_copy(update={"pauses": (pause,), "phonemes": phonemes})
    takes = Takes(locale=Locale("pt-BR"), voice_engine="tone", takes=(paused,))
    source = source_of(desk, np.zeros((2, 8 * 48_000), np.float32))
    [placed] = fit(desk, source, script_of([("s1", 0.5, 4.0)], 8), takes).placed
    first, second = placed.phonemes
    ratio = placed.stretch_ratio
    assert ratio == pytest.approx(1 / 0.82, abs=0.001)
    assert first.start_sample == 24_000
    assert first.end_sample == pytest.approx(24_000 + ratio * 48_000, abs=2)
    assert second.start_sample == pytest.approx(2.4 * 48_000, abs=3), "with the source's own phrase"
    assert second.end_sample == placed.end_sample
    sound = heard(desk, placed.audio)[0]
    silent = slice(first.end_sample - placed.start_sample, second.start_sample - placed.start_sample)
    assert not sound[silent].any()
    assert sound.shape == (placed.n_samples,)


def test_a_slow_voice_is_not_slowed_twice(desk: Desk) -> None:
    [take] = takes_of(desk, [speechlike(2.0, 24_000)]).takes
    source = source_of(desk, np.zeros((2, 8 * 48_000), np.float32))
    for speed in (1.0, 0.85):
        takes = Takes(locale=Locale("pt-BR"), voice_engine="tone", takes=(take.model_copy(update={"speed": speed}),))
        [placed] = fit(desk, source, script_of([("s1", 0.5, 5.5)], 8), takes).placed
        assert speed / placed.stretch_ratio == pytest.approx(0.82, abs=0.001)
