"""Lines in every script: never too long, broken where a reader would, nothing lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lang.direction import marked_rtl
from lang.line_breaks import break_lines, even_pieces, line_chars, measure_of, reading_chars, wide_chars
from lang.registry import language
from lang.udhr import article_1

TEXTS = article_1()


def letters(text: str) -> str:
    return "".join(text.split())


def test_lines_break_at_clauses_and_before_link_words() -> None:
    text = "And so, my fellow Americans, ask not what your country can do for you, ask what you can do."
    assert break_lines(text, 42)[0] == "And so, my fellow Americans,"
    assert break_lines("we saw the man and the dog he had lost", 24) == ["we saw the man", "and the dog he had lost"]


@pytest.mark.parametrize(
    ("script", "text", "lines"),
    [
        (
            "Jpan",
            "コーヒーを飲みました。ちょっと散歩に行きましょう。",
            ["コーヒーを飲みました。", "ちょっと散歩に", "行きましょう。"],
        ),
        ("Hans", "他们赋有理性和良心，并应以兄弟关系的精神", ["他们赋有理性和良心，", "并应以兄弟关系的精神"]),
        ("Kore", "모든 인간은 태어날 때부터 자유로우며", ["모든 인간은 태어날", "때부터 자유로우며"]),
        (
            "Thai",
            "สวัสดีครับผมชื่อสมชายและผมมาจากกรุงเทพมหานครประเทศไทย",
            ["สวัสดีครับผมชื่อสมชายและผมมา", "จากกรุงเทพมหานครประเทศไทย"],
        ),
        ("Ethi", "የሰው፡ልጅ፡ሁሉ፡ሲወለድ፡ነጻና፡በክብርና፡በመብትም፡እኩልነት፡ያለው፡ነው።", None),
    ],
)
def test_lines_of_other_scripts(script: str, text: str, lines: list[str] | None) -> None:
    found = break_lines(text, line_chars(script), measure_of(script))
    if lines is None:
        assert len(found) == 2
        assert found[0].endswith("፡")
    else:
        assert found == lines


def test_thai_lao_khmer_burmese_and_tibetan_lines_end_between_words() -> None:
    """No line begins with a vowel, a mark or a sign that closes a word."""
    for tag in ("th", "lo", "km", "my", "bo", "dz"):
        text = TEXTS[next(locale for locale in TEXTS if locale == tag)]
        for line in break_lines(text, 30)[1:]:
            assert line[0].isalpha() or line[0] in "([", (tag, line)
            assert line[0] not in "ะาำๆໆຯฯ", (tag, line)
    assert all(
        line.endswith(("་", "།", "༎", "༌")) for line in break_lines(TEXTS[next(t for t in TEXTS if t == "bo")], 30)
    )


@pytest.mark.parametrize("locale", TEXTS)
def test_no_line_of_the_declaration_is_too_long_and_nothing_is_lost(locale: str) -> None:
    script = language(next(tag for tag in TEXTS if tag == locale)).script
    text, longest, measure = TEXTS[next(tag for tag in TEXTS if tag == locale)], line_chars(script), measure_of(script)
    lines = break_lines(text, longest, measure)
    assert all(measure(line) <= longest for line in lines)
    assert letters("".join(lines)) == letters(text)
    assert all(line == line.strip() and line for line in lines)
    assert len(lines) <= 2 + 1.35 * measure(text) / longest


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(list(TEXTS.values())), min_size=1, max_size=3), st.integers(8, 45), st.integers(0, 40))
def test_any_texts_together_keep_the_limit(texts: list[str], longest: int, start: int) -> None:
    """In any mixture of scripts, cut anywhere, without spaces between them."""
    text = "".join(texts)[start : start + 400]
    for measure in (reading_chars, wide_chars):
        lines = break_lines(text, longest, measure)
        assert all(measure(line) <= longest for line in lines)
        assert letters("".join(lines)) == letters(text)


@given(st.text(alphabet="abc de.,é", min_size=1, max_size=300), st.integers(5, 50))
@example("aaaaaa . a", 5)
@example("aaaaa aaaaa", 5)
def test_breaking_loses_nothing_and_no_line_is_too_long(text: str, line_chars: int) -> None:
    """The examples are a word longer than a line before others, which once pushed another line over the limit, and
    words as long as a line, which once kept the space after them."""
    lines = break_lines(text, line_chars)
    assert letters("".join(lines)) == letters(text)
    assert all(reading_chars(line) <= line_chars for line in lines)


def test_a_word_longer_than_a_line_is_cut_at_a_hyphen_or_slash_else_between_letters() -> None:
    assert break_lines("a Donaudampfschifffahrts-gesellschaft", 28) == ["a Donaudampfschifffahrts-", "gesellschaft"]
    assert break_lines("see https://example.org/a/long/path", 24) == ["see https://", "example.org/a/long/path"]
    assert break_lines("x" * 25, 10) == ["x" * 10, "x" * 10, "x" * 5]
    assert break_lines("e\u0301" * 12, 10) == ["e\u0301" * 10, "e\u0301" * 2]


def test_a_no_break_space_holds() -> None:
    """French sets its high punctuation off with one."""
    assert break_lines("Est-ce que tu viens\u00a0?", 19) == ["Est-ce", "que tu viens\u00a0?"]
    assert break_lines("Est-ce que tu viens ?", 19) == ["Est-ce", "que tu viens ?"]


@given(st.text(alphabet="今日は、。「」AB 9", min_size=1, max_size=80))
def test_unspaced_text_breaks_without_stranding_punctuation(text: str) -> None:
    lines = break_lines(text, 16, wide_chars)
    assert letters("".join(lines)) == letters(text)
    assert all(wide_chars(line) <= 16 for line in lines)


def test_lines_begin_with_no_closing_and_end_with_no_opening_punctuation() -> None:
    text = "彼は「こんにちは。」と言って（笑いながら）、「さようなら！」と答えた。" * 3
    for longest in range(9, 20):
        lines = break_lines(text, longest, wide_chars)
        assert not any(line.startswith(("、", "。", "」", "）", "ー", "っ", "ゃ", "！")) for line in lines)
        assert not any(line.endswith(("「", "（")) for line in lines)


def test_threads_do_not_disturb_one_another() -> None:
    """ICU's iterators hold the text they work on."""
    alone = [break_lines(text, 30) for text in TEXTS.values()]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda text: break_lines(text, 30), TEXTS.values())) == alone


def test_even_pieces_share_a_text_out() -> None:
    assert even_pieces("I am from Barcelona, and I love the city.", 2) == [
        "I am from Barcelona,",
        "and I love the city.",
    ]
    assert even_pieces("one", 3) == ["one"]
    assert even_pieces("", 2) == [""]


def test_half_width_signs_count_half_and_marks_nothing() -> None:
    assert wide_chars("漢字ＡB ｱ") == 4.5
    assert reading_chars("e\u0301\u200d\n") == 1


def test_rtl_lines_are_marked_and_marks_are_not_read() -> None:
    assert reading_chars(marked_rtl("مرحبا!")) == 6


@pytest.mark.parametrize("base", ["ltr", "rtl", "auto"])
@pytest.mark.parametrize("line", ["שלום, מה שלומך?", "Netflix הוא שירות (2024)!", "«مرحبا» 12.5%؟", "...אז"])
def test_a_marked_line_is_laid_out_from_right_to_left_under_any_base_direction(base: str, line: str) -> None:
    """By ICU's bidirectional algorithm: what is written first stands rightmost, what is written last leftmost."""
    import icu

    bidi = icu.Bidi()
    level = {"ltr": 0, "rtl": 1, "auto": icu.Bidi.DEFAULT_LTR}[base]  # auto: by the first strong letter
    marked = marked_rtl(line)
    bidi.setPara(icu.UnicodeString(marked), level)
    shown = "".join(marked[at] for at in bidi.getVisualMap() if marked[at] not in "\u200f\u202b\u202c")
    assert shown[0] == line[-1]
    first = line.split()[0]
    assert shown.endswith(first if first == "Netflix" else line[0])
