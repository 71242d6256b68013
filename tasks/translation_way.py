"""One way of a translation: lines sent over its hops, names kept, a line that an engine fails at told from the rest."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dub import progress
from dub.errors import EngineFailed
from dub.stage import EngineChoice
from engines import registry
from engines.translation.contract import Translator
from lang import names
from lang.bcp47 import Locale

Way = tuple[EngineChoice, ...]


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


def along(way: Way, given: Sequence[str]) -> list[Answer]:
    """The lines at the end of the way, in order. A line that a hop fails at goes no further."""
    answers = [Answer(line) for line in given]
    for number, hop in enumerate(way):
        going = [index for index, answer in enumerate(answers) if not answer.failure]
        with progress.part(number / len(way), (number + 1) / len(way)):
            step = _step(hop, is_first=number == 0)
            arrived = _one_by_one_if_need_be(step, [given[i] for i in going], [answers[i].text for i in going])
        for index, answer in zip(going, arrived, strict=True):
            is_said = re.search(r"\w", answer.text) or (answer.text and not re.search(r"\w", given[index]))
            answers[index] = answer if answer.failure or is_said else Answer("", f"{hop.id} gave no words")
    return answers


Step = Callable[[Sequence[str], Sequence[str]], list[str]]
"""(the lines as given at the start of the way, as they are now) to the lines after the hop."""


def _step(hop: EngineChoice, *, is_first: bool) -> Step:
    translator: Translator = registry.load("translation", hop.id, **hop.options)
    source, target = Locale(hop.options["source"]), Locale(hop.options["target"])
    keeps_names = not is_first and registry.spec("translation", hop.id).capabilities.get("keeps_unknown_words")

    def step(given: Sequence[str], lines: Sequence[str]) -> list[str]:
        work = _keeping_names if keeps_names else _plainly
        translated = work(translator, given, lines, source, target)
        if len(translated) != len(lines):
            raise EngineFailed(f"{hop.id} gave {len(translated)} lines for {len(lines)}")
        return translated

    return step


def _one_by_one_if_need_be(step: Step, given: Sequence[str], lines: Sequence[str]) -> list[Answer]:
    """All lines at once; if the engine fails, line by line, so that only the lines it fails at are lost."""
    try:
        return [Answer(line) for line in step(given, lines)]
    except EngineFailed as error:
        if len(lines) == 1:
            return [Answer("", str(error).split("\n  mend:")[0])]
    return [_one_by_one_if_need_be(step, [one], [line])[0] for one, line in zip(given, lines, strict=True)]


def _plainly(
    translator: Translator, given: Sequence[str], lines: Sequence[str], source: Locale, target: Locale
) -> list[str]:
    return translator.translate(lines, source, target)


def _keeping_names(
    translator: Translator, given: Sequence[str], lines: Sequence[str], source: Locale, target: Locale
) -> list[str]:
    """A pair's dictionary knows "Mas" as a word ("but"). A name of several words that the line still has as it was
    given is hidden from it; a single word is hidden when the translation would lose it."""
    kept = [names.kept_verbatim(before, line) for before, line in zip(given, lines, strict=True)]
    hidden = [tuple(name for name in found if " " in name) for found in kept]
    translated = _masked(translator, lines, hidden, source, target)
    again = [
        index
        for index, line in enumerate(translated)
        if set(names.lost_names(given[index], line)) & set(kept[index]) - set(hidden[index])
    ]
    if again:
        mended = _masked(translator, [lines[i] for i in again], [kept[i] for i in again], source, target)
        for index, line in zip(again, mended, strict=True):
            translated[index] = line
    return translated


def _masked(
    translator: Translator, lines: Sequence[str], hidden: Sequence[tuple[str, ...]], source: Locale, target: Locale
) -> list[str]:
    answers = translator.translate(
        [names.masked(line, found) for line, found in zip(lines, hidden, strict=True)], source, target
    )
    whole = [names.unmasked(answer, found) for answer, found in zip(answers, hidden, strict=True)]
    if broken := [index for index, answer in enumerate(whole) if answer is None]:
        for index, answer in zip(broken, translator.translate([lines[i] for i in broken], source, target), strict=True):
            whole[index] = answer
    return [answer or "" for answer in whole]
