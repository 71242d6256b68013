"""Translate: every utterance of a DubScript in one target locale; what may not be spoken is withheld."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from dub.check_translation import withheld_finding
from dub.errors import BadInput
from dub.finding import Finding, Level
from dub.plan import GivenFile
from dub.script import DubScript, TranslatedLine, Translation, Utterance, WithheldLine
from dub.stage import Desk, EngineChoice, stage
from dub.translation_guard import Fault
from lang.bcp47 import Locale
from lang.shorter import shorter_wordings
from tasks.line_guard import LineGuard
from tasks.translation_way import Answer, Way, along, engines_of, hops_of, is_toy

ENGLISH = "en"


@dataclass
class _Work:
    """One utterance on its ways. `way`: the one whose answer stands. `refused`: (engines, why) of those before it."""

    utterance: Utterance
    text: str = ""
    way: Way | None = None
    refused: list[tuple[str, str]] = field(default_factory=list)

    @property
    def reason(self) -> str:
        return "; ".join(f"{engines}: {why}" for engines, why in self.refused)


@stage(version=2, n_cpu=1)
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
    line that a way's engine fails at, or that the translation guard refuses, goes the next way; a line that no way can
    do is withheld: it is never spoken, and a failed finding says why. `language_id` judges the answers, `memory` and
    `glossary` are the user's files. A way that starts in English takes the English lines of a script in another
    language; () gives those lines as they are. Toy engines are believed. Raises BadInput for a target in the language
    that is spoken.
    """
    if script.source_locale.language == locale.language:
        raise BadInput(
            f"the target {locale} is the language that is spoken ({script.source_locale})",
            mend=f"leave it out, or give what is to be said: --script {locale}=FILE",
        )
    guard = LineGuard(language_id)
    works = [_Work(utterance) for utterance in script.utterances]
    for way in routes:
        if pending := [work for work in works if work.way is None]:
            _go(way, pending, script, locale, guard)
    done = [work for work in works if work.way is not None]
    withheld = tuple(
        WithheldLine(utterance_id=work.utterance.id, text=work.text, reason=work.reason)
        for work in works
        if work.way is None
    )
    ways = [way for way in routes if not done or any(work.way == way for work in done)]
    return Translation(
        locale=locale,
        route=tuple(dict.fromkeys(hop for way in ways for hop in hops_of(way))),
        lines=tuple(
            TranslatedLine(
                utterance_id=work.utterance.id, text=work.text, alternatives=shorter_wordings(work.text, locale)
            )
            for work in done
        ),
        withheld=withheld,
        findings=(*map(withheld_finding, withheld), *(_mended(work, work.way) for work in done if work.refused)),
    )


def _go(way: Way, works: Sequence[_Work], script: DubScript, locale: Locale, guard: LineGuard) -> None:
    """Send lines one way and note for each whether its answer stands."""
    starts_in = _start_of(way, script)
    given = {work.utterance.id: _line_in(starts_in, script, work.utterance) for work in works}
    for work in works:
        if given[work.utterance.id] is None:
            work.refused.append((engines_of(way), f"there is no English for {work.utterance.text!r}"))
    going = [work for work in works if given[work.utterance.id] is not None]
    lines = [given[work.utterance.id] or "" for work in going]
    answers = along(way, lines)
    faults = [None] * len(going) if is_toy(way) else _faults(guard, lines, answers, starts_in, locale)
    for work, answer, fault in zip(going, answers, faults, strict=True):
        work.text = answer.text or work.text
        if answer.failure or fault:
            work.refused.append((engines_of(way), fault.message if fault else answer.failure))
        else:
            work.way = way


def _faults(
    guard: LineGuard, lines: Sequence[str], answers: Sequence[Answer], source: Locale, target: Locale
) -> list[Fault | None]:
    arrived = [index for index, answer in enumerate(answers) if not answer.failure]
    judged = guard.faults([lines[i] for i in arrived], [answers[i].text for i in arrived], source, target)
    faults: list[Fault | None] = [None] * len(lines)
    for index, fault in zip(arrived, judged, strict=True):
        faults[index] = fault
    return faults


def _start_of(way: Way, script: DubScript) -> Locale:
    """The language that a way's lines are taken in. Raises BadInput for a way from neither the script's language nor
    English."""
    starts_in = Locale(way[0].options["source"] if way else ENGLISH)
    if starts_in.language not in (script.source_locale.language, ENGLISH):
        raise BadInput(
            f"the route starts in {starts_in}, the script is in {script.source_locale}",
            mend=f"say which language is spoken: --from {script.source_locale}",
        )
    return starts_in


def _line_in(locale: Locale, script: DubScript, utterance: Utterance) -> str | None:
    """An utterance in its own language or in English; None where it has no English."""
    if script.source_locale.language == locale.language:
        return utterance.text
    return script.pivot.get(utterance.id) or None


def _mended(work: _Work, way: Way | None) -> Finding:
    """The line that stands passed the guard: a fact to know, no fault of the dub."""
    return Finding(
        level=Level.OK,
        check="mended_lines",
        message=f"Translated by {engines_of(way or ())}, because another answer was refused: {work.reason}.",
        utterance_id=work.utterance.id,
    )
