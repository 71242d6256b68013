"""One way of a translation: lines sent over its hops, names kept, a line that an engine fails at told from the rest."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dub import progress
from dub.errors import BadInput, EngineFailed
from dub.script import DubScript, Utterance
from dub.stage import EngineChoice
from engines import registry
from engines.translation.contract import Translator
from lang import names
from lang.bcp47 import Locale

Way = tuple[EngineChoice, ...]
ENGLISH = "en"


@dataclass(frozen=True)
class Answer:
    """What a way made of one line. `failure`: why an engine gave nothing, "" where it did."""

    text: str
    failure: str = ""


def engines_of(way: Way) -> str:
    """`bergamot and apertium`, to be named to a human."""
    return " and ".join(dict.fromkeys(hop.id for hop in way)) or "the English of the recogniser"


def hops_of(way: Way) -> tuple[str, ...]:
    """`bergamot en-pt-BR`, as Translation.route lists them."""
    return tuple(f"{hop.id} {hop.options['source']}-{hop.options['target']}" for hop in way)


def is_toy(way: Way) -> bool:
    return any(registry.spec("translation", hop.id).is_toy for hop in way)


def start_of(way: Way, script: DubScript) -> Locale:
    """The language that a way's lines are taken in. Raises BadInput for a way from neither the script's language nor
    English."""
    starts_in = Locale(way[0].options["source"] if way else ENGLISH)
    if starts_in.language not in (script.source_locale.language, ENGLISH):
        raise BadInput(
            f"the route starts in {starts_in}, the script is in {script.source_locale}",
            mend=f"say which language is spoken: --from {script.source_locale}",
        )
    return starts_in


def line_in(locale: Locale, script: DubScript, utterance: Utterance) -> str | None:
    """An utterance in its own language or in English; None where it has no English."""
    if script.source_locale.language == locale.language:
        return utterance.text
    return script.pivot.get(utterance.id) or None


def keeps_words(way: Way) -> bool:
    """Whether every engine of a way leaves a word alone that it does not know, so that a term can be hidden from it."""
    return bool(way) and all(
        registry.spec("translation", hop.id).capabilities.get("keeps_unknown_words") for hop in way
    )


def along(way: Way, given: Sequence[str], hidden: Sequence[tuple[str, ...]] = ()) -> list[Answer]:
    """The lines at the end of the way, in order. A line that a hop fails at goes no further. `hidden`: words of each
    line, of the target language already, that a way which `keeps_words` is to carry over as they are."""
    answers = [Answer(line) for line in given]
    for number, hop in enumerate(way):
        going = [index for index, answer in enumerate(answers) if not answer.failure]
        with progress.part(number / len(way), (number + 1) / len(way)):
            step = _step(hop, is_first=number == 0)
            jobs = [Job(given[i], answers[i].text, hidden[i] if hidden else ()) for i in going]
            arrived = _one_by_one_if_need_be(step, jobs)
        for index, answer in zip(going, arrived, strict=True):
            is_said = re.search(r"\w", answer.text) or (answer.text and not re.search(r"\w", given[index]))
            answers[index] = answer if answer.failure or is_said else Answer("", f"{hop.id} gave no words")
    return answers


@dataclass(frozen=True)
class Job:
    """One line before a hop: as given at the start of the way, as it is now, and the words to hide from the engine."""

    given: str
    line: str
    hidden: tuple[str, ...] = ()


Step = Callable[[Sequence[Job]], list[str]]


def _step(hop: EngineChoice, *, is_first: bool) -> Step:
    translator: Translator = registry.load("translation", hop.id, **hop.options)
    source, target = Locale(hop.options["source"]), Locale(hop.options["target"])
    keeps_words = registry.spec("translation", hop.id).capabilities.get("keeps_unknown_words")

    def ask(lines: Sequence[str]) -> list[str]:
        translated = translator.translate(lines, source, target)
        if len(translated) != len(lines):
            raise EngineFailed(f"{hop.id} gave {len(translated)} lines for {len(lines)}")
        return translated

    def step(jobs: Sequence[Job]) -> list[str]:
        if not keeps_words:
            return ask([job.line for job in jobs])
        if is_first:
            return _masked(ask, [job.line for job in jobs], [job.hidden for job in jobs])
        return _keeping_names(ask, jobs)

    return step


def _one_by_one_if_need_be(step: Step, jobs: Sequence[Job]) -> list[Answer]:
    """All lines at once; if the engine fails, line by line, so that only the lines it fails at are lost."""
    try:
        return [Answer(line) for line in step(jobs)]
    except EngineFailed as error:
        if len(jobs) == 1:
            return [Answer("", str(error).split("\n  mend:")[0])]
    return [_one_by_one_if_need_be(step, [job])[0] for job in jobs]


Ask = Callable[[Sequence[str]], list[str]]


def _keeping_names(ask: Ask, jobs: Sequence[Job]) -> list[str]:
    """A pair's dictionary knows "Mas" as a word ("but"). A name of several words that the line still has as it was
    given is hidden from it; a single word is hidden when the translation would lose it."""
    kept = [names.kept_verbatim(job.given, job.line) for job in jobs]
    hidden = [(*job.hidden, *(name for name in found if " " in name)) for job, found in zip(jobs, kept, strict=True)]
    translated = _masked(ask, [job.line for job in jobs], hidden)
    again = [
        index
        for index, line in enumerate(translated)
        if set(names.lost_names(jobs[index].given, line)) & set(kept[index]) - set(hidden[index])
    ]
    if again:
        all_hidden = [(*jobs[i].hidden, *kept[i]) for i in again]
        for index, line in zip(again, _masked(ask, [jobs[i].line for i in again], all_hidden), strict=True):
            translated[index] = line
    return translated


def _masked(ask: Ask, lines: Sequence[str], hidden: Sequence[tuple[str, ...]]) -> list[str]:
    """The answers with the hidden words as they were. A line of which the engine lost a mask is asked for in plain."""
    answers = ask([names.masked(line, found) for line, found in zip(lines, hidden, strict=True)])
    whole = [names.unmasked(answer, found) for answer, found in zip(answers, hidden, strict=True)]
    if broken := [index for index, answer in enumerate(whole) if answer is None]:
        for index, answer in zip(broken, ask([lines[i] for i in broken]), strict=True):
            whole[index] = answer
    return [answer or "" for answer in whole]
