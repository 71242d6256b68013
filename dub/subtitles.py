"""Subtitles: cues made from what is spoken, timed to the dub, and written as SRT, WebVTT, CSV and JSON.

The limits are those of the Netflix Timed Text Style Guides: two lines, 5/6 s to 7 s, two frames between cues.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Literal

from dub.artifact import Artifact, Record
from dub.script import PlacedTake, Timeline
from dub.timecode import MASTER_RATE_HZ, Span, timecode
from lang.bcp47 import Locale
from lang.direction import marked_rtl
from lang.language import Language
from lang.line_breaks import break_lines, even_pieces, line_chars, measure_of, one_line, reading_chars
from lang.registry import language

N_LINES = 2
SHORTEST_S = Fraction(5, 6)
LONGEST_S = Fraction(7)
GAP_FRAMES = 2
LINGER_S = Fraction(1, 2)
"""A cue may stay this long after its last sound, to be read to the end."""


class Cue(Record):
    """One subtitle. `text`: its lines, separated by newlines, without markup. `id`, `speaker`, `line` (the line of
    the file it was read from, from 1) are "" and 0 where not known."""

    span: Span
    text: str
    id: str = ""
    speaker: str = ""
    line: int = 0

    @property
    def chars_per_second(self) -> float:
        """Reading speed; infinite for a cue without duration."""
        n_chars = reading_chars(self.text)
        return n_chars / float(self.span.duration) if self.span.duration else float("inf")


class Subtitles(Record):
    """One locale's subtitles. `too_fast`: utterance ids with a cue faster than can be read."""

    schema_version: Literal[1] = 1
    locale: Locale
    srt: Artifact
    vtt: Artifact
    n_cues: int
    fastest_cps: float
    too_fast: tuple[str, ...] = ()


def cues_of(timeline: Timeline, frame_rate: Fraction, title_duration: Fraction) -> tuple[Cue, ...]:
    """The dub's lines as cues on the frame grid; every cue's `id` is its utterance's.

    A line too long for one cue is cut at sentence and clause ends, at the times of its own phonemes. A cue starts
    with its sound and lingers up to 0.5 s after it, or to 5/6 s in all, as far as the next cue leaves room.
    """
    tongue = language(timeline.locale)
    timed = [cue for take in timeline.placed for cue in _cues_of_take(take, tongue)]
    timed.sort(key=lambda cue: cue.span.start)
    gap = GAP_FRAMES / frame_rate
    cues = []
    for index, cue in enumerate(timed):
        start = _on_frame(cue.span.start, frame_rate)
        following = timed[index + 1].span.start if index + 1 < len(timed) else None
        room = title_duration if following is None else max(_on_frame(following, frame_rate) - gap, start + gap)
        wanted = max(cue.span.end + LINGER_S, start + SHORTEST_S)
        end = min(_on_frame(wanted, frame_rate), room, start + LONGEST_S)
        cues.append(cue.model_copy(update={"span": Span(start=start, end=max(end, start))}))
    return tuple(cues)


def _cues_of_take(take: PlacedTake, tongue: Language) -> list[Cue]:
    """One take's text in pieces that each fit two lines and 7 s."""
    start = Fraction(take.start_sample, MASTER_RATE_HZ)
    duration = Fraction(take.n_samples, MASTER_RATE_HZ)
    n_pieces = max(1, -(-duration // LONGEST_S))
    while True:
        pieces, laid_out = laid_out_in_cues(take.text, tongue.script, at_least=n_pieces)
        edges = [start, *_cuts(take, pieces), start + duration]
        if len(pieces) < n_pieces or all(last - first <= LONGEST_S for first, last in pairwise(edges)):
            break
        n_pieces = len(pieces) + 1
    return [
        Cue(
            span=Span(start=first, end=max(first, last)),
            text="\n".join(map(marked_rtl, lines) if tongue.is_rtl else lines),
            id=take.utterance_id,
            speaker=take.speaker,
        )
        for first, last, lines in zip(edges[:-1], edges[1:], laid_out, strict=True)
    ]


def laid_out_in_cues(text: str, script: str, *, at_least: int = 1) -> tuple[list[str], list[list[str]]]:
    """A text cut into as few pieces as fit a cue each, but `at_least` so many where it has the words; and the lines of
    each piece, at most two, none longer than `line_chars(script)`."""
    longest, measure = line_chars(script), measure_of(script)
    n_pieces = max(at_least, int(-(-measure(one_line(text)) // (N_LINES * longest))))
    while True:
        pieces = even_pieces(text, n_pieces, longest, measure)
        laid_out = [break_lines(piece, longest, measure) for piece in pieces]
        if all(len(lines) <= N_LINES for lines in laid_out):
            return pieces, laid_out
        n_pieces += 1


def _cuts(take: PlacedTake, pieces: Sequence[str]) -> list[Fraction]:
    """When each piece but the first starts: the share of the text before it counted in phonemes, moved to the longest
    silence between two phonemes nearby. Without phonemes, the share of the time."""
    n_chars = sum(map(reading_chars, pieces))
    cuts, n_before = [], 0
    for piece in pieces[:-1]:
        n_before += reading_chars(piece)
        share = Fraction(n_before, max(1, n_chars))
        if len(take.phonemes) < 4:
            sample = take.start_sample + round(share * take.n_samples)
        else:
            sample = _quiet_cut(take, share)
        cuts.append(Fraction(sample, MASTER_RATE_HZ))
    return cuts


def _quiet_cut(take: PlacedTake, share: Fraction) -> int:
    phonemes = take.phonemes
    middle = round(share * len(phonemes))
    reach = max(2, len(phonemes) // 8)
    near = range(max(1, middle - reach), min(len(phonemes), middle + reach + 1))

    def merit(index: int) -> float:
        silence = phonemes[index].start_sample - phonemes[index - 1].end_sample
        return silence / MASTER_RATE_HZ - 0.01 * abs(index - middle)

    return phonemes[max(near, key=merit, default=min(middle, len(phonemes) - 1))].start_sample


def _on_frame(seconds: Fraction, frame_rate: Fraction) -> Fraction:
    return round(seconds * frame_rate) / frame_rate


def to_srt(cues: Iterable[Cue]) -> str:
    """SubRip text."""
    return "\n".join(
        f"{number}\n{timecode(cue.span.start, decimal=',')} --> {timecode(cue.span.end, decimal=',')}\n{_whole(cue)}\n"
        for number, cue in enumerate(cues, start=1)
    )


def to_vtt(cues: Iterable[Cue]) -> str:
    """WebVTT text, escaped."""
    blocks = [f"{timecode(cue.span.start)} --> {timecode(cue.span.end)}\n{_escaped(_whole(cue))}\n" for cue in cues]
    return "\n".join(["WEBVTT\n", *blocks])


def to_csv(cues: Iterable[Cue]) -> str:
    """Columns id, start, end, speaker, text; times as HH:MM:SS.mmm."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(["id", "start", "end", "speaker", "text"])
    for cue in cues:
        table.writerow([cue.id, timecode(cue.span.start), timecode(cue.span.end), cue.speaker, cue.text])
    return out.getvalue()


def to_json(cues: Iterable[Cue]) -> str:
    """A list of objects with the fields of the CSV."""
    rows = [
        {
            "id": cue.id,
            "start": timecode(cue.span.start),
            "end": timecode(cue.span.end),
            "speaker": cue.speaker,
            "text": cue.text,
        }
        for cue in cues
    ]
    return json.dumps(rows, ensure_ascii=False, indent=1)


def _whole(cue: Cue) -> str:
    """The cue's text without what would end it early: blank lines, and an arrow like that of a timing line."""
    lines = [line.strip() for line in cue.text.splitlines() if line.strip()]
    return "\n".join(lines).replace("-->", "→")


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
