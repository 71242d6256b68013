"""Each fault of a subtitle is found by its check, in its language's own measure; right ones are let pass."""

from __future__ import annotations

import pytest

from dub.check_subtitles import check_subtitles
from dub.finding import Finding, Level
from dub.gates import Gates
from dub.subtitles import Cue
from dub.timecode import Span
from lang.bcp47 import Locale
from lang.direction import marked_rtl


def cue(text: str, seconds: float = 2.0, start_s: float = 63.5) -> Cue:
    return Cue(span=Span.of_seconds(start_s, start_s + seconds), text=text)


def judged(*cues: Cue, locale: str = "es") -> dict[str, Finding]:
    return {found.check: found for found in check_subtitles(cues, Locale(locale), len(cues), Gates())}


def test_right_subtitles_are_let_pass() -> None:
    found = judged(cue("Buenos días a todos,\nesto es una bomba."), cue("Adiós.", 0.8))
    assert {finding.level for finding in found.values()} == {Level.OK}
    assert {"subtitles_there", "subtitle_speed", "subtitle_layout", "reading_order"} == set(found)


def test_a_file_without_subtitles_fails_unless_nothing_is_said() -> None:
    for n_placed, level in ((3, Level.FAILED), (0, Level.OK)):
        [finding] = check_subtitles((), Locale("es"), n_placed, Gates())
        assert (finding.check, finding.level) == ("subtitles_there", level)


@pytest.mark.parametrize(
    ("locale", "text", "seconds"),
    [
        ("es", "Cuarenta y cinco caracteres para leer deprisa", 2.0),
        ("zh-Hans", "这里有二十三个汉字在两秒之内要让人读完真是太快了", 2.0),
        ("ja", "ここには十六文字ほどの字幕がある", 2.0),
    ],
)
def test_what_is_too_fast_for_its_script(locale: str, text: str, seconds: float) -> None:
    fast = judged(cue(text, seconds), locale=locale)["subtitle_speed"]
    assert fast.level is Level.DEGRADED
    assert "at 1:03.5" in fast.message
    assert judged(cue(text, 2 * seconds), locale=locale)["subtitle_speed"].level is Level.OK


def test_a_word_that_stands_but_a_moment_is_read_at_a_glance() -> None:
    assert judged(cue("Sí, claro.", 0.3))["subtitle_speed"].level is Level.OK


@pytest.mark.parametrize("text", ["una\ndos\ntres", "Esta línea tiene bastante más de cuarenta y dos caracteres."])
def test_too_many_lines_or_too_long_a_one(text: str) -> None:
    found = judged(cue(text, 6.0), cue("bien"))["subtitle_layout"]
    assert (found.level, found.value) == (Level.DEGRADED, 1.0)


@pytest.mark.parametrize(
    ("locale", "text", "level"),
    [
        ("ar", marked_rtl("صباح الخير."), Level.OK),
        ("ar", "صباح الخير.", Level.OK),
        ("ar", marked_rtl("YouTube هو موقع."), Level.OK),
        ("ar", "YouTube هو موقع.", Level.FAILED),
        ("es", marked_rtl("Buenos días."), Level.FAILED),
        ("es", "300.", Level.OK),
    ],
)
def test_the_side_that_a_line_begins_on(locale: str, text: str, level: Level) -> None:
    assert judged(cue(text), locale=locale)["reading_order"].level is level
