"""A known text cut at what a recogniser heard, however badly it heard."""

from __future__ import annotations

from dub.match_text import match_text

TEXT = "Good morning, my name is Jordi Mas. I am from Barcelona, and I love the city."


def test_each_stretch_gets_its_own_words_as_they_were_written() -> None:
    found = match_text(TEXT, ["good morning my name is Jordy Mass", "I'm from Barcelona", "and I love this city"])
    assert found.parts == ("Good morning, my name is Jordi Mas.", "I am from Barcelona,", "and I love the city.")
    assert found.left_out == ()
    assert found.share > 0.85


def test_words_that_the_recogniser_dropped_stay() -> None:
    found = match_text(TEXT, ["good morning name is Jordi Mas", "I from Barcelona", "love the city"])
    assert " ".join(found.parts) == TEXT


def test_sound_that_runs_past_the_text_has_no_part_of_it() -> None:
    found = match_text(TEXT, [TEXT, "please subscribe to our channel and press the bell"])
    assert found.parts == (TEXT, "")


def test_text_that_was_not_said_is_left_out() -> None:
    more = "Tomorrow we shall visit the mountains and swim in a cold lake."
    found = match_text(
        f"{TEXT} {more}", ["Good morning, my name is Jordi Mas.", "I am from Barcelona and I love the city."]
    )
    assert found.parts[0] == "Good morning, my name is Jordi Mas."
    assert "mountains" not in found.parts[1]
    assert "mountains" in " ".join(found.left_out)


def test_another_script_and_no_spaces_are_no_hindrance() -> None:
    found = match_text("暴风雨来之前，船都回家了。请把地图带来。", ["暴風雨來之前船都回家了", "請把地圖帶來"])
    assert found.parts == ("暴风雨来之前，船都回家了。", "请把地图带来。")
    assert found.share == 1.0


def test_another_text_shares_little() -> None:
    other = "Every Friday about forty people bring homemade bread to our village market, come by for breakfast."
    assert match_text(TEXT, [other]).share < 0.4
    assert match_text(TEXT, [""]).share == 0.0
    assert match_text("", ["hello"]).parts == ("",)
