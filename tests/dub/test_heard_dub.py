"""What is heard in a dub, laid over its source's lines by time alone."""

from __future__ import annotations

from fractions import Fraction

import pytest

from dub.heard_dub import far_from, in_source_slots, laid_over, strays, translation_of
from dub.script import DubScript, PlacedTake, Timeline, Utterance, Word
from dub.timecode import Span
from lang.bcp47 import Locale
from tests.dub import dubs

Line = tuple[float, float, str]


def script(*lines: Line, locale: str = "en", speaker: str = "s1", timed: bool = True) -> DubScript:
    """Lines as (start, end, text); `timed`: each word with its share of the line's time."""
    return DubScript(
        source_locale=Locale(locale),
        duration=Fraction(30),
        utterances=tuple(
            Utterance(
                id=f"u{number:04}",
                speaker=speaker,
                span=Span.of_seconds(start, end),
                text=text,
                words=words_of(start, end, text) if timed else (),
            )
            for number, (start, end, text) in enumerate(lines, start=1)
        ),
    )


def words_of(start: float, end: float, text: str) -> tuple[Word, ...]:
    words = text.split()
    step = (end - start) / len(words)
    return tuple(
        Word(text=word, span=Span.of_seconds(start + n * step, start + (n + 1) * step)) for n, word in enumerate(words)
    )


def texts(lines: DubScript) -> dict[str, str]:
    return {line.id: line.text for line in lines.utterances}


SOURCE = script((1, 3, "Buenos días."), (4, 6, "Esto es una bomba."), (10, 12, "Adiós."), locale="es", speaker="Ana")


def test_each_line_goes_to_the_source_line_that_it_shares_most_time_with() -> None:
    """The first runs on into the second one's time, as dubs do."""
    heard = script((1.2, 4.6, "Good morning, everybody."), (4.8, 7, "This is a pump."), (10.1, 11, "Bye."))
    lines = laid_over(SOURCE, heard)
    assert texts(lines) == {"u0001": "Good morning, everybody.", "u0002": "This is a pump.", "u0003": "Bye."}
    assert {line.speaker for line in lines.utterances} == {"Ana"}
    assert lines.utterances[0].span == heard.utterances[0].span, "times stay the dub's own"
    assert not strays(SOURCE, lines)


def test_a_line_that_begins_before_its_time_goes_to_its_own_source_line() -> None:
    lines = laid_over(SOURCE, script((1, 2.7, "Good morning."), (2.8, 6, "This is a pump."), (10, 11, "Bye.")))
    assert texts(lines)["u0002"] == "This is a pump."


def test_lines_of_one_source_line_are_joined() -> None:
    lines = laid_over(SOURCE, script((1, 1.8, "Good."), (2, 3, "Morning."), (4, 6, "A pump."), (10, 11, "Bye.")))
    assert texts(lines)["u0001"] == "Good. Morning."
    assert lines.utterances[0].span == Span.of_seconds(1, 3)
    assert [word.text for word in lines.utterances[0].words] == ["Good.", "Morning."]


@pytest.mark.parametrize("timed", [True, False])
def test_a_line_over_two_source_lines_is_cut_where_a_sentence_ends(timed: bool) -> None:
    """The end of its first sentence is at 3 s, the middle between the source's lines at 3.5 s."""
    heard = script((1, 6, "Good morning, dear friends. This is a very fine pump."), (10, 11, "Bye."), timed=timed)
    lines = laid_over(SOURCE, heard)
    assert texts(lines)["u0001"] == "Good morning, dear friends."
    assert texts(lines)["u0002"] == "This is a very fine pump."
    assert lines.utterances[0].span.end <= lines.utterances[1].span.start


def test_a_line_is_not_shared_with_a_source_line_that_has_its_own() -> None:
    heard = script((1, 5.2, "Good morning to you. All of you."), (5.3, 6.5, "A pump."), (10, 11, "Bye."))
    assert texts(laid_over(SOURCE, heard))["u0001"] == "Good morning to you. All of you."


def test_speech_far_from_every_line_keeps_an_id_of_its_own() -> None:
    lines = laid_over(SOURCE, script((1, 3, "Good morning."), (8, 9, "Buy now!")))
    assert texts(lines) == {"u0001": "Good morning.", "u0004": "Buy now!"}
    assert [line.text for line in strays(SOURCE, lines)] == ["Buy now!"]
    near = laid_over(SOURCE, script((12.4, 13, "Bye.")))
    assert texts(near) == {"u0003": "Bye."}, "less than half a second late"


def test_nothing_heard_is_nothing_laid() -> None:
    assert laid_over(SOURCE, script()).utterances == ()
    assert texts(laid_over(script(), script((1, 2, "Hello.")))) == {"u0001": "Hello."}


def test_seconds_far_from_every_line() -> None:
    lines = [Span.of_seconds(1, 3), Span.of_seconds(3.5, 5)]
    assert far_from(lines, [Span.of_seconds(0, 6)]) == Fraction(1), "half a second at either end is near"
    assert far_from([], [Span.of_seconds(0, 2)]) == 2
    assert far_from(lines, []) == 0


def timeline(lines: DubScript) -> Timeline:
    placed = tuple(
        PlacedTake(
            utterance_id=line.id, speaker=line.speaker, text=line.text, slot=line.span, audio=dubs.NOTHING,
            start_sample=0, n_samples=1, stretch_ratio=1, speed=1, phonemes=(),
        )
        for line in lines.utterances
    )  # fmt: skip
    return Timeline(locale=lines.source_locale, placed=placed, overruns=(), dialogue=dubs.NOTHING)


def test_a_translation_has_what_is_said_for_the_source_and_no_more() -> None:
    said = timeline(laid_over(SOURCE, script((1, 3, "Good morning."), (8, 9, "Buy now!"))))
    translation = translation_of(SOURCE, said, "heard")
    assert [(line.utterance_id, line.text) for line in translation.lines] == [("u0001", "Good morning.")]
    assert translation.route == ("heard",)
    slots = {take.utterance_id: take.slot for take in in_source_slots(SOURCE, said).placed}
    assert slots == {"u0001": Span.of_seconds(1, 4), "u0004": Span.of_seconds(8, 9)}
