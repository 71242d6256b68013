"""Read talk: a plain text, or a timed script, becomes the sentences that a portrait says."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import PurePath

from dub.artifact import Artifact
from dub.avatar import PARAGRAPH_PAUSE_S, SENTENCE_PAUSE_S, SPEAKER, Talk
from dub.cue_fields import decoded, is_speech
from dub.errors import BadInput
from dub.script import DubScript, TranslatedLine, Translation, Utterance
from dub.stage import Desk, EngineChoice, stage
from dub.timecode import Span
from dub.timed_script import parse
from engines import registry
from engines.language_id.contract import LanguageIdentifier
from lang.bcp47 import Locale
from lang.sentences import join_sentences, split_sentences
from lang.speech_rate import expected_seconds

PLAIN_KINDS = (".txt", ".text", ".md", "")
SURE = 0.6
"""A language that is found with less certainty than this must be named by the user."""
MOST_LINES = 9999


@stage(version=1)
def read_talk(desk: Desk, given: Artifact, file_name: str, locale: Locale | None, language_id: EngineChoice) -> Talk:
    """The sentences of a text in order, each one utterance of the portrait. Paragraphs are parted by blank lines; of a
    timed script every cue counts as one, and its times are not kept. `locale` None: the language is found. Raises
    BadInput, which names the file, for a text without words, and where its language is not plain."""
    content = desk.open_store().read_bytes(given)
    paragraphs = list(_paragraphs(content, file_name, locale))
    if not paragraphs:
        raise BadInput(f"{file_name} says nothing", mend="write what the portrait shall say")
    probability = 1.0
    if locale is None:
        locale, probability = _found(join_sentences(s for p in paragraphs for s in p), file_name, language_id)
    utterances: list[Utterance] = []
    starts = []
    at = Fraction(0)
    for paragraph in paragraphs:
        for k, sentence in enumerate(paragraph):
            at += (PARAGRAPH_PAUSE_S if k == 0 else SENTENCE_PAUSE_S) if utterances else 0
            lasts = Fraction(max(100, round(1000 * expected_seconds(sentence, locale))), 1000)
            number = len(utterances) + 1
            if number > MOST_LINES:
                raise BadInput(f"{file_name} has more than {MOST_LINES} sentences", mend="split it into several talks")
            if k == 0 and utterances:
                starts.append(f"u{number:04}")
            span = Span(start=at, end=at + lasts)
            utterances.append(Utterance(id=f"u{number:04}", speaker=SPEAKER, span=span, text=sentence))
            at += lasts
    script = DubScript(
        source_locale=locale,
        language_probability=probability,
        duration=at,
        utterances=tuple(utterances),
        recogniser="given",
    )
    return Talk(script=script, starts_paragraph=tuple(starts))


@stage(version=1)
def as_written(desk: Desk, talk: Talk, locale: Locale) -> Translation:
    """The talk's own lines, for a language that the user wrote it in."""
    lines = (TranslatedLine(utterance_id=line.id, text=line.text) for line in talk.script.utterances)
    return Translation(locale=locale, route=("given",), lines=tuple(lines))


def _paragraphs(content: bytes, file_name: str, locale: Locale | None) -> Iterator[list[str]]:
    """Sentences with words in them, paragraph by paragraph."""
    if PurePath(file_name).suffix.lower() in PLAIN_KINDS:
        texts = decoded(content, file_name).split("\n\n")
    else:
        texts = [cue.text for cue in parse(content, file_name, source=locale)]
    for text in texts:
        sentences = [sentence for sentence in split_sentences(" ".join(text.split())) if is_speech(sentence)]
        if sentences:
            yield sentences


def _found(text: str, file_name: str, choice: EngineChoice) -> tuple[Locale, float]:
    identifier: LanguageIdentifier = registry.load("language_id", choice.id, **choice.options)
    read = identifier.identify(text)
    if read is None or read.probability < SURE:
        said = f" ({read.locale}, {read.probability:.0%} sure)" if read else ""
        raise BadInput(f"the language of {file_name} is not plain{said}", mend="name it: --from LOCALE")
    return read.locale, read.probability
