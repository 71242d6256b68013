"""A translation that says something else is found by what comes back of it."""

from __future__ import annotations

from fractions import Fraction

import pytest

from dub.back_translation import BackTranslation
from dub.check_meaning import check_meaning, likeness
from dub.finding import Finding, Level
from dub.gates import Gates
from dub.script import DubScript, Utterance
from dub.timecode import Span
from lang.bcp47 import Locale

SAID = {
    "u0001": "We sold three hundred boxes of tea.",
    "u0002": "Then everybody went home to sleep.",
    "u0003": "It rained all week, so we stayed inside.",
    "u0004": "Good evening.",
}
CAME_BACK = {
    "u0001": "We sold three hundred tea boxes.",
    "u0002": "Then everyone went home to sleep.",
    "u0003": "It rained all week, so we stayed indoors.",
    "u0004": "Hello.",
}


def judged(lines: dict[str, str], *, by: str = "en", pivot: dict[str, str] | None = None) -> list[Finding]:
    script = DubScript(
        source_locale=Locale("en") if pivot is None else Locale("ja"),
        duration=Fraction(9),
        utterances=tuple(
            Utterance(
                id=id_, speaker="s1", span=Span.of_seconds(n, n + 1), text=text if pivot is None else "彼は家に帰った。"
            )
            for n, (id_, text) in enumerate(SAID.items())
        ),
        pivot=pivot or {},
    )
    return list(check_meaning(script, BackTranslation(locale=Locale(by), lines=lines, by="toy"), Gates()))


def test_other_words_for_the_same_are_let_pass() -> None:
    [finding] = judged(CAME_BACK)
    assert (finding.check, finding.level) == ("meaning_kept", Level.OK)
    assert finding.value is not None
    assert finding.value > 0.7
    assert "of 3" in finding.message, "the greeting is too short to be held against anything"


@pytest.mark.parametrize("wrong", [SAID["u0003"], "I would like a ticket to Rome.", ""])
def test_a_line_that_says_something_else(wrong: str) -> None:
    bad = [finding for finding in judged(CAME_BACK | {"u0002": wrong}) if finding.level is not Level.OK]
    assert [(finding.check, finding.utterance_id) for finding in bad] == [("line_meaning_kept", "u0002")]
    assert wrong in bad[0].message, "a person sees what it says"


def test_half_of_a_line_is_found() -> None:
    bad = judged(CAME_BACK | {"u0003": "It rained."})
    assert ("line_meaning_kept", "u0003") in [(finding.check, finding.utterance_id) for finding in bad]


def test_all_of_it_wrong_fails() -> None:
    others = list(SAID.values())
    shifted = {id_: others[(number + 1) % 3] for number, id_ in enumerate(list(SAID)[:3])}
    assert judged(shifted)[0].level is Level.FAILED


def test_without_a_way_back_it_says_so() -> None:
    script = DubScript(source_locale=Locale("en"), duration=Fraction(9), utterances=())
    [finding] = check_meaning(script, None, Gates())
    assert finding.level is Level.OK
    assert finding.message.startswith("Not measured: no engine")


def test_lines_in_english_are_held_against_the_scripts_english() -> None:
    assert judged(CAME_BACK, pivot=SAID)[0].level is Level.OK
    assert judged({"u0001": CAME_BACK["u0002"]}, pivot=SAID)[0].level is Level.FAILED


def test_likeness_is_the_published_one() -> None:
    """By the letters of all words, without case and marks; the same words in another order are nearly the same."""
    assert likeness("Hello, world!", "hello world") == 1.0
    assert 0.6 < likeness("we stayed inside all week", "all week we stayed inside") < 1.0
    assert likeness("we stayed inside", "nobody came") < 0.15
