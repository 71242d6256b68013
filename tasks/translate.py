"""Translate: every utterance of a DubScript in one target locale; what may not be spoken is withheld."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from dub.check_translation import withheld_finding
from dub.errors import BadInput
from dub.finding import Finding, Level
from dub.glossary import Glossary, Term
from dub.plan import GivenFile
from dub.script import DubScript, TranslatedLine, Translation, Utterance, WithheldLine
from dub.stage import Desk, EngineChoice, stage
from dub.translation_guard import Fault
from dub.translation_memory import Match
from lang.bcp47 import Locale
from lang.registry import language
from lang.script_conversion import can_convert, converted
from lang.scripts import dominant_script, is_in_script
from lang.shorter import shorter_wordings
from tasks.line_guard import LineGuard
from tasks.translation_way import Answer, Way, along, engines_of, hops_of, is_toy, keeps_words, line_in, start_of
from tasks.wording_aids import MEMORY, WordingAids, lacks, memory_finding, term_finding


@dataclass(frozen=True)
class _Made:
    """A line that may be spoken: who made it, over which hops, and the glossary's terms that it lacks. `shorter`: other
    wordings that keep the terms it has."""

    text: str
    shorter: tuple[str, ...]
    by: str
    hops: tuple[str, ...]
    lacking: tuple[Term, ...] = ()


@dataclass
class _Work:
    """One utterance on its ways. `made`: the line that stands; `second_best`: the first that only lacked a term.
    `refused`: (who, why) of the answers before it; `last`: the last of them."""

    utterance: Utterance
    match: Match | None = None
    made: _Made | None = None
    second_best: _Made | None = None
    refused: list[tuple[str, str]] = field(default_factory=list)
    last: str = ""

    @property
    def reason(self) -> str:
        return "; ".join(f"{who}: {why}" for who, why in self.refused)


@stage(version=6, n_cpu=1)
def translate(
    desk: Desk,
    script: DubScript,
    locale: Locale,
    routes: tuple[tuple[EngineChoice, ...], ...],
    language_id: EngineChoice | None = None,
    memory: GivenFile | None = None,
    glossary: GivenFile | None = None,
) -> Translation:
    """Put each utterance into `locale`, hop by hop, and keep its names.

    `routes`: ways in order of preference, each of engines whose options name their hop, as `find_routes` gives them. A
    line that a way's engine fails at, that the translation guard refuses or that lacks a term of the `glossary` goes
    the next way. Where only a term was wrong the first such line stands, degraded; a line that no way can do is
    withheld: it is never spoken, and a failed finding says why. Lines that `memory` has are taken from it before any
    engine is asked. `language_id` judges the answers. A way that starts in English takes the English lines of a script
    in another language; () gives those lines as they are. Toy engines are believed. Raises BadInput for a target in
    the language that is spoken, and for a memory or glossary that cannot be read.
    """
    if script.source_locale.language == locale.language:
        raise BadInput(
            f"the target {locale} is the language that is spoken ({script.source_locale})",
            mend=f"leave it out, or give what is to be said: --script {locale}=FILE",
        )
    aids = WordingAids(desk, memory, glossary)
    journey = _Journey(script, locale, aids, LineGuard(language_id))
    works = [_Work(utterance) for utterance in script.utterances]
    journey.remember(works)
    for way in routes:
        if pending := [work for work in works if work.made is None]:
            journey.go(way, pending)
    for work in works:
        work.made = work.made or work.second_best
    return _translation(locale, works, aids, script, tried=[hops_of(way) for way in routes])


class _Journey:
    """Lines on their way into one locale."""

    def __init__(self, script: DubScript, locale: Locale, aids: WordingAids, guard: LineGuard) -> None:
        self._script, self._locale, self._aids, self._guard = script, locale, aids, guard

    def remember(self, works: Sequence[_Work]) -> None:
        """Take what the user's memory has."""
        source = self._script.source_locale
        known = self._aids.memory(source, self._locale)
        for work in works:
            work.match = known.lookup(work.utterance.text)
        usable = [(work, work.match) for work in works if work.match and work.match.is_usable]
        lines = [work.utterance.text for work, _ in usable]
        answers = [Answer(match.target) for _, match in usable]
        faults = self._faults(lines, answers, source)
        terms = self._aids.glossary(source, self._locale)
        for (work, _), line, answer, fault in zip(usable, lines, answers, faults, strict=True):
            self._judge(work, line, answer, fault, MEMORY, (MEMORY,), terms)

    def go(self, way: Way, works: Sequence[_Work]) -> None:
        """Send lines one way and note for each whether its answer stands."""
        starts_in = start_of(way, self._script)
        terms = self._aids.glossary(starts_in, self._locale)
        going: list[_Work] = []
        lines: list[str] = []
        for work in works:
            if (line := line_in(starts_in, self._script, work.utterance)) is None:
                work.refused.append((engines_of(way), f"there is no English for {work.utterance.text!r}"))
                continue
            going.append(work)
            lines.append(line)
        answers = along(way, lines)
        if keeps_words(way):
            _enforce(way, lines, answers, terms)
        if not is_toy(way):
            self._write_in_own_script(lines, answers, starts_in)
        faults = [None] * len(lines) if is_toy(way) else self._faults(lines, answers, starts_in)
        for work, line, answer, fault in zip(going, lines, answers, faults, strict=True):
            self._judge(work, line, answer, fault, engines_of(way), hops_of(way), terms)

    def _write_in_own_script(self, lines: Sequence[str], answers: list[Answer], source: Locale) -> None:
        """Answers in another script of the target language (Serbian in Cyrillic for `sr-Latn`) are put into the one
        asked for, if they are right in their own: a line left in English must not come out in Cyrillic letters."""
        script = language(self._locale).script
        if not can_convert(self._locale, script):
            return
        for index, (line, answer) in enumerate(zip(lines, answers, strict=True)):
            if answer.failure or is_in_script(answer.text, script):
                continue
            as_written = Locale(f"{self._locale.language}-{dominant_script(answer.text)}")
            if self._guard.faults([line], [answer.text], source, as_written) == [None]:
                answers[index] = Answer(converted(answer.text, self._locale, script))

    def _judge(
        self,
        work: _Work,
        line: str,
        answer: Answer,
        fault: Fault | None,
        by: str,
        hops: tuple[str, ...],
        terms: Glossary,
    ) -> None:
        work.last = answer.text or work.last
        if answer.failure or fault:
            work.refused.append((by, fault.message if fault else answer.failure))
            return
        lacking = terms.missing(line, answer.text)
        shorter = shorter_wordings(answer.text, self._locale)
        wordings = tuple(wording for wording in shorter if terms.missing(line, wording) == lacking)
        made = _Made(answer.text, wordings, by, hops, lacking)
        if lacking:
            work.refused.append((by, lacks(lacking)))
            work.second_best = work.second_best or made
        else:
            work.made = made

    def _faults(self, lines: Sequence[str], answers: Sequence[Answer], source: Locale) -> list[Fault | None]:
        faults: list[Fault | None] = [None] * len(lines)
        arrived = [index for index, answer in enumerate(answers) if not answer.failure]
        judged = self._guard.faults(
            [lines[i] for i in arrived], [answers[i].text for i in arrived], source, self._locale
        )
        for index, fault in zip(arrived, judged, strict=True):
            faults[index] = fault
        return faults


def _enforce(way: Way, lines: Sequence[str], answers: list[Answer], terms: Glossary) -> None:
    """Lines that came back without a term are asked for again, with the term in the target's words and hidden from
    the engines; an answer that has its terms takes the place of the one before."""
    lacking = [
        index for index, answer in enumerate(answers) if not answer.failure and terms.missing(lines[index], answer.text)
    ]
    given = [terms.with_targets(lines[index]) for index in lacking]
    again = along(way, [line for line, _ in given], [hidden for _, hidden in given])
    for index, answer in zip(lacking, again, strict=True):
        if not answer.failure and not terms.missing(lines[index], answer.text):
            answers[index] = answer


def _translation(
    locale: Locale, works: Sequence[_Work], aids: WordingAids, script: DubScript, *, tried: Sequence[tuple[str, ...]]
) -> Translation:
    done = [(work.utterance, work.made) for work in works if work.made]
    withheld = tuple(
        WithheldLine(utterance_id=work.utterance.id, text=work.last, reason=work.reason)
        for work in works
        if not work.made
    )
    order = ((MEMORY,), *tried)
    used = [hops for hops in order if any(made.hops == hops for _, made in done)] if done else tried
    return Translation(
        locale=locale,
        route=tuple(dict.fromkeys(hop for hops in used for hop in hops)),
        lines=tuple(
            TranslatedLine(utterance_id=utterance.id, text=made.text, alternatives=made.shorter)
            for utterance, made in done
        ),
        withheld=withheld,
        findings=(
            *map(withheld_finding, withheld),
            *aids.without_pair(script.source_locale, locale),
            *(finding for work in works for finding in _findings(work, aids)),
        ),
    )


def _findings(work: _Work, aids: WordingAids) -> list[Finding]:
    """What to know of one line that is spoken, and what the memory has for one that came from elsewhere."""
    findings = []
    id_, made, match = work.utterance.id, work.made, work.match
    is_remembered = made is not None and made.by == MEMORY
    if match and not match.is_exact:
        findings.append(memory_finding(id_, match, aids.memory_name, is_used=is_remembered))
    if made and made.lacking:
        findings.append(term_finding(id_, made.lacking, aids.glossary_name))
    elif made and work.refused:
        findings.append(
            Finding(
                level=Level.OK,
                check="mended_lines",
                message=f"Translated by {made.by}, because another answer was refused: {work.reason}.",
                utterance_id=id_,
            )
        )
    return findings
