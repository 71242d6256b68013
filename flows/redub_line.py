"""Say one line of a finished dub in other words: the same story with the same job, in which all else is remembered."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from dub.artifact import Record
from dub.corrections import CorrectedLine, Correction, one_line
from dub.errors import BadInput
from dub.lips import LipSync, RenderedPart
from dub.location import S3Url
from dub.plan import Job
from dub.script import DubScript, Takes, Translation
from dub.translation_table import in_present_words
from flows.outcome import RunReport
from flows.preflight import check
from flows.title_files import (
    find_translation,
    read_corrections,
    read_job,
    read_source_script,
    write_corrections,
)
from lang.bcp47 import Locale
from tasks.correct_translation import refused_wording
from tasks.policy import Ran, runs_noted

_LINE = re.compile(r"u?(\d{1,4})", re.IGNORECASE)


class Wanted(Record):
    """A line's new wording, checked: it may be written down and the job run. `is_news`: False where the line is spoken
    in these words already."""

    job: Job
    title: str
    locale: Locale
    line: str
    correction: Correction
    is_news: bool


class Redub(Record):
    """What saying a line anew took: stages that this process asked for, and the memo answered or not. `takes`: the
    utterances whose take is another one now; `frames_share`: 0..1 of the locale's frames that were rendered again;
    `seconds`: from start to report."""

    title: str
    locale: Locale
    line: str
    n_stages_run: int
    n_stages_from_memo: int
    takes: tuple[str, ...]
    frames_share: float
    seconds: float
    report: RunReport


def check_line(
    out: Path | S3Url, title: str, locale: Locale, line: str | int, text: str, approved_by: str = ""
) -> Wanted:
    """Look at what is asked, in seconds and before anything is written.

    `line`: its number in the script (17) or its id (u0017). `approved_by`: whoever approves the wording, "" for nobody.
    Raises BadInput for a title, locale or line that is not there, and for words that the translation guard refuses.
    """
    job = read_job(out, title)
    if locale not in job.targets:
        raise BadInput(f"{title} is not dubbed into {locale}", mend=f"its locales are {', '.join(job.targets)}")
    script, corrections = read_source_script(out, title), read_corrections(out, title)
    published = find_translation(out, title, locale)
    if published is None:
        raise BadInput(f"{title} has no translation into {locale} yet", mend="see its report for the reason")
    id_ = _line_of(script, line)
    source_text = next(one_line(utterance.text) for utterance in script.utterances if utterance.id == id_)
    if not one_line(text):
        raise BadInput("the new wording has no words", mend='give them: --text "..."')
    correction = Correction(
        text=text,
        source_text=source_text,
        approved_by=approved_by,
        approved_at=datetime.now(UTC).replace(microsecond=0) if approved_by else None,
    )
    spoken = {each.utterance_id: one_line(each.text) for each in published.lines}
    present = {each.utterance_id: each.text for each in in_present_words(script, published, corrections).lines}
    is_same = spoken.get(id_) == present.get(id_) == correction.text
    is_news = not is_same or bool(approved_by and not _is_approved(corrections.of(locale).get(id_), correction))
    if is_news:
        guard = check(job).engine("language_id")
        corrected = CorrectedLine(utterance_id=id_, text=correction.text, source_text=source_text)
        if why := refused_wording(script, published, corrected, guard):
            raise BadInput(f"{locale} {id_} may not be spoken like this: {why}", mend="give other words")
    return Wanted(job=job, title=title, locale=locale, line=id_, correction=correction, is_news=is_news)


def redub_line(wanted: Wanted, story: Callable[[Job], RunReport]) -> Redub:
    """Write the wording down and run the title's job: every other line and language comes from the memo, and the
    report stays whole. `story`: how a job is run (flows/dub_title.py, or that as a Prefect flow)."""
    job, title = wanted.job, wanted.title
    before = read_corrections(job.out, title)
    write_corrections(before.with_lines(wanted.locale, {wanted.line: wanted.correction}), job.out, title)
    spoken_before = find_translation(job.out, title, wanted.locale)
    started = time.monotonic()
    with runs_noted() as runs:
        report = story(job)
    return Redub(
        title=title,
        locale=wanted.locale,
        line=wanted.line,
        n_stages_run=sum(not run.outcome.is_cached for run in runs),
        n_stages_from_memo=sum(run.outcome.is_cached for run in runs),
        takes=_takes_anew(runs, wanted.locale, spoken_before),
        frames_share=_share_of_frames(runs, wanted.locale),
        seconds=time.monotonic() - started,
        report=report,
    )


def _line_of(script: DubScript, line: str | int) -> str:
    found = _LINE.fullmatch(str(line).strip())
    ids = [utterance.id for utterance in script.utterances]
    if found and (id_ := f"u{int(found[1]):04}") in ids:
        return id_
    raise BadInput(
        f"there is no line {line}", mend=f"the lines are {ids[0]} to {ids[-1]}" if ids else "nothing is said"
    )


def _is_approved(before: Correction | None, now: Correction) -> bool:
    return before is not None and before.is_approved and before.text == now.text


def _takes_anew(runs: Sequence[Ran], locale: Locale, before: Translation | None) -> tuple[str, ...]:
    """Utterances whose take is another than that of the translation as it was `before`, which the memo knows."""
    for run in runs:
        takes = run.outcome.result
        if isinstance(takes, Takes) and takes.locale == locale:
            arguments = (before if isinstance(each, Translation) else each for each in run.arguments)
            known = run.stage.remembered(*arguments) if before else None
            old = known.result.takes if known else ()
            return tuple(take.utterance_id for take in takes.takes if take not in old)
    return ()


def _share_of_frames(runs: Sequence[Ran], locale: Locale) -> float:
    """Of the locale's frames, those in parts that lip-sync had to render; the memo had the others."""
    results = [run.outcome.result for run in runs]
    n_frames = next((each.n_frames for each in results if isinstance(each, LipSync) and each.locale == locale), 0)
    rendered = (run.outcome.result for run in runs if not run.outcome.is_cached)
    n_rendered = sum(part.n_frames for part in rendered if isinstance(part, RenderedPart))
    return n_rendered / n_frames if n_frames else 0.0
