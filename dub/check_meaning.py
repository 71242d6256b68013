"""Does the translation mean what the source says? Judged on its back-translation, by letters that both share."""

from __future__ import annotations

import statistics

from dub.back_translation import BackTranslation
from dub.finding import Finding
from dub.gates import Gates, not_measured
from dub.script import DubScript
from dub.word_error import comparable_words

LEAST_WORDS = 3
"""Of a line: `Good evening` may come back as `Hello` and mean the same."""


def likeness(said: str, came_back: str) -> float:
    """chrF (Popovic 2015, "chrF: character n-gram F-score for automatic MT evaluation"), 0..1, of plain words."""
    from sacrebleu import sentence_chrf

    return float(sentence_chrf(_plain(came_back), [_plain(said)]).score) / 100


def check_meaning(script: DubScript, back: BackTranslation | None, gates: Gates) -> tuple[Finding, ...]:
    """Of each line that came back, and the median of all."""
    if back is None:
        why = f"no engine of the plan translates it back into {script.source_locale}"
        return (not_measured("meaning_kept", why, matters=False),)
    is_spoken = back.locale.language == script.source_locale.language
    said = {line.id: line.text if is_spoken else script.pivot.get(line.id, "") for line in script.utterances}
    alike = {
        id_: likeness(text, back.lines[id_])
        for id_, text in said.items()
        if id_ in back.lines and len(comparable_words(text)) >= LEAST_WORDS
    }
    if not alike:
        return (not_measured("meaning_kept", "no line is long enough", matters=False),)
    median = statistics.median(alike.values())
    findings = [
        gates.finding(
            "meaning_kept",
            median,
            f"Put back by {back.by}, lines are like the source's by {median:.2f} (median of {len(alike)}).",
            todo="It may say something else: have it read by somebody who knows both languages.",
        )
    ]
    for id_, value in alike.items():
        line = gates.finding(
            "line_meaning_kept",
            value,
            f"Put back into {back.locale} it says: “{back.lines[id_]}”.",
            todo="That is not what the source says: compare, and correct the line.",
            utterance_id=id_,
        )
        if line.level != "ok":
            findings.append(line)
    return tuple(findings)


def _plain(text: str) -> str:
    return " ".join(comparable_words(text))
