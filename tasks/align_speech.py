"""Align speech: when each phoneme of a dub is said that a user brought as sound, with or without its text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dub import progress
from dub.errors import BadInput, EngineFailed, LanguageNotSupported, NoSpeech
from dub.finding import Finding, Level
from dub.given_dub import AlignedSpeech, Way
from dub.match_text import match_text
from dub.plan import GivenFile
from dub.script import PhonemeSpan, PlacedTake, Timeline, Word
from dub.source import Source, Stems
from dub.speech_activity import levels_db, speech_islands
from dub.stage import Desk, EngineChoice, stage
from dub.store import Store
from dub.timecode import MASTER_RATE_HZ, Span, sample_at
from dub.timed_script import parse
from dub.turns import ONLY_SPEAKER
from dub.utterances import cut_utterances, settle_words
from dub.wav import BLOCK_SAMPLES, WAV, Samples, open_wav, write_wav
from engines import registry
from engines.aligner.contract import Aligner
from engines.asr.contract import Recogniser, Recognition
from engines.tts.contract import TimedPhoneme
from lang.bcp47 import Locale
from lang.registry import name_of
from lang.sentences import ends_sentence
from lang.text import join_words

TIMED_KINDS = (".srt", ".vtt", ".csv", ".tsv", ".json", ".xlf", ".xliff")
LEAST_HEARD = 0.4
"""Share of a text's letters that must be heard as they are before its parts are told from one another by what was
heard. Other text in the same language shares about 0.3 by chance."""
LEAST_SAID = 0.75
"""A stretch for which the text has less than this share of what was heard there is one that the text does not have."""
MOST_AT_ONCE_S = 60.0
"""Longest sound over which a text is laid without any hold in what was heard."""
PAUSE_S = 0.5
LONGEST_LINE_S = 12.0
Floats = npt.NDArray[np.float32]
UNKNOWN = Locale("und")


@dataclass(frozen=True)
class Line:
    """One stretch of speech and what is said in it, "" where that is not known."""

    span: Span
    text: str
    way: Way


@stage(version=1, n_cpu=2)
def align_speech(
    desk: Desk,
    dubbed: Source,
    stems: Stems,
    text: GivenFile | None,
    locale: Locale | None,
    from_audio: bool,
    recogniser: EngineChoice,
    aligner: EngineChoice,
) -> AlignedSpeech:
    """Lines and their phonemes. `text`: what is said, plain or timed (by the kind of its name); without it the
    recogniser hears it; with `from_audio`, or where nothing is understood, lines have no phonemes and the lips follow
    the sound. `locale` None: the language is found. Every such step back is a finding.

    Raises NoSpeech where the dub is silent, BadInput for a timed text that is not of this sound and for a long text of
    which nothing is recognised.
    """
    store = desk.open_store()
    dialogue = store.path(stems.dialogue)
    sound, _ = open_wav(dialogue)
    islands = speech_islands(levels_db(_blocks(sound), MASTER_RATE_HZ))
    if not islands:
        raise NoSpeech(f"nobody speaks in the sound for {dubbed.title!r}", mend="give the dub's speech as --audio")
    findings: list[Finding] = []
    probability = 1.0
    if from_audio:
        lines = _untold(islands)
        findings.append(_degraded("from_sound", "As asked, the lips follow the sound alone.", _NO_CLOSURES))
    elif text is not None and text.name.lower().endswith(TIMED_KINDS):
        if locale is None:
            locale, probability = _language(recogniser, dialogue)
        lines = _timed(store.read_bytes(text.artifact), text.name, locale, islands)
    else:
        heard = _heard(recogniser, dialogue, locale, findings)
        locale, probability = locale or heard.locale, heard.language_probability
        lines = _recognised(heard, islands)
        if text is not None:
            if locale == UNKNOWN:
                raise BadInput("the dub's language was not found", mend="name it: --language LOCALE")
            lines = _as_given(store.read_bytes(text.artifact).decode("utf-8-sig"), lines, islands, findings)
        if not lines:
            lines = _untold(islands)
            findings.append(_degraded("from_sound", "No words were recognised in the dub.", _NO_CLOSURES))
        findings += _of_recognition(lines, recogniser, locale, probability)
    placed = _placed(store, sound, lines, locale or UNKNOWN, aligner, findings)
    return AlignedSpeech(
        timeline=Timeline(locale=locale or UNKNOWN, placed=placed, overruns=(), dialogue=stems.dialogue),
        way=_main_way(lines, placed),
        language_probability=probability,
        findings=tuple(findings),
    )


_NO_CLOSURES = "Vowels and loudness move them; whether they meet on p, b and m is left to chance. Give --text."


def _degraded(check: str, message: str, todo: str, utterance_id: str = "") -> Finding:
    return Finding(level=Level.DEGRADED, check=check, message=f"{message} {todo}".strip(), utterance_id=utterance_id)


def _blocks(sound: Samples) -> list[Floats]:
    return [sound[0, at : at + BLOCK_SAMPLES] for at in range(0, sound.shape[1], BLOCK_SAMPLES)]


def _untold(islands: Sequence[Span]) -> list[Line]:
    """Stretches of speech between pauses, of a bearable length."""
    spans: list[Span] = []
    for island in islands:
        before = spans[-1] if spans else None
        if before and island.start - before.end < PAUSE_S and island.end - before.start <= LONGEST_LINE_S:
            spans[-1] = Span(start=before.start, end=island.end)
        else:
            spans.append(island)
    return [Line(span, "", "sound alone") for span in spans]


def _language(choice: EngineChoice, dialogue: Path) -> tuple[Locale, float]:
    recogniser: Recogniser = registry.load("asr", choice.id, **choice.options)
    found = recogniser.find_language(dialogue)
    if found is None:
        raise BadInput("the dub's language was not found", mend="name it: --language LOCALE")
    return found


def _timed(content: bytes, name: str, locale: Locale, islands: Sequence[Span]) -> list[Line]:
    """A line per cue, on the speech that it covers."""
    lines: list[Line] = []
    for cue in sorted(parse(content, name, target=locale), key=lambda cue: cue.span.start):
        covered = [island for island in islands if island.overlap(cue.span) > 0]
        if not cue.span.duration or not covered:
            raise BadInput(
                f"{name}, line {cue.line}: no speech is heard at its time",
                mend="give the script of this sound, with times; or its plain text, without any",
            )
        start = max(cue.span.start, covered[0].start)
        end = min(cue.span.end, covered[-1].end)
        if lines and start < lines[-1].span.end:
            start = min(lines[-1].span.end, end)
        lines.append(Line(Span(start=start, end=end), " ".join(cue.text.split()), "timed text"))
    return lines


def _heard(choice: EngineChoice, dialogue: Path, locale: Locale | None, findings: list[Finding]) -> Recognition:
    """Nothing for a language that the recogniser does not know; that is said."""
    recogniser: Recogniser = registry.load("asr", choice.id, **choice.options)
    try:
        return recogniser.recognise(dialogue, locale)
    except LanguageNotSupported:
        message = f"{choice.id} does not recognise {name_of(locale) if locale else 'the language'}."
        findings.append(_degraded("recognition", message, ""))
        return Recognition(locale or UNKNOWN, 1.0, ())


def _recognised(heard: Recognition, islands: Sequence[Span]) -> list[Line]:
    words = [
        Word(
            text=word.text,
            span=Span.of_seconds(word.start_s, max(word.start_s, word.end_s)),
            confidence=word.confidence,
        )
        for segment in heard.segments
        for word in segment.words
    ]
    utterances = cut_utterances(settle_words(words, islands), join_words, ends_sentence)
    return [Line(utterance.span, utterance.text, "recognised text") for utterance in utterances]


def _as_given(text: str, heard: list[Line], islands: Sequence[Span], findings: list[Finding]) -> list[Line]:
    """The recognised lines with the words that were really said. Where hardly any was recognised the whole text is laid
    over the whole sound."""
    text = " ".join(text.split())
    if not text:
        raise BadInput("--text is empty", mend="give what the dub says, or leave it out")
    found = match_text(text, [line.text for line in heard]) if heard else None
    if found is None or found.share < LEAST_HEARD:
        span = Span(start=islands[0].start, end=islands[-1].end)
        if span.duration > MOST_AT_ONCE_S:
            raise BadInput(
                f"hardly anything of the text is recognised in {float(span.duration):.0f} s of sound",
                mend="give a timed script (.srt) as --text; or is it the text of another sound?",
            )
        message = "Hardly anything of the text was recognised in the dub: it is laid over all of its speech."
        findings.append(_degraded("text_heard", message, "Check that it is the text of this sound."))
        return [Line(span, text, "given text")]
    for part in found.left_out:
        findings.append(_degraded("text_heard", f"Not heard in the dub: “{part}”.", ""))
    lines = []
    for line, part in zip(heard, found.parts, strict=True):
        if len(part) >= LEAST_SAID * len(line.text):
            lines.append(replace(line, text=part, way="given text"))
        else:
            message = f"At {float(line.span.start):.1f} s the dub says what the text lacks: “{line.text}”."
            findings.append(_degraded("text_heard", message, "It is taken as it was recognised."))
            lines.append(line)
    return lines


def _of_recognition(
    lines: Sequence[Line], choice: EngineChoice, locale: Locale | None, probability: float
) -> list[Finding]:
    """Words that nobody gave are as good as the recogniser in this language."""
    measured = registry.spec("asr", choice.id).capabilities.get("measured_in")
    if not any(line.way == "recognised text" for line in lines) or measured is None or locale is None:
        return []
    if locale in measured or locale.language in measured:
        return []
    message = (
        f"The phonemes come from words that {choice.id} recognised in {name_of(locale)}, where it was never measured."
    )
    return [_degraded("recognition", message, "Give --text.")]


def _placed(
    store: Store,
    sound: Samples,
    lines: Sequence[Line],
    locale: Locale,
    choice: EngineChoice,
    findings: list[Finding],
) -> tuple[PlacedTake, ...]:
    aligner: Aligner = registry.load("aligner", choice.id, **choice.options)
    takes = []
    with store.scratch() as folder:
        for number, line in enumerate(lines, start=1):
            start, end = sample_at(line.span.start), min(sample_at(line.span.end), sound.shape[1])
            if end <= start:
                continue
            samples = np.array(sound[0, start:end], np.float32)
            name = f"d{number:04}"
            phonemes = _phonemes(aligner, samples, line, locale, name, findings) if line.text else ()
            write_wav(folder / "line.wav", samples[None], MASTER_RATE_HZ)
            takes.append(
                PlacedTake(
                    utterance_id=name,
                    speaker=ONLY_SPEAKER,
                    text=line.text,
                    slot=line.span,
                    audio=store.put(folder / "line.wav", WAV),
                    start_sample=start,
                    n_samples=end - start,
                    stretch_ratio=1.0,
                    speed=1.0,
                    phonemes=tuple(
                        PhonemeSpan(ipa=p.ipa, start_sample=start + p.start_sample, end_sample=start + p.end_sample)
                        for p in phonemes
                    ),
                )
            )
            progress.report(number, len(lines))
    return tuple(takes)


def _phonemes(
    aligner: Aligner, samples: Floats, line: Line, locale: Locale, name: str, findings: list[Finding]
) -> tuple[TimedPhoneme, ...]:
    """() for a line that cannot be read; that is said, and its lips follow the sound."""
    try:
        return aligner.align(samples, MASTER_RATE_HZ, line.text, locale)
    except (LanguageNotSupported, EngineFailed) as error:
        message = f"The phonemes of this line were not found: {str(error).splitlines()[0]}"
        findings.append(_degraded("from_sound", message, _NO_CLOSURES, name))
        return ()


def _main_way(lines: Sequence[Line], placed: Sequence[PlacedTake]) -> Way:
    told = [line.way for line, take in zip(lines, placed, strict=False) if take.phonemes]
    return max(told, key=told.count) if len(told) * 2 >= len(placed) else "sound alone"
