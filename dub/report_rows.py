"""What the report page and its tables show, worked out from records: labels, orders, rounded numbers. No HTML."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from dub.finding import AWAITING_APPROVAL, Finding, Level, Review
from dub.gates import DEFAULT_GATES, Gates
from dub.limit import Limit
from dub.word_error import AlignedWord, aligned, comparable_words

_LABELS = {
    "lines_translated": "Lines translated",
    "numbers_kept": "Numbers kept",
    "language_heard": "Language heard",
    "language_written": "Language of the text",
    "lines_spoken": "Lines spoken",
    "speaker_similarity": "Voice like the speaker's",
    "pipeline": "Production",
    "mended_lines": "Lines that another engine translated",
    "memory_match": "Lines from the translation memory",
    "memory_suggestion": "Suggestions of the translation memory",
    "glossary_terms": "Terms of the glossary",
    "given_line_length": "Length of given lines",
    "given_words": "Wording of given lines",
    "synthetic_portrait": "Synthetic portrait",
    "visible_disclosure": "Visible disclosure",
    "corrected_lines": "Lines that a person worded",
    "corrections_used": "Corrections used",
    "approval": "Approval",
    "subtitles_there": "Subtitles in the file",
    "consent": "Consent",
    "cast": "Cast",
    "speaker_uncertain": "Certainty of who says the line",
    "sound_to_lips": "How well lips were learned from the sound",
    "untold_sounds": "Sounds without known mouth positions",
}
_SOURCES = {
    "speaker_similarity": "the encoder's equal error rate: below it another speaker is as likely",
    "speaker_uncertain": "project limit: at 0.5 another speaker is as near",
    "sound_to_lips": "project limit: below it the lips do not follow the voice",
    "numbers_kept": "project limit: a number is a fact",
    "glossary_terms": "the glossary that was given",
    "memory_match": "the translation memory that was given: 1 is the same line",
    "memory_suggestion": "the translation memory that was given: 1 is the same line",
    "given_line_length": "project limit: a line so much longer or shorter may belong elsewhere",
}
"""Why, for limits that are not among the gates."""
_GOOD_WHEN_HIGH = frozenset(
    {"speaker_similarity", "speaker_uncertain", "sound_to_lips", "memory_match", "memory_suggestion"}
)
_WORST_FIRST = (Level.FAILED, Level.DEGRADED, Level.OK)
WORDS_OF_LEVEL = {Level.OK: "ok", Level.DEGRADED: "needs a look", Level.FAILED: "failed"}


@dataclass(frozen=True)
class KeyNumber:
    """One number of the overview: what it is, as text, and how it was judged (None: not judged or not measured)."""

    label: str
    text: str
    level: Level | None


@dataclass(frozen=True)
class FindingRow:
    """A finding as a table shows it. `source`: where its limit comes from; both `` for what is told, not judged."""

    level: Level
    label: str
    message: str
    value: str
    limit: str
    source: str
    utterance_id: str


@dataclass(frozen=True)
class SoundRow:
    """A measure of the sound: as text, what it is compared with, how it was judged (None: not at all), its limit."""

    label: str
    text: str
    beside: str
    level: Level | None
    limit: str


def label_of(check: str) -> str:
    """A check's name in a localization manager's words."""
    return DEFAULT_GATES[check].what if check in Gates.model_fields else _LABELS.get(check, check.replace("_", " "))


def worst_findings(review: Review, n: int = 3) -> tuple[Finding, ...]:
    """The findings to read first: failed before degraded, the whole dub before single lines; never an ok one."""
    bad = [finding for finding in review.findings if finding.level is not Level.OK]
    return tuple(sorted(bad, key=_rank)[:n])


def _rank(finding: Finding) -> tuple[int, bool]:
    return _WORST_FIRST.index(finding.level), bool(finding.utterance_id)


def finding_rows(findings: Iterable[Finding], gates: Gates = DEFAULT_GATES) -> tuple[FindingRow, ...]:
    """All findings, worst first. `gates`: those they were judged by."""
    return tuple(
        FindingRow(
            level=finding.level,
            label=label_of(finding.check),
            message=finding.message,
            value=number(finding.value, finding.unit),
            limit=_limit_text(finding, gates),
            source=_source_of(finding, gates),
            utterance_id=finding.utterance_id,
        )
        for finding in sorted(findings, key=_rank)
    )


def _limit_text(finding: Finding, gates: Gates) -> str:
    if finding.limit is None:
        return ""
    if finding.check in Gates.model_fields:
        is_high_good = gates[finding.check].better == "high"
    else:
        is_high_good = finding.check in _GOOD_WHEN_HIGH
    sign = "≥" if is_high_good else "≤"
    return f"{sign} {number(finding.limit, finding.unit)}"


def _source_of(finding: Finding, gates: Gates) -> str:
    if finding.check in Gates.model_fields:
        return gates[finding.check].source
    return _SOURCES.get(finding.check, "") if finding.limit is not None else ""


def key_numbers(review: Review) -> tuple[KeyNumber, ...]:
    """The overview's columns, always the same ones in the same order."""
    metrics, judged = review.metrics, _level_by_check(review)

    def of(label: str, metric: str, checks: tuple[str, ...], style: str) -> KeyNumber:
        value = metrics.get(metric)
        levels = [judged[check] for check in checks if check in judged]
        level = min(levels, key=_WORST_FIRST.index) if levels and value is not None else None
        return KeyNumber(label, _styled(value, style), level)

    return (
        of("Words misheard", "word_error", ("word_error",), "percent"),
        of("Lips closed on p b m", "closure_recall", ("closure_recall",), "percent"),
        of("Mouth moved", "rendered_share", ("rendered_share",), "percent"),
        of("Voice likeness", "speaker_similarity", ("speaker_similarity",), "plain"),
        of("Speech quality", "speech_quality", ("speech_quality",), "plain"),
        of("Loudness", "loudness_lufs", ("loudness_error", "true_peak"), "lufs"),
        of("Widest stretch", "widest_stretch", ("stretch_high", "stretch_low"), "times"),
        of("Longest overrun", "longest_overrun_s", ("overrun",), "seconds"),
    )


def sound_rows(review: Review, gates: Gates = DEFAULT_GATES) -> tuple[SoundRow, ...]:
    """Loudness, peaks and quality of the sound, each beside what it is compared with; what was not measured is left
    out."""
    metrics, judged = review.metrics, _level_by_check(review)

    def compared(words: str, metric: str, style: str) -> str:
        return f"{words} {_styled(metrics[metric], style)}" if metrics.get(metric) is not None else ""

    of = (
        ("Loudness", "loudness_lufs", "lufs", "loudness_error", compared("target", "target_lufs", "lufs")),
        ("True peak", "true_peak_db", "dbtp", "true_peak", compared("before encoding", "mix_true_peak_db", "dbtp")),
        ("Speech quality (1-5)", "speech_quality", "plain", "speech_quality",
         compared("source", "source_speech_quality", "plain")),
    )  # fmt: skip
    return tuple(
        SoundRow(label, _styled(metrics[metric], style), beside, judged.get(check), _ok_text(gates[check]))
        for label, metric, style, check, beside in of
        if metrics.get(metric) is not None
    )


def _ok_text(limit: Limit) -> str:
    sign = "≤" if limit.better == "low" else "≥"
    return f"{limit.what}: {sign} {number(limit.ok, limit.unit)}"


def bad_checks(review: Review) -> dict[str, Level]:
    """The worst level of each check that is not ok, in the order of the findings."""
    return {check: level for check, level in _level_by_check(review).items() if level is not Level.OK}


def _level_by_check(review: Review) -> dict[str, Level]:
    levels: dict[str, Level] = {}
    for finding in review.findings:
        before = levels.get(finding.check, Level.OK)
        levels[finding.check] = min(before, finding.level, key=_WORST_FIRST.index)
    return levels


def _styled(value: float | int | str | None, style: str) -> str:
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    return {
        "percent": f"{100 * value:.0f} %",
        "plain": f"{value:.2f}",
        "lufs": f"{value:.1f} LUFS",
        "dbtp": f"{value:.1f} dBTP",
        "times": f"{value:.2f}×",
        "seconds": f"{value:.2f} s",
    }[style]


def number(value: float | None, unit: str = "") -> str:
    """A measured value for people: at most three decimals, its unit after it; `` where there is none."""
    if value is None:
        return ""
    text = f"{value:.3f}".rstrip("0").rstrip(".")
    return f"{text} {unit}".rstrip()


def differences(expected: str, heard: str) -> tuple[AlignedWord, ...]:
    """What should be heard against what was, word by word, for marking in a table."""
    return aligned(comparable_words(expected), comparable_words(heard))


def coverage(review: Review) -> tuple[tuple[str, int, float], ...]:
    """(reason, frames, share) of the lip-sync, most frames first."""
    prefix = "frames, "
    counts = {
        name.removeprefix(prefix): int(value)
        for name, value in review.metrics.items()
        if name.startswith(prefix) and isinstance(value, int)
    }
    total = sum(counts.values()) or 1
    return tuple((reason, n, n / total) for reason, n in sorted(counts.items(), key=lambda item: -item[1]))


def tally(reviews: Iterable[Review]) -> str:
    """`4 languages: 1 ok, 2 need a look, 1 awaits approval`."""
    counts = Counter(review.ending for review in reviews)
    n_all = counts.total()
    words = {
        "ok": "ok",
        "degraded": "needs a look" if counts["degraded"] == 1 else "need a look",
        "failed": "failed",
        AWAITING_APPROVAL: "awaits approval" if counts[AWAITING_APPROVAL] == 1 else "await approval",
    }
    parts = [f"{counts[ending]} {text}" for ending, text in words.items() if counts[ending]]
    return f"{n_all} {'language' if n_all == 1 else 'languages'}: {', '.join(parts)}"
