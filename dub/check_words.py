"""Checks by listening back: is the dub understood, is it in the right language, is every line there."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from dub.check_timing import span_of
from dub.finding import Finding, Level
from dub.gates import Gates, not_measured
from dub.script import Timeline, Word
from dub.word_error import AlignedWord, ErrorRate, characters_wrong, comparable_words, per_line, words_wrong
from lang.bcp47 import Locale
from lang.registry import name_of

SURE = 0.5
"""Below this probability of a language another one is as likely."""


@dataclass(frozen=True)
class HeardLine:
    """One line as it should sound and as it was heard, word against word."""

    utterance_id: str
    heard: str
    alignment: tuple[AlignedWord, ...]

    @property
    def words(self) -> ErrorRate:
        return words_wrong(self.alignment)

    @property
    def characters(self) -> ErrorRate:
        return characters_wrong(self.alignment)


def heard_lines(timeline: Timeline, heard: Sequence[Word]) -> tuple[HeardLine, ...]:
    """What was heard of each placed line, in the timeline's order. `heard`: words with their times on the master
    clock, which may be off by some tenths of a second: the wording decides first, the time where wording cannot."""
    if not timeline.placed:
        return ()
    starts = [float(span_of(take).start) for take in timeline.placed]
    pieces: list[str] = []
    line_of_piece: list[int] = []
    for word in heard:
        middle = float(word.span.start + word.span.duration / 2)
        line = max(0, bisect_right(starts, middle) - 1)
        for piece in comparable_words(word.text):
            pieces.append(piece)
            line_of_piece.append(line)
    alignments = per_line([comparable_words(take.text) for take in timeline.placed], pieces, line_of_piece)
    return tuple(
        HeardLine(take.utterance_id, " ".join(step.heard for step in alignment if step.heard), alignment)
        for take, alignment in zip(timeline.placed, alignments, strict=True)
    )


def check_words(
    lines: Sequence[HeardLine], recogniser: str, gates: Gates, *, is_trusted: bool = True
) -> tuple[Finding, ...]:
    """Word error over the whole dub, and each line that was not understood.

    `is_trusted`: the recogniser was measured on real speech of this language. One that was not mishears good speech as
    well, so what it says asks for a human, and never fails a dub by itself.
    """
    total = sum((line.words for line in lines), ErrorRate(0, 0))
    if total.rate is None:
        return (
            Finding(
                level=Level.FAILED, check="word_error", message="Not measured: the dub has no words to listen for."
            ),
        )
    overall = _advisory_unless(
        is_trusted,
        gates,
        "word_error",
        total.rate,
        f"{_percent(total.rate)} of the words were misheard by {recogniser} "
        f"({total.n_errors} of {total.n_expected} in {len(lines)} lines).",
        todo="Compare what was said and what was heard in the lines below; correct the wording, or give another voice.",
    )
    findings = []
    for line in lines:
        rate = line.words.rate
        if rate is None:
            continue
        n_heard = sum(step.outcome in ("same", "changed", "number") for step in line.alignment)
        said = f"{_percent(min(rate, 1.0))} of this line's words were misheard."
        if not n_heard:
            said = "Nothing of this line was heard."
        findings.append(
            gates.finding(
                "line_word_error",
                rate,
                said,
                todo="Listen to it, then correct its wording and dub the line again.",
                utterance_id=line.utterance_id,
            )
        )
    return (overall, *(finding for finding in findings if finding.level is not Level.OK))


def _advisory_unless(is_trusted: bool, gates: Gates, check: str, value: float, message: str, *, todo: str) -> Finding:
    finding = gates.finding(check, value, message, todo=todo)
    if is_trusted or finding.level is Level.OK:
        return finding
    doubt = "The recogniser was never measured in this language: a speaker of it must say which of the two is at fault."
    return finding.model_copy(
        update={"level": Level.DEGRADED, "limit": gates[check].ok, "message": f"{message} {doubt}"}
    )


def check_language(
    target: Locale,
    heard: Locale,
    probability: float,
    word_error: float | None,
    gates: Gates,
    *,
    is_trusted: bool = True,
) -> Finding:
    """Is it the language that was asked for? Near languages are told apart by the words: a recogniser that takes
    Galician for Portuguese, but hears the Galician words, is no evidence against the dub. It fails only when the
    recogniser is sure and the words are wrong as well, and only where it can be trusted (see `check_words`)."""
    if heard.language == target.language:
        said = f"The dub sounds like {name_of(heard)} ({_percent(probability)} sure)."
        return Finding(level=Level.OK, check="language_heard", message=said, value=probability)
    if word_error is not None and gates.word_error.level(word_error) is Level.OK:
        said = f"At first the dub was taken for {name_of(heard)}, but its words are those of {name_of(target)}."
        return Finding(level=Level.OK, check="language_heard", message=said, value=probability)
    is_sure = (
        is_trusted
        and probability >= SURE
        and (word_error is None or gates.word_error.level(word_error) is Level.FAILED)
    )
    return Finding(
        level=Level.FAILED if is_sure else Level.DEGRADED,
        check="language_heard",
        message=f"The dub was taken for {name_of(heard)} ({_percent(probability)} sure), not for {name_of(target)}. "
        + ("Check the translation and the voice of this locale." if is_sure else "A speaker of it should listen."),
        value=probability,
    )


def check_written_language(target: Locale, read: Locale | None, agrees: bool | None, identifier: str) -> Finding:
    """Is the text in the target's language? `agrees` None: the identifier cannot tell (see language_id's contract)."""
    if agrees is None or read is None:
        return not_measured(
            "language_written", f"{identifier} cannot tell {name_of(target)} from its letters", matters=False
        )
    if agrees:
        return Finding(
            level=Level.OK, check="language_written", message=f"The translation reads like {name_of(target)}."
        )
    return Finding(
        level=Level.DEGRADED,
        check="language_written",
        message=f"The translation reads like {name_of(read)}, not like {name_of(target)}. "
        "Check it, or give a script for this locale.",
    )


def check_source_language(locale: Locale, probability: float, gates: Gates) -> Finding:
    """How sure the recogniser was of what is spoken in the source."""
    return gates.finding(
        "source_language",
        probability,
        f"The source was taken for {name_of(locale)} ({_percent(probability)} sure).",
        todo=f"If that is wrong, everything after it is: name the source's language, for example --from {locale}.",
    )


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
