"""What all kinds of timed scripts have in common: text as bytes, times, markup, and faults named by their line."""

from __future__ import annotations

import re
from fractions import Fraction

from dub.errors import BadInput
from dub.timecode import Span

UNTIMED = Span(start=Fraction(0), end=Fraction(0))
"""The span of a cue that is matched by its id."""

_TIMECODE = re.compile(r"^(?:(\d+):)?(\d{1,3}):([0-5]?\d)(?:[.,](\d{1,9}))?$")
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>|<\d[\d:.]*>|\{\\[^{}]*\}")
_NOT_SPEECH = re.compile(r"^(?:\[[^\]]*\]|\([^)]*\)|[♪♫#*\s]+)+$")


def decoded(content: bytes, file_name: str) -> str:
    """A text file's content: UTF-8 with or without a byte order mark, or UTF-16 with one. Raises BadInput otherwise:
    an old 8-bit encoding could only be guessed, and a wrong guess would be spoken."""
    encoding = "utf-8-sig"
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise BadInput(
            f"{file_name}, line {line}: the text is not UTF-8",
            mend=f"save it as UTF-8; if it is Latin-1: iconv -f latin1 -t utf-8 {file_name} > new-file",
        ) from error
    if "\0" in text:
        raise BadInput(f"{file_name} is no text file", mend="give a text file, such as .srt or .csv")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def seconds_of(text: str) -> Fraction | None:
    """A time such as `01:02:03,450`, `02:03.45` or `123.45` (seconds), exactly; None when it is none."""
    text = text.strip()
    if match := _TIMECODE.match(text):
        hours, minutes, seconds, decimals = match.groups()
        whole = int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)
        return whole + (Fraction(int(decimals), 10 ** len(decimals)) if decimals else Fraction(0))
    return Fraction(text) if re.fullmatch(r"\d+(?:\.\d+)?", text) else None


def span_between(start: str, end: str, file_name: str, number: int, where: str = "line") -> Span:
    """Raises BadInput for what is no time, and for an end before its start."""
    first, last = seconds_of(start), seconds_of(end)
    for text, value in ((start, first), (end, last)):
        if value is None:
            raise fault(file_name, number, f"{text.strip()!r} is no time", "HH:MM:SS.mmm", where)
    assert first is not None
    assert last is not None
    if last <= first:
        raise fault(file_name, number, f"it ends ({end.strip()}) when or before it starts ({start.strip()})", "", where)
    return Span(start=first, end=last)


def plain(text: str) -> str:
    """Without subtitle markup and blank lines; the other lines stay lines."""
    return "\n".join(bare for line in text.split("\n") if (bare := _TAG.sub("", line).strip()))


def is_speech(text: str) -> bool:
    """Not for `[Music]`, `♪` and what has no words."""
    return bool(re.search(r"\w", text)) and not _NOT_SPEECH.match(" ".join(text.split()))


def fault(file_name: str, number: int, what: str, form: str, where: str = "line") -> BadInput:
    """The error of one line. `form`: how it should be written, "" where only its times are wrong."""
    return BadInput(f"{file_name}, {where} {number}: {what}", mend=f"write {form}" if form else "correct the times")
