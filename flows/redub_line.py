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
from dub.lips import LipSync
from dub.location import S3Url
from dub.plan import Job
from dub.script import DubScript, Take
from dub.stage import Worked, work_noted
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
from tasks.policy import Observer, observed_by, present_observer

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
    """What saying a line anew took. `takes`: the utterances that were spoken again; `frames_share`: 0..1 of the
    locale's frames were rendered again; `seconds`: from start to report."""

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
    started, count = time.monotonic(), _StageCount(present_observer())
    with observed_by(count), work_noted() as worked:
        report = story(job)
    return Redub(
        title=title,
        locale=wanted.locale,
        line=wanted.line,
        n_stages_run=count.n_run,
        n_stages_from_memo=count.n_cached,
        takes=_takes_in(worked),
        frames_share=_share_of_frames(worked, wanted.locale),
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


def _takes_in(worked: Sequence[Worked]) -> tuple[str, ...]:
    """Utterances of which something was synthesised, phrase or whole, in their order."""
    return tuple(sorted({work.result.utterance_id for work in worked if isinstance(work.result, Take)}))


def _share_of_frames(worked: Sequence[Worked], locale: Locale) -> float:
    """Of the locale's picture, what lip-sync made anew: all of it or nothing, as long as the stage is one piece."""
    return float(any(isinstance(work.result, LipSync) and work.result.locale == locale for work in worked))


class _StageCount:
    """Observer that counts stages, and tells whoever was watching before it."""

    def __init__(self, watching: Observer | None) -> None:
        self._watching = watching
        self.n_run = 0
        self.n_cached = 0

    def started(self, label: str) -> None:
        if self._watching is not None:
            self._watching.started(label)

    def progressed(self, label: str, done: int, total: int) -> None:
        if self._watching is not None:
            self._watching.progressed(label, done, total)

    def finished(self, label: str, is_cached: bool, seconds: float) -> None:
        if is_cached:
            self.n_cached += 1
        else:
            self.n_run += 1
        if self._watching is not None:
            self._watching.finished(label, is_cached, seconds)

    def failed(self, label: str, error: BaseException) -> None:
        if self._watching is not None:
            self._watching.failed(label, error)
