"""Timed scripts that a user gives, read into cues with every fault named by its line; SRT and WebVTT are read here."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import PurePath

from dub.cue_fields import decoded, fault, is_speech, plain, span_between
from dub.errors import BadInput
from dub.subtitles import Cue
from dub.timecode import Span
from dub.timed_rows import parse_csv, parse_json
from dub.xliff import parse_xliff
from lang.bcp47 import Locale

KINDS = ".srt, .vtt, .csv, .tsv, .json, .xlf or .xliff"
_ARROW = "-->"
_VOICE = re.compile(r"^<v(?:\.[^\s>]*)?\s+([^>]+)>")


def parse(
    content: bytes, file_name: str, *, source: Locale | None = None, target: Locale | None = None
) -> tuple[Cue, ...]:
    """The cues of a timed script, in the order of the file, by the kind its name ends in.

    Markup is taken off; cues that hold no speech (`[Music]`, `♪`) are left out. `target`: the text wanted is a
    translation into it, so cues without any text stay. XLIFF gives its sources or, with `target`, its targets, and
    must be in the languages that are asked for. CSV, JSON and XLIFF may give ids instead of times; such cues have an
    empty span at 0. Raises BadInput naming the file and the line.
    """
    kind = PurePath(file_name).suffix.lower()
    if kind in (".xlf", ".xliff"):
        cues = parse_xliff(content, file_name, source=source, target=target)
    elif kind in _READERS:
        cues = _READERS[kind](decoded(content, file_name), file_name)
    else:
        raise BadInput(f"{file_name}: {kind or 'no'} extension", mend=f"give a {KINDS} file")
    if not any(is_speech(cue.text) for cue in cues):
        raise BadInput(f"{file_name} has no lines to speak", mend="give a script with at least one timed line")
    return tuple(cue for cue in cues if is_speech(cue.text) or (target is not None and not cue.text))


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
                cues[-1] = cues[-1].model_copy(update={"text": f"{cues[-1].text}\n{_text_of(block)}".strip()})
                continue
            number, line = block[0]
            raise fault(file_name, number, f"no timing line in {line[:40]!r}", "00:00:01,000 --> 00:00:02,500")
        number, line = block[timing]
        cues.append(Cue(span=_span(line, file_name, number), text=_text_of(block[timing + 1 :]), line=number))
    return cues


def _parse_vtt(text: str, file_name: str) -> list[Cue]:
    if not re.match(r"WEBVTT(?:[ \t\n]|$)", text):
        raise fault(file_name, 1, "a WebVTT file starts with WEBVTT", "WEBVTT")
    cues: list[Cue] = []
    for index, block in enumerate(_blocks(text)):
        if index == 0 and not any(_ARROW in line for _, line in block):
            continue
        if re.match(r"(?:NOTE|STYLE|REGION)\b", block[0][1]):
            continue
        timing = next((index for index, (_, line) in enumerate(block) if _ARROW in line), None)
        if timing is None:
            raise fault(file_name, block[0][0], "a cue without a timing line", "00:01.000 --> 00:02.500")
        number, line = block[timing]
        spoken = block[timing + 1 :]
        voice = _VOICE.match(spoken[0][1]) if spoken else None
        cues.append(
            Cue(
                span=_span(line, file_name, number),
                text=html.unescape(_text_of(spoken)),
                id=block[timing - 1][1] if timing else "",
                speaker=voice.group(1).strip() if voice else "",
                line=number,
            )
        )
    return cues


def _span(timing: str, file_name: str, number: int) -> Span:
    start, _, rest = timing.partition(_ARROW)
    return span_between(start, (rest.split() or [""])[0], file_name, number)


def _text_of(lines: list[tuple[int, str]]) -> str:
    return plain("\n".join(line for _, line in lines))


_READERS = {".srt": _parse_srt, ".vtt": _parse_vtt, ".csv": parse_csv, ".tsv": parse_csv, ".json": parse_json}
