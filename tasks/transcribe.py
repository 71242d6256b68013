"""Transcribe: the dialogue stem becomes a DubScript of timed utterances, with English beside other languages."""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import copy_context
from fractions import Fraction
from pathlib import Path

import numpy as np

from dub import media, progress
from dub.errors import NoSpeech
from dub.script import DubScript, Utterance, Word
from dub.source import Source, Stems
from dub.speech_activity import levels_db, speech_islands
from dub.stage import Desk, EngineChoice, stage
from dub.store import Store
from dub.timecode import Span, sample_at
from dub.turns import Turns
from dub.utterances import cut_utterances, settle_words
from dub.wav import BLOCK_SAMPLES, Samples
from engines import registry
from engines.asr.contract import Recogniser, Recognition, Segment
from lang.bcp47 import Locale
from lang.sentences import ends_sentence
from lang.text import join_words

ENGLISH = "en"
PIVOT_MARGIN_S = Fraction(1, 5)
"""Sound given to the translation pass around an utterance, at most: half the gap to its neighbour."""


@stage(version=4, n_cpu=2)
def transcribe(
    desk: Desk, source: Source, stems: Stems, turns: Turns, source_locale: Locale | None, engine: EngineChoice
) -> DubScript:
    """Hear who says what and when; for a language other than English also what it means in English.

    The recogniser finds the words, the stem's energy their times, `turns` who says them: no utterance is shared by two
    speakers. `source_locale` None: the language is found.
    An utterance that the recogniser cannot put into English has no `pivot` line. Raises NoSpeech.
    """
    store = desk.open_store()
    recogniser: Recogniser = registry.load("asr", engine.id, **engine.options)
    dialogue = store.path(stems.dialogue)
    samples, rate_hz = media.open_wav(dialogue)
    islands = speech_islands(levels_db(_blocks(samples), rate_hz))
    if not islands:
        raise _nothing_said(source)
    heard = recogniser.recognise(dialogue, source_locale)
    words = settle_words(_words(heard), islands)
    utterances = cut_utterances(words, join_words, ends_sentence, turns)
    if not utterances:
        raise _nothing_said(source)
    pivot = {}
    if heard.locale.language != ENGLISH and registry.spec("asr", engine.id).capabilities.get("into_english"):
        pivot = _into_english(store, recogniser, samples, rate_hz, utterances, heard.locale)
    return DubScript(
        source_locale=heard.locale,
        language_probability=heard.language_probability,
        duration=source.video.duration,
        utterances=utterances,
        pivot=pivot,
        recogniser=f"{engine.id} {engine.fingerprint}",
    )


def _nothing_said(source: Source) -> NoSpeech:
    return NoSpeech(
        f"nobody speaks in {source.title!r}",
        mend="give what is to be said as a timed script: --script LOCALE=FILE (.srt, .vtt, .csv or .json)",
    )


def _blocks(samples: Samples) -> Iterator[Samples]:
    for start in range(0, samples.shape[1], BLOCK_SAMPLES):
        yield np.asarray(samples[0, start : start + BLOCK_SAMPLES])


def _words(heard: Recognition) -> list[Word]:
    return [word for segment in heard.segments for word in _words_of(segment)]


def _words_of(segment: Segment) -> list[Word]:
    """A segment's words; where the engine gives no word times they share its time by their length."""
    if not segment.words:
        return _by_length(segment)
    return [
        Word(
            text=word.text,
            span=Span.of_seconds(word.start_s, max(word.start_s, word.end_s)),
            confidence=word.confidence,
        )
        for word in segment.words
    ]


def _by_length(segment: Segment) -> list[Word]:
    texts = [f" {text}" for text in segment.text.split()]
    n_chars = sum(map(len, texts))
    words, n_before = [], 0
    for text in texts:
        start_s, end_s = (
            segment.start_s + (segment.end_s - segment.start_s) * n / n_chars for n in (n_before, n_before + len(text))
        )
        words.append(Word(text=text, span=Span.of_seconds(start_s, end_s)))
        n_before += len(text)
    return words


def _into_english(
    store: Store,
    recogniser: Recogniser,
    samples: Samples,
    rate_hz: int,
    utterances: tuple[Utterance, ...],
    locale: Locale,
) -> dict[str, str]:
    """Each utterance translated from its own sound: nothing shifts between lines, and nothing is left out as it is
    when a recogniser translates a long stretch at once."""
    english: dict[str, str] = {}
    with store.scratch() as folder:
        for number, utterance in enumerate(utterances):
            before = utterances[number - 1].span.end if number else Fraction(0)
            after = utterances[number + 1].span.start if number + 1 < len(utterances) else None
            span = _with_margins(utterance.span, before, after)
            piece = folder / f"{number}.wav"
            media.write_wav(piece, samples[:1, sample_at(span.start, rate_hz) : sample_at(span.end, rate_hz)], rate_hz)
            if text := _english_line(recogniser, piece, locale):
                english[utterance.id] = text
            piece.unlink()
            progress.report(number + 1, len(utterances))
    return english


def _english_line(recogniser: Recogniser, piece: Path, locale: Locale) -> str:
    def quietly() -> Recognition:
        progress.listen(None)
        return recogniser.recognise(piece, locale, into_english=True)

    heard = copy_context().run(quietly)  # the stage counts utterances here, not seconds
    return " ".join(segment.text for segment in heard.segments).strip()


def _with_margins(span: Span, before: Fraction, after: Fraction | None) -> Span:
    start = max(Fraction(0), span.start - min(PIVOT_MARGIN_S, max(Fraction(0), span.start - before) / 2))
    gap = PIVOT_MARGIN_S if after is None else max(Fraction(0), after - span.end) / 2
    return Span(start=start, end=span.end + min(PIVOT_MARGIN_S, gap))
