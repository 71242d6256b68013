"""Given lines matched to what is said: by utterance id, or by time."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from dub.errors import BadInput
from dub.script import DubScript, Utterance
from dub.subtitles import Cue
from dub.timecode import Span, timecode
from lang.line_breaks import even_pieces

NEAR_S = Fraction(1, 2)
"""A cue this close to an utterance that it does not touch still belongs to it."""
_ENOUGH = Fraction(1, 2)
_MOST_NAMED = 8


def matched(cues: Sequence[Cue], script: DubScript, file_name: str) -> list[str]:
    """The text of every utterance, in the script's order; "" where only a cue without text stands for it.

    Cues of one utterance are joined; a cue over several utterances is shared out at its sentence and clause ends.
    Raises BadInput that lists the lines which belong to no utterance and the utterances that have no line.
    """
    if any(cue.span.duration == 0 for cue in cues) or _ids_agree(cues, script):
        return _by_id(cues, script, file_name)
    return _by_time(cues, script, file_name)


def _ids_agree(cues: Sequence[Cue], script: DubScript) -> bool:
    """Whether the cues bear the utterances' ids at the utterances' times: then ids tell lines apart that overlap."""
    spans = {utterance.id: utterance.span for utterance in script.utterances}
    return all(cue.id in spans and abs(cue.span.start - spans[cue.id].start) <= NEAR_S for cue in cues)


def _by_id(cues: Sequence[Cue], script: DubScript, file_name: str) -> list[str]:
    texts: dict[str, str] = {}
    for cue in cues:
        texts[cue.id] = f"{texts[cue.id]} {cue.text}" if cue.id in texts else cue.text
    known = {utterance.id for utterance in script.utterances}
    _refuse(
        file_name,
        [cue for cue in cues if cue.id not in known],
        [utterance for utterance in script.utterances if utterance.id not in texts],
    )
    return [" ".join(texts[utterance.id].split()) for utterance in script.utterances]


def _by_time(cues: Sequence[Cue], script: DubScript, file_name: str) -> list[str]:
    utterances = script.utterances
    parts: list[list[str]] = [[] for _ in utterances]
    strangers = []
    blank: set[int] = set()
    for cue in sorted(cues, key=lambda cue: cue.span.start):
        if not cue.text:
            blank |= {index for index, line in enumerate(utterances) if cue.span.overlap(line.span) > 0}
            continue
        covered = [
            index
            for index, utterance in enumerate(utterances)
            if cue.span.overlap(utterance.span) >= _ENOUGH * utterance.span.duration
        ]
        if len(covered) > 1:
            pieces = even_pieces(cue.text, len(covered))
            for index, piece in zip(covered, pieces, strict=False):
                parts[index].append(piece)
        elif (home := _home(cue.span, utterances)) is not None:
            parts[home].append(cue.text)
        else:
            strangers.append(cue)
    without = [index for index, texts in enumerate(parts) if not texts and index not in blank]
    _refuse(file_name, strangers, [utterances[index] for index in without])
    return [" ".join(" ".join(texts).split()) for texts in parts]


def _home(span: Span, utterances: Sequence[Utterance]) -> int | None:
    """The utterance that shares most time with a cue, or lies within 0.5 s of it."""
    best = max(range(len(utterances)), key=lambda index: span.overlap(utterances[index].span))
    if span.overlap(utterances[best].span) > 0:
        return best
    distance, nearest = min(
        (max(line.span.start - span.end, span.start - line.span.end), index) for index, line in enumerate(utterances)
    )
    return nearest if distance <= NEAR_S else None


def _refuse(file_name: str, strangers: Sequence[Cue], without: Sequence[Utterance]) -> None:
    """Raises BadInput naming every line and utterance that found no partner."""
    if not strangers and not without:
        return
    faults = [f"line {cue.line} ({_said(cue.text)}) belongs to no utterance" for cue in strangers]
    faults += [
        f"no line for {line.id} at {timecode(line.span.start)}-{timecode(line.span.end)} ({_said(line.text)})"
        for line in without
    ]
    more = f"; and {len(faults) - _MOST_NAMED} more" if len(faults) > _MOST_NAMED else ""
    raise BadInput(
        f"{file_name} does not fit the script: {'; '.join(faults[:_MOST_NAMED])}{more}",
        mend="match its times to what is said, or give the source's script too: --script SOURCE_LOCALE=FILE",
    )


def _said(text: str) -> str:
    words = " ".join(text.split())
    return f"“{words[:30]}…”" if len(words) > 30 else f"“{words}”"
