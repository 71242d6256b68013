"""Translate: every utterance of a DubScript in one target locale, over the engines of a route."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dub import progress
from dub.artifact import Artifact
from dub.errors import BadInput, EngineFailed
from dub.script import DubScript, TranslatedLine, Translation
from dub.stage import Desk, EngineChoice, stage
from engines import registry
from engines.translation.contract import Translator
from lang import names
from lang.bcp47 import Locale
from lang.shorter import shorter_wordings

ENGLISH = "en"


@stage(version=1, n_cpu=1)
def translate(
    desk: Desk,
    script: DubScript,
    locale: Locale,
    routes: tuple[tuple[EngineChoice, ...], ...],
    language_id: EngineChoice | None = None,
    memory: Artifact | None = None,
    glossary: Artifact | None = None,
) -> Translation:
    """Put each utterance into `locale`, hop by hop, and keep its names.

    `routes`: ways in order of preference, each of engines whose options name their hop, as `find_routes` gives them; a
    line that one way fails at goes the next. `language_id` judges the answers, `memory` and `glossary` are the user's
    files. A way that starts in English takes the
    English lines of a script in another language; () gives those lines as they are. Raises BadInput for a target in
    the language that is spoken, EngineFailed naming the utterance that came back without words, or that has no
    English line.
    """
    if script.source_locale.language == locale.language:
        raise BadInput(
            f"the target {locale} is the language that is spoken ({script.source_locale})",
            mend=f"leave it out, or give what is to be said: --script {locale}=FILE",
        )
    route = routes[0]
    starts_in = route[0].options["source"] if route else ENGLISH
    given = _lines(script, Locale(starts_in))
    lines = given
    for number, choice in enumerate(route):
        translator: Translator = registry.load("translation", choice.id, **choice.options)
        source, target = Locale(choice.options["source"]), Locale(choice.options["target"])
        is_masked = bool(number) and registry.spec("translation", choice.id).capabilities.get("keeps_unknown_words")
        step = _keeping_names if is_masked else _plainly
        lines = step(translator, given, lines, source, target)
        _check(script, given, lines, choice)
        progress.report(number + 1, len(route))
    return Translation(
        locale=locale,
        route=tuple(f"{choice.id} {choice.options['source']}-{choice.options['target']}" for choice in route),
        lines=tuple(
            TranslatedLine(utterance_id=utterance.id, text=text, alternatives=shorter_wordings(text, locale))
            for utterance, text in zip(script.utterances, lines, strict=True)
        ),
    )


def _lines(script: DubScript, starts_in: Locale) -> list[str]:
    if script.source_locale.language == starts_in.language:
        return [utterance.text for utterance in script.utterances]
    if starts_in.language != ENGLISH:
        raise BadInput(
            f"the route starts in {starts_in}, the script is in {script.source_locale}",
            mend=f"say which language is spoken: --from {script.source_locale}",
        )
    for utterance in script.utterances:
        if not script.pivot.get(utterance.id):
            raise EngineFailed(
                f"there is no English for {utterance.text!r}, and the way to the target leads through English",
                mend="give the lines yourself: --script LOCALE=FILE",
                utterance_id=utterance.id,
            )
    return [script.pivot[utterance.id] for utterance in script.utterances]


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


def _check(script: DubScript, given: Sequence[str], lines: Sequence[str], choice: EngineChoice) -> None:
    if len(lines) != len(given):
        raise EngineFailed(f"{choice.id} gave {len(lines)} lines for {len(given)}")
    for utterance, line in zip(script.utterances, lines, strict=True):
        if not re.search(r"\w", line) and re.search(r"\w", utterance.text):
            raise EngineFailed(f"{choice.id} gave no words for {utterance.text!r}", utterance_id=utterance.id)
