"""Approval before speech: a language whose lines people have not all approved ends after its translation.

Nothing waits meanwhile: the run ends, people work on the published table, and the next run of the same job goes on from
the memo (docs/review-by-people.md).
"""

from __future__ import annotations

from collections.abc import Sequence

from dub.check_translation import check_translation
from dub.corrections import approvals
from dub.dubbed_locale import DubbedLocale
from dub.finding import Finding, Level, Review
from dub.gates import Gates
from dub.script import DubScript, Translation
from dub.table_csv import to_table_csv
from dub.translation_table import table_of
from flows.preflight import Prepared
from flows.publish import publish_text
from tasks.policy import Work


def stopped_for_approval(
    prepared: Prepared, script: Work[DubScript], translation: Work[Translation]
) -> DubbedLocale | None:
    """The end of a language that may not be spoken yet; None where it may, and where its translation failed: what
    comes after says why."""
    if not prepared.job.approval:
        return None
    try:
        said, lines = script.result(), translation.result()
    except Exception:
        return None
    approved = approvals(said, lines, prepared.corrections.of(lines.locale))
    n_open = sum(utterance.id not in approved for utterance in said.utterances)
    if n_open == 0:
        return None
    return DubbedLocale(locale=lines.locale, review=_review(said, lines, n_open, prepared.title), translation=lines)


def publish_table(prepared: Prepared, script: DubScript, finished: Sequence[DubbedLocale]) -> None:
    """What people are to approve, where a language waits for them: the whole title as one table."""
    if not any(dub.review.awaits_approval for dub in finished):
        return
    table = table_of(script, [dub.translation for dub in finished if dub.translation], prepared.corrections)
    publish_text(to_table_csv(table), prepared.job.out / f"{prepared.title}.translations.csv")


def _review(script: DubScript, translation: Translation, n_open: int, title: str) -> Review:
    """What can be said of words that nobody has spoken: how many are to be approved, and what is odd about them."""
    waits = Finding(
        level=Level.DEGRADED,
        check="approval",
        message=f"{n_open} of {len(script.utterances)} lines are not approved as they stand. Correct and approve them "
        f"in a copy of {title}.translations.csv or {title}.{translation.locale}.xlf, import it, and run the job again.",
        value=float(n_open),
        limit=0.0,
    )
    findings = (waits, *check_translation(script, translation, Gates()))
    return Review(locale=translation.locale, findings=findings, awaits_approval=True)
