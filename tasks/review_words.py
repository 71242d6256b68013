"""The review's ears: what a recogniser hears in the finished dialogue, and in which language its text reads."""

from __future__ import annotations

from dub.check_words import HeardLine, check_language, check_words, check_written_language, heard_lines
from dub.errors import LanguageNotSupported
from dub.finding import Finding, Level
from dub.gates import Gates, not_measured
from dub.measured import Measured
from dub.script import Timeline, Translation, Word
from dub.stage import EngineChoice
from dub.store import Store
from dub.timecode import Span
from dub.word_error import ErrorRate
from engines import registry
from engines.asr.contract import Recogniser, Recognition
from lang.bcp47 import Locale
from lang.registry import name_of

GATES = Gates()


def listen_back(found: Measured, store: Store, timeline: Timeline, choice: EngineChoice) -> tuple[HeardLine, ...]:
    """Find the language of the finished dialogue without being told it, then recognise it in the target's.

    Returns what was heard of each line, () where the recogniser cannot do the language, which is a finding.
    """
    target = timeline.locale
    recogniser: Recogniser = registry.load("asr", choice.id, **choice.options)
    speech = store.path(timeline.dialogue)
    language_heard = recogniser.find_language(speech)
    if language_heard is None and timeline.placed:
        message = "No speech was heard in the dub at all. Listen to it; dub it again."
        found.findings.append(Finding(level=Level.FAILED, check="language_heard", message=message))
    if language_heard is not None:
        locale, probability = language_heard
        found.metrics |= {"language_heard": str(locale), "language_probability": probability}
    try:
        heard = recogniser.recognise(speech, target)
    except LanguageNotSupported:
        why = f"{choice.id} does not know {name_of(target)}. A speaker of it must listen to the whole dub"
        found.findings += [not_measured(check, why, matters=True) for check in ("word_error", "language_heard")]
        return ()
    lines = heard_lines(timeline, _words(heard))
    is_trusted = _is_trusted(choice, target)
    found.findings += check_words(lines, choice.id, GATES, is_trusted=is_trusted)
    rate = sum((line.words for line in lines), ErrorRate(0, 0)).rate
    found.metrics["word_error"] = rate
    found.metrics["character_error"] = sum((line.characters for line in lines), ErrorRate(0, 0)).rate
    if language_heard is not None:
        found.findings.append(check_language(target, *language_heard, rate, GATES, is_trusted=is_trusted))
    return lines


def _is_trusted(choice: EngineChoice, target: Locale) -> bool:
    """Whether the recogniser was measured in this language; one that does not say where it was is trusted."""
    measured_in = registry.spec("asr", choice.id).capabilities.get("measured_in")
    return measured_in is None or Locale(target.language) in measured_in


def read_language(found: Measured, translation: Translation, choice: EngineChoice) -> None:
    """Does the translation read like the target language? Text alone: it also works where no recogniser does."""
    identifier = registry.load("language_id", choice.id, **choice.options)
    text = " ".join(line.text for line in translation.lines)
    read = identifier.identify(text)
    agrees = identifier.agrees(text, translation.locale)
    found.findings.append(check_written_language(translation.locale, read and read.locale, agrees, choice.id))


def _words(heard: Recognition) -> tuple[Word, ...]:
    """All words with times; a segment without word times counts as one long word."""
    words = []
    for segment in heard.segments:
        pieces = [(word.text, word.start_s, word.end_s) for word in segment.words]
        for text, start_s, end_s in pieces or [(segment.text, segment.start_s, segment.end_s)]:
            words.append(Word(text=text, span=Span.of_seconds(start_s, max(start_s, end_s))))
    return tuple(words)
