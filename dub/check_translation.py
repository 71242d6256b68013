"""Checks of the wording: what a reader who knows both languages would see first. Pure text, no model."""

from __future__ import annotations

import re
import statistics
import unicodedata
from collections import Counter

from dub.finding import Finding, Level
from dub.gates import Gates
from dub.script import DubScript, Translation, WithheldLine
from dub.word_error import comparable_words

COPIED_SHARE = 0.8
"""Words of a line that stand in the source in the same order before it counts as left untranslated."""
MIN_WORDS_COPIED = 3
"""Shorter lines may be a name, a brand or `ok`."""
MIN_CHARACTERS_FOR_LENGTH = 12
MIN_LINES_FOR_LENGTH = 4
_NUMERAL = re.compile(r"\d+(?:[.,:٬٫\u00a0\u202f'’]\d+)*")


def check_translation(script: DubScript, translation: Translation, gates: Gates) -> tuple[Finding, ...]:
    """Lines withheld, missing, empty, left in the source's language, with other numbers, or of a suspicious length,
    and what the translation itself has found. A line that is withheld is judged no further."""
    target = {line.utterance_id: line.text for line in translation.lines}
    withheld = {line.utterance_id for line in translation.withheld}
    pairs = [
        (utterance.id, utterance.text, target.get(utterance.id, ""))
        for utterance in script.utterances
        if utterance.id not in withheld
    ]
    return (
        *translation.findings,
        *_withheld(translation),
        *_missing(pairs, all_are_there=not withheld),
        *_numbers(pairs),
        *_copied(pairs, script, translation, gates),
        *_lengths(pairs, gates),
    )


def numerals(text: str) -> Counter[str]:
    """Numbers written in figures, whatever the digits' script, without grouping or decimal marks."""
    western = "".join(str(unicodedata.digit(char)) if char.isdecimal() else char for char in text)
    return Counter(re.sub(r"\D", "", found) for found in _NUMERAL.findall(western))


def withheld_finding(line: WithheldLine) -> Finding:
    """A line that is not spoken, and why."""
    return Finding(
        level=Level.FAILED,
        check="lines_translated",
        message=f"Not spoken: {line.reason}. Write this line yourself and dub it again.",
        utterance_id=line.utterance_id,
    )


def _withheld(translation: Translation) -> list[Finding]:
    """Of every line that is withheld and that the translation's own findings do not already call failed."""
    told = {finding.utterance_id for finding in translation.findings if finding.level is Level.FAILED}
    return [withheld_finding(line) for line in translation.withheld if line.utterance_id not in told]


def _missing(pairs: list[tuple[str, str, str]], *, all_are_there: bool) -> list[Finding]:
    missing = [id_ for id_, source, target in pairs if comparable_words(source) and not comparable_words(target)]
    if not missing and not all_are_there:
        return []
    if not missing:
        return [_ok("lines_translated", f"All {len(pairs)} lines have a translation.", len(pairs))]
    return [
        Finding(
            level=Level.FAILED,
            check="lines_translated",
            message="This line has no translation, so nothing is said. Write one and dub the line again.",
            utterance_id=id_,
        )
        for id_ in missing
    ]


def _numbers(pairs: list[tuple[str, str, str]]) -> list[Finding]:
    n_numbers, findings = 0, []
    for id_, source, target in pairs:
        wanted, got = numerals(source), numerals(target)
        n_numbers += wanted.total()
        lost, new = wanted - got, got - wanted
        if not lost and not (new and wanted):
            continue
        parts = [f"{name} {', '.join(sorted(some))}" for name, some in (("lost", lost), ("new", new)) if some]
        findings.append(
            Finding(
                level=Level.DEGRADED,
                check="numbers_kept",
                message=f"Numbers differ from the source ({'; '.join(parts)}). Fine if spelled out; else correct it.",
                value=float((lost + new).total()),
                limit=0.0,
                utterance_id=id_,
            )
        )
    if findings:
        return findings
    return [_ok("numbers_kept", f"All {n_numbers} numbers of the source are in the translation.", n_numbers)]


def _copied(
    pairs: list[tuple[str, str, str]], script: DubScript, translation: Translation, gates: Gates
) -> list[Finding]:
    if script.source_locale.language == translation.locale.language:
        return []
    judged = [pair for pair in pairs if len(comparable_words(pair[1])) >= MIN_WORDS_COPIED]
    copied = [id_ for id_, source, target in judged if _share_copied(source, target) >= COPIED_SHARE]
    if not judged:
        return [_ok("copied_lines", "No line is long enough to tell whether it was translated.", None)]
    share = len(copied) / len(judged)
    overall = gates.finding(
        "copied_lines",
        share,
        f"{len(copied)} of {len(judged)} lines still read as in the source language.",
        todo="Translate them: give a script for this locale, or another translation engine.",
    )
    lines = [
        Finding(
            level=Level.DEGRADED,
            check="copied_lines",
            message="This line reads as in the source language. Translate it and dub it again.",
            utterance_id=id_,
        )
        for id_ in copied
    ]
    return [overall, *lines]


def _share_copied(source: str, target: str) -> float:
    """Share of the target's words that are the source's, by count."""
    words, own = Counter(comparable_words(source)), Counter(comparable_words(target))
    return (words & own).total() / own.total() if own else 0.0


def _lengths(pairs: list[tuple[str, str, str]], gates: Gates) -> list[Finding]:
    """Against the title's own median, so that a dense script (Chinese) or a wordy language is no fault."""
    lengths = {
        id_: sum(map(len, comparable_words(target))) / n_source
        for id_, source, target in pairs
        if (n_source := sum(map(len, comparable_words(source)))) >= MIN_CHARACTERS_FOR_LENGTH
        and comparable_words(target)
    }
    if len(lengths) < MIN_LINES_FOR_LENGTH:
        return []
    usual = statistics.median(lengths.values())
    findings = []
    for id_, length in lengths.items():
        ratio = length / usual
        check = "length_ratio_high" if ratio >= 1 else "length_ratio_low"
        word = "longer" if ratio >= 1 else "shorter"
        finding = gates.finding(
            check,
            ratio,
            f"The translation is {ratio:.1f}x as long as this title's lines usually are: much {word}.",
            todo="Check that nothing was added or left out.",
            utterance_id=id_,
        )
        if finding.level is not Level.OK:
            findings.append(finding)
    return findings or [
        _ok("length_ratio_high", "No line is suspiciously long or short.", max(lengths.values()) / usual)
    ]


def _ok(check: str, message: str, value: float | None) -> Finding:
    return Finding(level=Level.OK, check=check, message=message, value=value)
