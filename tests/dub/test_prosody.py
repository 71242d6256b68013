"""How a line is said, measured on words and levels; and where a translation pauses."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from dub.isochrony import NATURAL_SPEED_UP, UTMOST_SLOW_DOWN
from dub.prosody import InnerPause, LineProsody, SourceProsody, breaks_in, prosody_of, tempo_bounds
from dub.script import DubScript, Utterance, Word
from dub.timecode import Span
from lang.bcp47 import Locale

S = Span.of_seconds


def line(number: int, words: list[tuple[str, float, float]], speaker: str = "s1") -> Utterance:
    spans = [S(start, end) for _, start, end in words]
    return Utterance(
        id=f"u{number:04}",
        speaker=speaker,
        span=Span(start=spans[0].start, end=spans[-1].end),
        text=" ".join(text for text, _, _ in words),
        words=tuple(Word(text=text, span=span) for (text, _, _), span in zip(words, spans, strict=True)),
    )


def script(*lines: Utterance) -> DubScript:
    return DubScript(source_locale=Locale("en"), duration=Fraction(20), utterances=lines)


def levels(*spans: tuple[float, float, float]) -> np.ndarray:
    """Power per hundredth of a second: (start, end, dB) on silence."""
    power = np.full(2000, 1e-12)
    for start, end, db in spans:
        power[round(100 * start) : round(100 * end)] = 10 ** (db / 10)
    return power


def test_pauses_between_words_and_the_laugh_in_one() -> None:
    said = line(1, [("Good", 1.0, 1.3), ("morning,", 1.3, 2.0), ("Ann,", 2.1, 2.5), ("hello?", 4.0, 4.5)])
    laugh = S(3.0, 3.4)
    found = prosody_of(script(said), [S(1.0, 2.5), laugh, S(4.0, 4.5)], levels((1, 2.5, -20), (4, 4.5, -20)))
    [measured] = found.lines
    [pause] = measured.pauses
    assert pause.span == S(2.5, 4.0), "a tenth of a second between two words is none"
    assert pause.share == pytest.approx(16 / 22, abs=0.01)
    assert found.sounds == (laugh,)
    assert measured.asks
    assert measured.phrases_db == pytest.approx((-20, -20), abs=0.2)


def test_words_that_a_recogniser_left_apart_make_no_pause_where_the_sound_goes_on() -> None:
    said = line(1, [("Good", 1.0, 1.3), ("morning", 1.7, 2.0)])
    assert prosody_of(script(said), [S(1.0, 2.0)], levels((1, 2, -20))).lines[0].pauses == ()


def test_a_given_line_pauses_where_its_sound_does() -> None:
    said = Utterance(id="u0001", speaker="s1", span=S(1, 4), text="Good morning, Ann")
    found = prosody_of(script(said), [S(1, 2), S(2.5, 4)], levels((1, 2, -20), (2.5, 4, -20)))
    [pause] = found.lines[0].pauses
    assert pause == InnerPause(span=S(2, 2.5), share=0.4)


def test_levels_and_tempo_against_the_speaker_s_usual() -> None:
    texts = [[("We speak of this and that", start, start + 2.0)] for start in (0.0, 3.0, 6.0)]
    hurried = line(4, [("We speak of this and that", 9.0, 10.4)])
    shouted = script(*(line(number, words) for number, words in enumerate(texts, 1)), hurried)
    power = levels((0, 2, -26), (3, 5, -26), (6, 8, -16), (9, 10.4, -26))
    found = prosody_of(shouted, [S(0, 2), S(3, 5), S(6, 8), S(9, 10.4)], power)
    assert found.usual_db == {"s1": pytest.approx(-26)}
    assert found.offset_db("u0001", "s1") == pytest.approx(0)
    assert found.offset_db("u0003", "s1") == 6, "a shout is louder, within reason"
    assert found.offset_db("u0009", "s1") == 0
    assert found.of("u0001").tempo == 1
    assert 1.2 < found.of("u0004").tempo < 2 / 1.4, "a short line is trusted less"


def test_too_few_lines_tell_no_usual_tempo() -> None:
    slow, fast = line(1, [("We speak", 0.0, 4.0)]), line(2, [("We speak", 5.0, 5.5)])
    found = prosody_of(script(slow, fast), [S(0, 4), S(5, 5.5)], levels((0, 4, -20), (5, 5.5, -20)))
    assert [each.tempo for each in found.lines] == [1, 1]


def pauses(*shares: float) -> list[InnerPause]:
    return [InnerPause(span=S(1 + number, 1.5 + number), share=share) for number, share in enumerate(shares)]


@pytest.mark.parametrize(
    ("text", "shares", "phrases"),
    [
        ("Bom dia, meu nome é Jordi", (0.35,), ["Bom dia,", "meu nome é Jordi"]),
        ("Precisamos ir a Xangai em Gaotia", (0.7,), ["Precisamos ir a Xangai", "em Gaotia"]),
        ("你好，我叫乔迪。", (0.4,), ["你好，", "我叫乔迪。"]),
        ("Então, em primeiro lugar, vamos", (0.2, 0.7), ["Então,", "em primeiro lugar,", "vamos"]),
        ("I like this vlog of my life. One...", (0.5, 0.7), ["I like this vlog", "of my life.", "One..."]),
        ("मैं आया, फिर गया", (0.5,), ["मैं आया,", "फिर गया"]),
    ],
)
def test_a_translation_pauses_at_its_own_clauses(text: str, shares: tuple[float, ...], phrases: list[str]) -> None:
    found = breaks_in(text, pauses(*shares))
    assert None not in found
    edges = [0, *(index for index in found if index is not None), len(text)]
    assert [text[a:b].strip() for a, b in pairwise(edges)] == phrases


def test_no_place_is_no_pause() -> None:
    assert breaks_in("Xangai", pauses(0.5)) == (None,)
    assert breaks_in("uma casa muito bonita", pauses(0.5)) == (None,), "words that belong together stay together"
    assert breaks_in("Sim, vamos todos juntos amanhã cedo", pauses(0.9)) == (None,), "that comma is another clause's"
    assert breaks_in("Sim, vamos", pauses(0.3, 0.6))[1] is None, "one comma takes one pause"


def test_a_hurried_line_does_not_dawdle() -> None:
    assert tempo_bounds(1.0, UTMOST_SLOW_DOWN, NATURAL_SPEED_UP) == (UTMOST_SLOW_DOWN, NATURAL_SPEED_UP)
    slowest, fastest = tempo_bounds(1.2, UTMOST_SLOW_DOWN, NATURAL_SPEED_UP)
    assert (float(slowest), fastest) == (pytest.approx(0.984), NATURAL_SPEED_UP)
    slowest, fastest = tempo_bounds(0.9, UTMOST_SLOW_DOWN, NATURAL_SPEED_UP)
    assert (slowest, float(fastest)) == (UTMOST_SLOW_DOWN, pytest.approx(1.125))
    assert tempo_bounds(3.0, UTMOST_SLOW_DOWN, NATURAL_SPEED_UP)[0] == 1


def test_an_unmeasured_line_has_nothing_unusual() -> None:
    assert SourceProsody().of("u0001") == LineProsody(utterance_id="u0001")
