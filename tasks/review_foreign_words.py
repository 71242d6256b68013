"""The ears of a foreign dub's review: its language, its words, and whether they say what the source says."""

from __future__ import annotations

from dub.check_content import check_content
from dub.check_heard import NEEDS_SOURCE, as_heard, check_language_alone, check_lines_heard
from dub.check_translation import check_translation
from dub.check_words import HeardLine, check_language, check_source_language
from dub.finding import Finding
from dub.foreign_dub import DubbedFrom, HeardDub
from dub.gates import not_measured
from dub.heard_dub import translation_of
from dub.measured import Measured
from dub.source import Stems, VideoFacts
from dub.stage import Desk, EngineChoice
from dub.timecode import Span
from engines import registry
from engines.asr.contract import Recogniser
from lang.bcp47 import Locale
from tasks.review_words import is_measured_in, listen_back, read_language

WORDS_UNKNOWN = "nobody said what the dub should say (--text, --script), so what was misheard is not known"


def hear_language_and_words(
    found: Measured,
    desk: Desk,
    stems: Stems,
    facts: VideoFacts,
    heard: HeardDub | None,
    asked: Locale | None,
    of: DubbedFrom | None,
    choice: EngineChoice,
) -> tuple[HeardLine, ...]:
    """Given words are listened for as a dub's own are; of others only the language can be told. `asked`: the language
    that the dub should be in. Returns what was heard of each given line."""
    if heard is not None and heard.are_given:
        return listen_back(found, desk, heard.said, facts, choice)
    recogniser: Recogniser = registry.load("asr", choice.id, **choice.options)
    language = recogniser.find_language(desk.open_store().path(stems.dialogue))
    if language is not None:
        found.metrics |= {"language_heard": str(language[0]), "language_probability": language[1]}
    if language is None or asked is None:
        spoken = None if of is None else of.script.source_locale
        found.findings.append(check_language_alone(language, spoken, found.gates))
    else:
        is_trusted = is_measured_in(asked, choice)
        found.findings.append(check_language(asked, *language, None, found.gates, is_trusted=is_trusted))
    sure = _confidence(heard)
    found.metrics["recogniser_confidence"] = sure
    beside = "" if sure is None else f"; the recogniser was {sure:.0%} sure of its own on average"
    found.findings.append(not_measured("word_error", f"{WORDS_UNKNOWN}{beside}", matters=True))
    return ()


def _confidence(heard: HeardDub | None) -> float | None:
    """The mean over all words that were heard, 0..1."""
    words = [word.confidence for line in heard.lines.utterances for word in line.words] if heard else []
    return round(sum(words) / len(words), 3) if words else None


def read_wording(
    found: Measured, heard: HeardDub | None, of: DubbedFrom | None, islands: tuple[Span, ...], choice: EngineChoice
) -> None:
    """The dub's words as a translation of the source's: every check of a translation's text, and of lines left out."""
    if of is None:
        found.findings += [not_measured(check, why, matters=True) for check, why in NEEDS_SOURCE.items()]
    else:
        found.findings += _beside_source(found, heard, of, islands)
    if heard is not None and heard.said.placed:
        before = len(found.findings)
        read_language(found, translation_of(heard.lines, heard.said, "heard"), choice)
        found.findings[before:] = _marked(heard, found.findings[before:])


def _beside_source(found: Measured, heard: HeardDub | None, of: DubbedFrom, islands: tuple[Span, ...]) -> list[Finding]:
    source, gates = of.script, found.gates
    if heard is None:
        nothing = source.model_copy(update={"utterances": ()})
        return check_lines_heard(source, nothing, islands, gates)
    translation = translation_of(source, heard.said, "given" if heard.are_given else "heard")
    there = {line.utterance_id for line in translation.lines}
    spoken = source.model_copy(update={"utterances": tuple(each for each in source.utterances if each.id in there)})
    texts = [*check_translation(spoken, translation, gates), *check_content(spoken, translation, gates)]
    return [
        check_source_language(source.source_locale, source.language_probability, gates),
        *check_lines_heard(source, heard.lines, islands, gates),
        *_marked(heard, [finding for finding in texts if finding.check != "lines_translated"]),
    ]


def _marked(heard: HeardDub, findings: list[Finding]) -> list[Finding]:
    return findings if heard.are_given else as_heard(findings)
