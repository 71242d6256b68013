"""Timed scripts that a user gives: SRT, WebVTT, CSV and JSON read into cues, with every fault named by its line."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import PurePath
from typing import Any

from dub.errors import BadInput
from dub.subtitles import Cue
from dub.timecode import Span

_ARROW = "-->"
_TIMECODE = re.compile(r"^(?:(\d+):)?(\d{1,3}):([0-5]?\d)(?:[.,](\d{1,9}))?$")
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>|<\d[\d:.]*>|\{\\[^{}]*\}")
_VOICE = re.compile(r"^<v(?:\.[^\s>]*)?\s+([^>]+)>")
_NOT_SPEECH = re.compile(r"^(?:\[[^\]]*\]|\([^)]*\)|[♪♫#*\s]+)+$")
_NAMES = {
    "id": ("id", "utterance_id", "utterance"),
    "start": ("start", "start_s", "in", "from", "begin"),
    "end": ("end", "end_s", "out", "to"),
    "text": ("text", "translation", "line", "subtitle"),
    "speaker": ("speaker", "voice", "character"),
}
_UNTIMED = Span(start=Fraction(0), end=Fraction(0))


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
        raise BadInput(f"{file_name} is no text file", mend="give a .srt, .vtt, .csv or .json file")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def parse(content: bytes, file_name: str, *, keep_blank: bool = False) -> tuple[Cue, ...]:
    """The cues of a timed script, in the order of the file, by the kind its name ends in.

    Markup is taken off; cues that hold no speech (`[Music]`, `♪`) are left out, and those without any text unless
    `keep_blank`. CSV and JSON may give ids instead of times; such cues have an empty span at 0. Raises BadInput
    naming the file and the line.
    """
    kind = PurePath(file_name).suffix.lower()
    readers = {".srt": _parse_srt, ".vtt": _parse_vtt, ".csv": _parse_csv, ".tsv": _parse_csv, ".json": _parse_json}
    if kind not in readers:
        raise BadInput(f"{file_name}: {kind or 'no'} extension", mend="give a .srt, .vtt, .csv or .json file")
    cues = readers[kind](decoded(content, file_name), file_name)
    if not any(_is_speech(cue.text) for cue in cues):
        raise BadInput(f"{file_name} has no lines to speak", mend="give a script with at least one timed line")
    return tuple(cue for cue in cues if _is_speech(cue.text) or (keep_blank and not cue.text))


def seconds_of(text: str) -> Fraction | None:
    """A time such as `01:02:03,450`, `02:03.45` or `123.45` (seconds), exactly; None when it is none."""
    text = text.strip()
    if match := _TIMECODE.match(text):
        hours, minutes, seconds, decimals = match.groups()
        whole = int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)
        return whole + (Fraction(int(decimals), 10 ** len(decimals)) if decimals else Fraction(0))
    return Fraction(text) if re.fullmatch(r"\d+(?:\.\d+)?", text) else None


def _blocks(text: str) -> Iterator[list[tuple[int, str]]]:
    """Runs of lines that are not blank, each line with its number."""
    block: list[tuple[int, str]] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            block.append((number, line.strip()))
        elif block:
            yield block
            block = []
    if block:
        yield block


def _parse_srt(text: str, file_name: str) -> list[Cue]:
    cues: list[Cue] = []
    for block in _blocks(text):
        timing = next((index for index, (_, line) in enumerate(block[:2]) if _ARROW in line), None)
        if timing is None:
            if cues:  # a blank line inside a cue: its text goes on
                cues[-1] = cues[-1].model_copy(update={"text": "\n".join([cues[-1].text, *_plain(block)]).strip()})
                continue
            number, line = block[0]
            raise _fault(file_name, number, f"no timing line in {line[:40]!r}", "00:00:01,000 --> 00:00:02,500")
        number, line = block[timing]
        cues.append(Cue(span=_span(line, file_name, number), text="\n".join(_plain(block[timing + 1 :])), line=number))
    return cues


def _parse_vtt(text: str, file_name: str) -> list[Cue]:
    if not re.match(r"WEBVTT(?:[ \t\n]|$)", text):
        raise _fault(file_name, 1, "a WebVTT file starts with WEBVTT", "WEBVTT")
    cues: list[Cue] = []
    for index, block in enumerate(_blocks(text)):
        if index == 0 and not any(_ARROW in line for _, line in block):
            continue
        if re.match(r"(?:NOTE|STYLE|REGION)\b", block[0][1]):
            continue
        timing = next((index for index, (_, line) in enumerate(block) if _ARROW in line), None)
        if timing is None:
            raise _fault(file_name, block[0][0], "a cue without a timing line", "00:01.000 --> 00:02.500")
        number, line = block[timing]
        spoken = block[timing + 1 :]
        voice = _VOICE.match(spoken[0][1]) if spoken else None
        cues.append(
            Cue(
                span=_span(line, file_name, number),
                text=html.unescape("\n".join(_plain(spoken))),
                id=block[timing - 1][1] if timing else "",
                speaker=voice.group(1).strip() if voice else "",
                line=number,
            )
        )
    return cues


def _parse_csv(text: str, file_name: str) -> list[Cue]:
    head = text.split("\n", 1)[0]
    delimiter = max((",", ";", "\t"), key=head.count)
    rows = csv.reader(io.StringIO(text), delimiter=delimiter)
    columns: list[str] = []
    cues: list[Cue] = []
    for row in rows:
        number = rows.line_num
        if not any(cell.strip() for cell in row):
            continue
        if not columns:
            columns = [_field(cell) for cell in row]
            if "text" not in columns or not ({"start", "end"} <= set(columns) or "id" in columns):
                raise _fault(file_name, number, f"the columns are {', '.join(row)}", "start,end,text or id,text")
            continue
        if len(row) > len(columns):
            raise _fault(
                file_name, number, f"{len(row)} cells for {len(columns)} columns", 'quote text with commas: "a, b"'
            )
        cues.append(_cue_of(dict(zip(columns, row, strict=False)), file_name, number))
    return cues


def _parse_json(text: str, file_name: str) -> list[Cue]:
    try:
        table = json.loads(text)
    except json.JSONDecodeError as error:
        raise _fault(
            file_name, error.lineno, f"not JSON: {error.msg}", '[{"start": 0.5, "end": 2, "text": "..."}]'
        ) from error
    if isinstance(table, dict):
        table = next((table[name] for name in ("utterances", "lines", "cues", "segments") if name in table), None)
    if not isinstance(table, list) or not all(isinstance(row, dict) for row in table):
        raise _fault(file_name, 1, "no list of lines", '[{"start": 0.5, "end": 2, "text": "..."}]')
    return [_cue_of(_flat(row), file_name, number, "entry") for number, row in enumerate(table, start=1)]


def _flat(row: dict[str, Any]) -> dict[str, str]:
    span = row.get("span")
    fields = {**row, **(span if isinstance(span, dict) else {})}
    return {_field(name): _as_text(value) for name, value in fields.items() if isinstance(value, str | int | float)}


def _as_text(value: str | int | float) -> str:
    if isinstance(value, str) and re.fullmatch(r"\d+/\d+", value):  # a record's exact time
        return str(float(Fraction(value)))
    return str(value)


def _field(name: str) -> str:
    plain = name.strip().casefold()
    return next((field for field, names in _NAMES.items() if plain in names), plain)


def _cue_of(row: dict[str, str], file_name: str, number: int, where: str = "line") -> Cue:
    span = _UNTIMED
    if row.get("start", "").strip() or row.get("end", "").strip():
        span = _between(row.get("start", ""), row.get("end", ""), file_name, number, where)
    elif not row.get("id", "").strip():
        raise _fault(file_name, number, "neither times nor an id", "start,end,text or id,text", where)
    return Cue(
        span=span,
        text="\n".join(_plain([(number, line) for line in row.get("text", "").split("\n")])).strip(),
        id=row.get("id", "").strip(),
        speaker=row.get("speaker", "").strip(),
        line=number,
    )


def _span(timing: str, file_name: str, number: int) -> Span:
    start, _, rest = timing.partition(_ARROW)
    return _between(start, (rest.split() or [""])[0], file_name, number)


def _between(start: str, end: str, file_name: str, number: int, where: str = "line") -> Span:
    first, last = seconds_of(start), seconds_of(end)
    for text, value in ((start, first), (end, last)):
        if value is None:
            raise _fault(file_name, number, f"{text.strip()!r} is no time", "HH:MM:SS.mmm", where)
    assert first is not None
    assert last is not None
    if last <= first:
        raise _fault(
            file_name, number, f"it ends ({end.strip()}) when or before it starts ({start.strip()})", "", where
        )
    return Span(start=first, end=last)


def _plain(lines: list[tuple[int, str]]) -> list[str]:
    return [plain for _, line in lines if (plain := _TAG.sub("", line).strip())]


def _is_speech(text: str) -> bool:
    return bool(re.search(r"\w", text)) and not _NOT_SPEECH.match(" ".join(text.split()))


def _fault(file_name: str, number: int, what: str, form: str, where: str = "line") -> BadInput:
    return BadInput(f"{file_name}, {where} {number}: {what}", mend=f"write {form}" if form else "correct the times")
