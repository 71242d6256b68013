"""The bed comes down where speech is left in it, no further than needed, and nowhere else."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from dub.ducking import bed_gains, dialogue_gains, frames_of, sounding, spoken_spans, widened
from dub.levels import gain_of_db
from dub.prosody import InnerPause, LineProsody, SourceProsody
from dub.script import DubScript, Utterance
from dub.timecode import Span
from lang.bcp47 import Locale

N = 1000
LINE = frames_of([Span.of_seconds(3, 6)], N)
NOBODY = np.zeros(N, bool)
SILENT = np.zeros(N)


def power(level_db: float) -> np.ndarray:
    return np.full(N, 10 ** (level_db / 10))


def test_left_over_speech_comes_down_to_the_beds_own_level() -> None:
    bed = power(-60)
    bed[350:400] *= 10  # 10 dB of speech that stayed
    gains = bed_gains(bed, LINE, SILENT, NOBODY)
    assert np.allclose(gains[355:395], gain_of_db(-10), rtol=0.01)
    assert np.all(gains[:300] == 1)
    assert np.allclose(gains[600:], 1)
    assert np.abs(np.diff(gains)).max() < 0.1, "no clicks"


def test_music_is_not_pumped_by_what_is_said_over_it() -> None:
    assert np.allclose(bed_gains(power(-30), LINE, SILENT, NOBODY), 1)
    quiet_under_dub = bed_gains(power(-45), LINE, power(-25), LINE)
    assert np.allclose(quiet_under_dub, 1), "20 dB under the dub is low enough"


def test_a_loud_bed_goes_twelve_db_under_the_dub_and_never_down_by_more_than_fifteen() -> None:
    assert np.allclose(bed_gains(power(-30), LINE, power(-25), LINE)[330:570], gain_of_db(-7), rtol=0.01)
    assert np.allclose(bed_gains(power(-10), LINE, power(-25), LINE)[330:570], gain_of_db(-15), rtol=0.01)


def test_where_nobody_pauses_the_bed_comes_down_blindly() -> None:
    all_the_time = np.ones(N, bool)
    assert np.allclose(bed_gains(power(-40), all_the_time, SILENT, NOBODY), gain_of_db(-12))


def test_laughs_stay_where_nobody_is_dubbed() -> None:
    gains = dialogue_gains(LINE, frames_of([Span.of_seconds(5, 8)], N))
    assert np.all(gains[:290] == 1)
    assert np.allclose(gains[300:800], 0)
    assert np.all(gains[810:] == 1)


def test_frames_of_spans_hold_the_whole_span() -> None:
    mask = frames_of([Span.of_seconds(0.015, 0.021), Span.of_seconds(9.95, 12)], N, 0.01)
    assert np.flatnonzero(mask).tolist() == [0, 1, 2, 3, *range(994, 1000)]


def test_a_laugh_of_its_own_is_kept_whole_or_not_at_all() -> None:
    laugh = frames_of([Span.of_seconds(7, 8)], N)
    touched = dialogue_gains(LINE, frames_of([Span.of_seconds(7.8, 9)], N), laugh)
    assert np.all(touched[650:790] == 1)
    assert touched[780:790].all(), "its last fifth runs on under the dub"
    assert np.allclose(touched[810:900], 0)
    covered = dialogue_gains(LINE, frames_of([Span.of_seconds(7.4, 9)], N), laugh)
    assert np.allclose(covered[740:900], 0)


def test_pauses_inside_a_line_are_nobody_s_words() -> None:
    line = Utterance(id="u0001", speaker="s1", span=Span.of_seconds(1, 5), text="said")
    script = DubScript(source_locale=Locale("en"), duration=Fraction(10), utterances=(line,))
    laugh, words = Span.of_seconds(2.5, 3), Span.of_seconds(4, 5.3)
    pause = InnerPause(span=Span.of_seconds(2, 4), share=0.5)
    known = SourceProsody(lines=(LineProsody(utterance_id="u0001", pauses=(pause,)),), sounds=(laugh,))
    spoken = frames_of(spoken_spans(script, [Span.of_seconds(1, 2), laugh, words], known), N)
    assert np.flatnonzero(spoken).tolist() == [*range(100, 200), *range(400, 530)]
    unknown = frames_of(spoken_spans(script, [laugh, words], SourceProsody()), N)
    assert np.flatnonzero(unknown).tolist() == list(range(100, 530))


def test_where_the_dub_is_heard() -> None:
    dub = np.zeros(N)
    dub[100:200] = dub[210:300] = dub[340:400] = 0.01
    heard = sounding(dub)
    assert np.flatnonzero(heard).tolist() == [*range(100, 300), *range(340, 400)], "a stop is no silence"
    assert np.flatnonzero(widened(heard, 0.1)).tolist() == [*range(90, 310), *range(330, 410)]
    assert not sounding(np.zeros(N)).any()


def test_the_bed_comes_up_quickly_in_a_pause_inside_a_line() -> None:
    """Half a second between words, in which somebody breathes."""
    bed = power(-60)
    bed[300:600] *= 10
    line = LINE.copy()
    line[425:475] = False
    pause = frames_of([Span.of_seconds(4.15, 4.85)], N)
    slow, quick = bed_gains(bed, line, SILENT, NOBODY), bed_gains(bed, line, SILENT, NOBODY, pause)
    assert np.allclose(quick[435:465], 1)
    assert slow[432:468].mean() < quick[432:468].mean() - 0.05
    assert np.array_equal(slow[~pause], quick[~pause])
    assert np.abs(np.diff(quick)).max() < 0.25, "no clicks"
