"""A line in phrases: cut at clauses, joined with the source's pauses, as loud as the source's."""

from __future__ import annotations

import numpy as np
import pytest

from dub.levels import active_db, power_curve
from dub.prosody import InnerPause, LineProsody
from dub.script import PhonemeSpan, Take
from dub.stage import Desk
from dub.timecode import Span
from lang.bcp47 import Locale
from tasks.phrases import SpokenPhrase, joined, phrases_of
from tests.clips import speechlike
from tests.tasks.sound import heard, stored

PAUSE = InnerPause(span=Span.of_seconds(2.0, 2.6), share=0.35)
PAUSED = LineProsody(utterance_id="u0001", pauses=(PAUSE,), phrases_db=(-20.0, -26.0))


def test_a_line_is_cut_where_the_source_pauses() -> None:
    first, second = phrases_of("Bom dia, meu nome é Ana", PAUSED, Locale("pt-BR"))
    assert (first.text, first.pause, first.level_db) == ("Bom dia,", None, pytest.approx(-20.0))
    assert (second.text, second.pause, second.level_db) == ("meu nome é Ana", PAUSE, pytest.approx(-26.0))
    [whole] = phrases_of("Bom dia", PAUSED, Locale("pt-BR"))
    assert (whole.text, whole.pause) == ("Bom dia", None)
    assert whole.level_db == pytest.approx(10 * np.log10((10**-2 + 10**-2.6) / 2)), "of all that it stands for"
    [nothing_after] = phrases_of("Bom dia, …", PAUSED, Locale("pt-BR"))
    assert nothing_after.text == "Bom dia, …"


def test_which_phrases_rise() -> None:
    asked = LineProsody(utterance_id="u0001", pauses=(PAUSE,), phrases_db=(None, None), asks=True)
    assert [phrase.rises for phrase in phrases_of("Ana, você vem", asked, Locale("pt-BR"))] == [False, True]
    assert [phrase.rises for phrase in phrases_of("Vem? Sim, eu vou", PAUSED, Locale("pt-BR"))] == [True, False]
    assert not any(phrase.rises for phrase in phrases_of("Em đi, nhé?", asked, Locale("vi"))), "pitch is a word there"


def take(desk: Desk, seconds: float, gain: float = 1.0) -> Take:
    sound = speechlike(seconds, 24_000) * np.float32(gain)
    n_samples = sound.shape[1]
    return Take(
        utterance_id="u0001",
        text="a phrase",
        audio=stored(desk, sound, 24_000),
        rate_hz=24_000,
        n_samples=n_samples,
        speed=1.0,
        phonemes=(PhonemeSpan(ipa="a", start_sample=0, end_sample=n_samples),),
    )


def phrases(*levels_db: float | None) -> list[SpokenPhrase]:
    return [SpokenPhrase("a phrase", PAUSE if n else None, level, False) for n, level in enumerate(levels_db)]


def test_phrases_are_joined_with_the_source_s_pause(desk: Desk) -> None:
    whole = joined(desk.open_store(), "both", phrases(None, None), [take(desk, 1.0), take(desk, 2.0)])
    [pause] = whole.pauses
    assert pause.source == PAUSE.span
    assert (pause.start_sample, pause.end_sample) == (24_000, 24_000 + round(0.54 * 24_000))
    assert whole.n_samples == heard(desk, whole.audio).shape[1] == pause.end_sample + 48_000
    assert [(each.start_sample, each.end_sample) for each in whole.phonemes] == [
        (0, 24_000),
        (pause.end_sample, whole.n_samples),
    ]
    assert not heard(desk, whole.audio)[0, pause.start_sample : pause.end_sample].any()
    assert whole.spoken_duration == 3
    assert whole.text == "both"


def test_phrases_are_as_loud_against_one_another_as_the_source_s(desk: Desk) -> None:
    def difference_db(*levels_db: float | None) -> float:
        whole = joined(desk.open_store(), "both", phrases(*levels_db), [take(desk, 1.0), take(desk, 1.0, 0.5)])
        sound = heard(desk, whole.audio)
        first, second = sound[:, :24_000], sound[:, whole.pauses[0].end_sample :]
        return (active_db(power_curve(first)) or 0) - (active_db(power_curve(second)) or 0)

    assert difference_db(None, None) == pytest.approx(6, abs=0.1)
    assert difference_db(-20.0, -22.0) == pytest.approx(2, abs=0.1)
    assert difference_db(-40.0, -20.0) == pytest.approx(6 - 8, abs=0.1), "by four decibels each at most"


def test_a_line_in_one_breath_is_its_synthesis(desk: Desk) -> None:
    one = take(desk, 1.0)
    assert joined(desk.open_store(), "a phrase", phrases(None), [one]) == one
