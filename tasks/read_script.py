"""Read script: a timed script that the user gives takes the place of recognition, or of translation."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from dub.artifact import Artifact
from dub.check_translation import withheld_finding
from dub.cue_fields import UNTIMED, decoded
from dub.errors import BadInput
from dub.match_cues import matched
from dub.script import DubScript, TranslatedLine, Translation, Utterance, WithheldLine
from dub.source import Source
from dub.stage import Desk, EngineChoice, stage
from dub.subtitles import Cue
from dub.timecode import Span, timecode
from dub.timed_script import parse
from dub.turns import Turns
from lang.bcp47 import Locale
from lang.shorter import shorter_wordings
from tasks.line_guard import LineGuard, is_left_to_its_author, odd_line

LATEST_END_S = Fraction(1, 2)
"""A script may run over the title's end by this much, as subtitles do; it is cut there."""

M = TypeVar("M", bound=BaseModel)


@stage(version=3)
def read_script(desk: Desk, given: Artifact, file_name: str, locale: Locale, source: Source, turns: Turns) -> DubScript:
    """The DubScript of a user's file in the source's language: one utterance per cue. A cue that names no speaker
    is said by whoever is heard during it (`turns`).

    Reads .srt, .vtt, .csv, .tsv, .json, .xlf, .xliff and polydub's own script JSON. Raises BadInput naming the file
    and the line.
    """
    content = desk.open_store().read_bytes(given)
    if own := _own(content, file_name, DubScript):
        if own.source_locale.language != locale.language:
            raise BadInput(
                f"{file_name} is in {own.source_locale}, not {locale}", mend=f"--script {own.source_locale}={file_name}"
            )
        cues = tuple(
            Cue(span=line.span, text=line.text, id=line.id, speaker=line.speaker, line=number)
            for number, line in enumerate(own.utterances, start=1)
        )
        return own.model_copy(
            update={"utterances": _utterances(cues, file_name, source, turns, own), "duration": source.video.duration}
        )
    cues = parse(content, file_name, source=locale)
    return DubScript(
        source_locale=locale,
        duration=source.video.duration,
        utterances=_utterances(cues, file_name, source, turns, None),
        recogniser="given",
    )


@stage(version=6)
def read_translation(
    desk: Desk,
    given: Artifact,
    file_name: str,
    locale: Locale,
    script: DubScript,
    language_id: EngineChoice | None = None,
) -> Translation:
    """The Translation of a user's file in a target language, matched to the script's utterances by id or by time.

    Cues of one utterance are joined; a cue over several utterances is shared out at its sentence and clause ends. A
    line that the translation guard refuses (nothing, another language or script by the eyes of `language_id`, a copy
    of the source, a loop) is withheld and becomes a finding; only its length is left to whoever wrote it. Raises
    BadInput that lists the lines which belong to no utterance and the utterances that have no line.
    """
    content = desk.open_store().read_bytes(given)
    if own := _own(content, file_name, Translation):
        cues = tuple(
            Cue(span=UNTIMED, text=line.text, id=line.utterance_id, line=number)
            for number, line in enumerate(own.lines, start=1)
        )
        cues += tuple(Cue(span=UNTIMED, text="", id=line.utterance_id) for line in own.withheld)
    else:
        cues = parse(content, file_name, target=locale)
    texts = matched(cues, script, file_name)
    return _guarded(texts, file_name, locale, script, LineGuard(language_id))


def _guarded(texts: Sequence[str], file_name: str, locale: Locale, script: DubScript, guard: LineGuard) -> Translation:
    faults = guard.faults([line.text for line in script.utterances], texts, script.source_locale, locale)
    lines, withheld, odd = [], [], []
    for utterance, text, fault in zip(script.utterances, texts, faults, strict=True):
        if fault and not is_left_to_its_author(fault):
            reason = f"in {file_name} {fault.message}"
            withheld.append(WithheldLine(utterance_id=utterance.id, text=text, reason=reason))
        elif text:
            wordings = shorter_wordings(text, locale)
            lines.append(TranslatedLine(utterance_id=utterance.id, text=text, alternatives=wordings))
        if fault and is_left_to_its_author(fault):
            odd.append(odd_line(utterance.id, f"In {file_name}", fault))
    return Translation(
        locale=locale,
        route=("given",),
        lines=tuple(lines),
        withheld=tuple(withheld),
        findings=(*map(withheld_finding, withheld), *odd),
    )


def _own(content: bytes, file_name: str, kind: type[M]) -> M | None:
    """One of our own records, if that is what the file is."""
    if not file_name.lower().endswith(".json"):
        return None
    try:
        table = json.loads(decoded(content, file_name))
        return kind.model_validate_json(content) if isinstance(table, dict) and "schema_version" in table else None
    except (json.JSONDecodeError, RecursionError):
        return None  # `parse` names the line
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise BadInput(
            f"{file_name}, field {where!r}: {first['msg']}", mend="correct it, or give a .srt file"
        ) from error


def _utterances(
    cues: Sequence[Cue], file_name: str, source: Source, turns: Turns, own: DubScript | None
) -> tuple[Utterance, ...]:
    duration = source.video.duration
    words = {line.id: line.words for line in own.utterances} if own else {}
    utterances = []
    for number, cue in enumerate(sorted(cues, key=lambda cue: cue.span.start), start=1):
        if cue.span.duration == 0:
            raise BadInput(
                f"{file_name}, line {cue.line}: a script in the source's language needs times", mend="add start and end"
            )
        if cue.span.end > duration + LATEST_END_S or cue.span.start >= duration:
            raise BadInput(
                f"{file_name}, line {cue.line}: it ends at {timecode(cue.span.end)}, the video at {timecode(duration)}",
                mend="give the script of this video",
            )
        utterances.append(
            Utterance(
                id=cue.id if own else f"u{number:04}",
                speaker=cue.speaker or turns.speaker_of(cue.span),
                span=Span(start=cue.span.start, end=min(cue.span.end, duration)),
                text=" ".join(cue.text.split()),
                words=words.get(cue.id, ()),
            )
        )
    return tuple(utterances)
