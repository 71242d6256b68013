"""Timed scripts as users write them: read exactly, or refused with the line."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dub.cue_fields import seconds_of
from dub.errors import BadInput
from dub.subtitles import Cue, to_csv, to_json, to_srt, to_vtt
from dub.timecode import Span
from dub.timed_script import parse

SRT = """1
00:00:01,263 --> 00:00:03,946
<i>Good morning,</i>
my name is {\\an8}Jordi Mas.

2
00:00:04,000 --> 00:00:05,000
[Music]

3
00:00:05,245 --> 00:00:06,629 X1:10 Y1:20
I am from Barcelona
"""

VTT = """WEBVTT - a title
Kind: captions

STYLE
::cue { color: red }

NOTE nobody reads this

intro
00:01.263 --> 00:03.946 align:start
<v Jordi Mas>Good &amp; <b>bad</b> &lt;3

01:00:05.245 --> 01:00:06.629
Second
"""


def test_srt() -> None:
    first, second = parse(SRT.encode(), "talk.srt")
    assert (first.span.start, first.span.end) == (Fraction(1263, 1000), Fraction(3946, 1000))
    assert first.text == "Good morning,\nmy name is Jordi Mas."
    assert (first.line, second.line) == (2, 11)
    assert second.text == "I am from Barcelona"


def test_vtt() -> None:
    first, second = parse(VTT.encode(), "talk.vtt")
    assert (first.id, first.speaker, first.text) == ("intro", "Jordi Mas", "Good & bad <3")
    assert first.span.start == Fraction(1263, 1000)
    assert second.span.start == 3605 + Fraction(245, 1000)


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        ("start,end,text\n0.5,2,Hi\n00:00:02.5,00:00:03,\"a, b\nc\"\n", ["Hi", "a, b\nc"]),
        ("Start;End;Speaker;Text\n0.5;2;anna;Hi\n", ["Hi"]),
        ("start\tend\ttext\n0.5\t2\tHi\n\n", ["Hi"]),
        ("id,text\nu0001,Hi\nu0002,Ho\n", ["Hi", "Ho"]),
    ],
)  # fmt: skip
def test_csv(content: str, texts: list[str]) -> None:
    assert [cue.text for cue in parse(content.encode(), "talk.csv")] == texts


def test_json() -> None:
    plain = [{"start": 0.5, "end": "00:00:02.250", "text": "Hi", "speaker": "anna"}]
    for table in (plain, {"segments": plain}, {"cues": plain}):
        [cue] = parse(json.dumps(table).encode(), "talk.json")
        assert cue.span == Span(start=Fraction(1, 2), end=Fraction(9, 4))
        assert cue.speaker == "anna"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le-bom"])
def test_encodings(encoding: str) -> None:
    text = "1\r\n00:00:01,000 --> 00:00:02,000\r\nSóc de Barcelona\r\n"
    content = b"\xff\xfe" + text.encode("utf-16-le") if encoding == "utf-16-le-bom" else text.encode(encoding)
    assert parse(content, "talk.srt")[0].text == "Sóc de Barcelona"


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("a.srt", SRT.encode() + "\n4\n00:00:09,000 --> 00:00:10,000\nSóc".encode("latin-1"), r"line 16.*not UTF-8"),
        ("a.srt", b"1\n00:00:01,000 -> 00:00:02,000\nHi\n", "line 1: no timing line"),
        ("a.srt", b"1\n00:00:01,000 --> 00:61:02\nHi\n\n2\n00:00:0x,000 --> 00:00:02,000\nHi\n", "line 2|line 6"),
        ("a.srt", b"1\n00:00:03,000 --> 00:00:02,000\nHi\n", r"line 2: it ends \(00:00:02,000\)"),
        ("a.srt", b"\n\n", "no lines to speak"),
        ("a.srt", b"1\n00:00:01,000 --> 00:00:02,000\n[Music]\n", "no lines to speak"),
        ("a.srt", b"\x00\x01\x02", "no text file"),
        ("a.vtt", b"00:01.000 --> 00:02.000\nHi\n", "line 1: a WebVTT file starts with WEBVTT"),
        ("a.vtt", b"WEBVTT\n\nHi there\n", "line 3: a cue without a timing line"),
        ("a.csv", b"when,what\n1,Hi\n", "line 1: the columns are when, what"),
        ("a.csv", b"start,end,text\n1,2,Hi, you\n", "line 2: 4 cells for 3 columns"),
        ("a.csv", b"start,end,text\n1,soon,Hi\n", "line 2: 'soon' is no time"),
        ("a.json", b"[{]", "line 1: not JSON"),
        ("a.json", b'{"x": 1}', "no list of lines"),
        ("a.json", b'[{"text": "Hi"}]', "entry 1: neither times nor an id"),
        ("a.docx", b"PK", "docx"),
    ],
)
def test_faults_are_named_by_line_with_the_mend(name: str, content: bytes, fault: str) -> None:
    with pytest.raises(BadInput, match=fault) as refused:
        parse(content, name)
    assert refused.value.mend
    assert name in str(refused.value)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("00:00:01,001", Fraction(1001, 1000)),
        ("1:02:03.5", 3723 + Fraction(1, 2)),
        ("02:03", Fraction(123)),
        ("0.1", Fraction(1, 10)),
        ("75:00.0", Fraction(4500)),
        ("00:00:60,000", None),
        ("-1", None),
        ("", None),
        ("1e5", None),
    ],
)
def test_times_are_exact(text: str, seconds: Fraction | None) -> None:
    assert seconds_of(text) == seconds


@given(
    st.lists(
        st.tuples(
            st.integers(0, 10_000_000),
            st.integers(1, 10_000),
            st.text(alphabet="aé<>&,;\"'\n -→今", min_size=1, max_size=40).map(lambda text: f"x {text}"),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_what_is_written_is_read_back(rows: list[tuple[int, int, str]]) -> None:
    cues = [
        Cue(span=Span(start=Fraction(start, 1000), end=Fraction(start + length, 1000)), text=text)
        for start, length, text in rows
    ]
    for name, content in (("a.vtt", to_vtt(cues)), ("a.json", to_json(cues)), ("a.csv", to_csv(cues))):
        read = parse(content.encode(), name)
        assert [cue.span for cue in read] == [cue.span for cue in cues]
        if name == "a.vtt":
            # WebVTT forbids `-->` in a cue's text: it is written as an arrow.
            assert [cue.text.split() for cue in read] == [cue.text.replace("-->", "→").split() for cue in cues]
    read = parse(to_srt(cues).encode(), "a.srt")
    assert [cue.span for cue in read] == [cue.span for cue in cues]
