"""The review's ears: what a recogniser hears in the finished dialogue, and in which language its text reads."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from dub import progress
from dub.artifact import Artifact, Record
from dub.check_words import HeardLine, check_language, check_words, check_written_language, heard_lines
from dub.errors import LanguageNotSupported
from dub.finding import Finding, Level
from dub.gates import not_measured
from dub.measured import Measured
from dub.parts import moved_frames, parts_of
from dub.script import Timeline, Translation, Word
from dub.source import VideoFacts
from dub.stage import Desk, EngineChoice, stage
from dub.timecode import Span, sample_at
from dub.wav import WAV, open_wav, write_wav
from dub.word_error import ErrorRate
from engines import registry
from engines.asr.contract import Recogniser, Recognition
from lang.bcp47 import Locale
from lang.registry import name_of

BESIDE_S = 0.1
"""A part of the dialogue is not cut so near to a take."""


class HeardWords(Record):
    """What was heard in one piece of sound; times count from its start."""

    words: tuple[Word, ...]


@stage(version=1, n_cpu=1)
def hear_words(desk: Desk, sound: Artifact, locale: Locale, engine: EngineChoice) -> HeardWords:
    """Recognise a piece of a dub in the language it should be in. Raises LanguageNotSupported."""
    recogniser: Recogniser = registry.load("asr", engine.id, **engine.options)
    return HeardWords(words=_words(recogniser.recognise(desk.open_store().path(sound), locale)))


def listen_back(
    found: Measured, desk: Desk, timeline: Timeline, facts: VideoFacts, choice: EngineChoice
) -> tuple[HeardLine, ...]:
    """Find the language of the finished dialogue without being told it, then recognise it in the target's: a long one
    in parts cut where nobody speaks, each remembered, so that after a changed line only its part is heard again.

    Returns what was heard of each line, () where the recogniser cannot do the language, which is a finding.
    """
    target = timeline.locale
    recogniser: Recogniser = registry.load("asr", choice.id, **choice.options)
    speech = desk.open_store().path(timeline.dialogue)
    language_heard = recogniser.find_language(speech)
    if language_heard is None and timeline.placed:
        message = "No speech was heard in the dub at all. Listen to it; dub it again."
        found.findings.append(Finding(level=Level.FAILED, check="language_heard", message=message))
    if language_heard is not None:
        locale, probability = language_heard
        found.metrics |= {"language_heard": str(locale), "language_probability": probability}
    try:
        heard = _heard_in_parts(desk, timeline, facts, choice)
    except LanguageNotSupported:
        why = f"{choice.id} does not know {name_of(target)}. A speaker of it must listen to the whole dub"
        found.findings += [not_measured(check, why, matters=True) for check in ("word_error", "language_heard")]
        return ()
    lines = heard_lines(timeline, heard)
    is_trusted = is_measured_in(target, choice)
    found.findings += check_words(lines, choice.id, found.gates, is_trusted=is_trusted)
    rate = sum((line.words for line in lines), ErrorRate(0, 0)).rate
    found.metrics["word_error"] = rate
    found.metrics["character_error"] = sum((line.characters for line in lines), ErrorRate(0, 0)).rate
    if language_heard is not None:
        found.findings.append(check_language(target, *language_heard, rate, found.gates, is_trusted=is_trusted))
    return lines


def _heard_in_parts(desk: Desk, timeline: Timeline, facts: VideoFacts, choice: EngineChoice) -> list[Word]:
    """Every word of the dialogue, on the title's clock."""
    sounds = [(take.start_sample, take.end_sample) for take in timeline.placed]
    parts = [part for part in parts_of(facts, moved_frames(facts, sounds, BESIDE_S), ()) if len(part)]
    words = []
    for number, part in enumerate(parts):
        start = Fraction(part.start) / facts.frame_rate
        with progress.part(number / len(parts), (number + 1) / len(parts)):
            piece = timeline.dialogue if len(parts) == 1 else _piece(desk, timeline.dialogue, part, facts)
            for word in hear_words(desk, piece, timeline.locale, choice).words:
                span = Span(start=word.span.start + start, end=word.span.end + start)
                words.append(word.model_copy(update={"span": span}))
    return words


def _piece(desk: Desk, dialogue: Artifact, part: range, facts: VideoFacts) -> Artifact:
    """The sound of some frames, as an artifact of its own."""
    store = desk.open_store()
    sound, rate_hz = open_wav(store.path(dialogue))
    first, end = (sample_at(frame / facts.frame_rate) for frame in (part.start, part.stop))
    with store.scratch() as folder:
        write_wav(folder / "piece.wav", np.array(sound[:, first:end]), rate_hz)
        return store.put(folder / "piece.wav", WAV)


def is_measured_in(target: Locale, choice: EngineChoice) -> bool:
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
