"""Speak every line of a translation in its speaker's voice, at a tempo that fits the time the speaker had."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction

from dub.artifact import Artifact
from dub.cast import Cast
from dub.errors import BadInput, DubError, LanguageNotSupported
from dub.isochrony import LEAST_PAUSE_S, NATURAL_SPEED_UP
from dub.progress import report
from dub.prosody import NOTHING_MEASURED, LineProsody, SourceProsody, tempo_bounds
from dub.script import DubScript, PhonemeSpan, Take, Takes, Translation, Utterance
from dub.stage import Desk, EngineChoice, stage
from dub.wav import WAV, write_wav
from engines import registry
from engines.aligner.contract import Aligner
from engines.tts.question_rise import rising
from lang.bcp47 import Locale
from lang.script_conversion import can_convert, converted
from lang.scripts import is_in_script
from lang.spoken import spoken_form
from tasks.phrases import joined, phrases_of

FASTEST, SLOWEST = 1.3, 0.85
"""Tempo asked of the engine: beyond these speech stops sounding natural, and time-stretching does the
rest."""

BRISK = 1.15
"""Tempo that costs nothing to the ear: the engine speaking faster keeps clearer than a stretch of what it said."""

TOO_LONG = 1.03
SLOT_FILL = 0.98
TOO_SHORT = 0.9
"""Speech shorter than this share of the source utterance is slowed towards it."""


@dataclass(frozen=True)
class Budget:
    """Seconds of speech that one line should take (as its source did) and may take (until the next line begins), the
    pauses inside it left out; and the tempo that is natural for it."""

    target_s: float
    limit_s: float
    slowest: float = SLOWEST
    brisk: float = BRISK

    @classmethod
    def of(cls, script: DubScript, index: int, source: LineProsody, take: Take) -> Budget:
        """For a wording with the pauses that `take` makes: it may make fewer than the source."""
        slot = script.slot(index).duration
        span = script.utterances[index].span.duration
        pauses = [pause.source.duration for pause in take.pauses]
        least = sum((min(pause, LEAST_PAUSE_S) for pause in pauses), Fraction(0))
        may_take = max(slot, min(span, Fraction(1, 2))) * Fraction(SLOT_FILL) - least
        slowest, fastest = tempo_bounds(source.tempo, Fraction(SLOWEST), NATURAL_SPEED_UP)
        return cls(
            float(max(span - sum(pauses, Fraction(0)), span / 4)),
            float(max(may_take, span / 4)),
            float(slowest),
            min(BRISK, float(fastest)),
        )

    def speed_for(self, natural_s: float) -> float:
        """The tempo for a line that takes `natural_s` at tempo 1, in steps of 0.01; within 0.85..1.3.

        Faster than `brisk` only where the line would not fit its slot, slower than `slowest` never; what is left of
        the way to the source line's own length is `fit`'s.
        """
        if natural_s > TOO_LONG * self.target_s:
            to_fit = round(natural_s / self.limit_s + 0.005, 2)
            return max(1.0, min(FASTEST, max(to_fit, round(min(self.brisk, natural_s / self.target_s), 2))))
        if natural_s < TOO_SHORT * self.target_s:
            return max(round(self.slowest, 2), round(natural_s / min(self.target_s, self.limit_s), 2))
        return 1.0


@stage(version=4, n_cpu=2)
def speak(
    desk: Desk,
    script: DubScript,
    translation: Translation,
    cast: Cast,
    engine: EngineChoice,
    aligner: EngineChoice | None = None,
    prosody: SourceProsody = NOTHING_MEASURED,
) -> Takes:
    """One take per line, in order; an utterance without a line (withheld) has no take. A line that is too long for its
    slot is said in a shorter wording if the translation has one, then faster; what still does not fit is for `fit` to
    solve. Lines are remembered one by one: after a change to one line, one line is spoken again. `aligner` finds the
    times of the phonemes where the voice does not tell them.

    `prosody`: how the source says its lines. Where it pauses inside one, the take pauses at the matching place of the
    translation, if it has one; each phrase is then a synthesis of its own, as loud against the others as the source's.

    Raises BadInput for a line that the script or the cast does not know, EngineFailed naming the utterance.
    """
    lines = {line.utterance_id: line for line in translation.lines}
    unknown = lines.keys() - {utterance.id for utterance in script.utterances}
    if unknown:
        raise BadInput(f"the {translation.locale} translation has lines the script lacks: {', '.join(sorted(unknown))}")
    spoken = [(i, utterance) for i, utterance in enumerate(script.utterances) if utterance.id in lines]
    finder = None if tells_phoneme_times(engine) else aligner

    def best_take(at: tuple[int, Utterance]) -> Take:
        index, utterance = at
        style = _style_of(cast, utterance.speaker, engine, utterance.id)
        line, source = lines[utterance.id], prosody.of(utterance.id)

        def say(text: str, speed: float) -> Take:
            phrases = phrases_of(text, source, translation.locale)
            said = [
                speak_line(
                    desk, utterance.id, phrase.text, translation.locale, style, speed, engine, finder, phrase.rises
                )
                for phrase in phrases
            ]
            return joined(desk.open_store(), text, phrases, said)

        def budget(take: Take) -> Budget:
            return Budget.of(script, index, source, take)

        return _best_take(say, budget, line.text, line.alternatives)

    takes = []
    with ThreadPoolExecutor(max_workers=desk.n_threads) as threads:
        for take in threads.map(best_take, spoken):
            takes.append(take)
            report(len(takes), len(spoken))
    return Takes(locale=translation.locale, voice_engine=engine.id, takes=tuple(takes))


@stage(version=4, n_cpu=2)
def speak_line(
    desk: Desk,
    utterance_id: str,
    text: str,
    locale: Locale,
    style: Artifact,
    speed: float,
    engine: EngineChoice,
    aligner: EngineChoice | None = None,
    rises: bool = False,
) -> Take:
    """One synthesis of the line, or of one phrase of it, as the voice reads it (`as_read`); the take's text is the
    line's own. `aligner`: given only where the voice does not tell when its phonemes are. `rises`: a question, whose
    end is raised where the voice lets it fall. Raises EngineFailed naming the utterance."""
    store = desk.open_store()
    synthesizer = registry.load("tts", engine.id, **engine.options)
    try:
        read, voice_locale = as_read(text, locale, engine)
        speech = synthesizer.speak(read, voice_locale, store.read_bytes(style), speed)
        phonemes = speech.phonemes
        if aligner is not None:
            finder: Aligner = registry.load("aligner", aligner.id, **aligner.options)
            phonemes = finder.align(speech.samples, speech.rate_hz, read, voice_locale)
    except DubError as error:
        if not error.utterance_id:
            message = str(error).removesuffix(f"\n  mend: {error.mend}")
            raise type(error)(message, mend=error.mend, utterance_id=utterance_id) from error
        raise
    if rises:
        speech = rising(speech)
    with store.scratch() as folder:
        write_wav(folder / "take.wav", speech.samples, speech.rate_hz)
        audio = store.put(folder / "take.wav", WAV)
    return Take(
        utterance_id=utterance_id,
        text=text,
        audio=audio,
        rate_hz=speech.rate_hz,
        n_samples=len(speech.samples),
        speed=speed,
        phonemes=tuple(PhonemeSpan(ipa=p.ipa, start_sample=p.start_sample, end_sample=p.end_sample) for p in phonemes),
    )


def tells_phoneme_times(engine: EngineChoice) -> bool:
    """Whether a voice engine says itself when each phoneme is."""
    return registry.spec("tts", engine.id).capabilities.get("phoneme_times") is True


def as_read(text: str, locale: Locale, engine: EngineChoice) -> tuple[str, Locale]:
    """A line as the voice is given it, and the voice's locale: numbers in words where the voice reads letters alone, in
    the script that the voice reads. Raises LanguageNotSupported for a line that cannot be written in it."""
    spec = registry.spec("tts", engine.id)
    if not spec.capabilities.get("reads_numbers", True):
        text = spoken_form(text, locale)
    voice_locale = spec.locale_for(locale) or locale
    script = spec.capabilities.get("scripts", {}).get(voice_locale, voice_locale.script)
    if script == locale.script or is_in_script(text, script):
        return text, voice_locale
    if not can_convert(locale, script):
        raise LanguageNotSupported(
            f"{engine.id} reads {locale} in the script {script}, into which {text!r} cannot be converted",
            mend="give the lines in that script, or choose another tts engine",
        )
    return converted(text, locale, script), voice_locale


def _best_take(
    say: Callable[[str, float], Take], budget: Callable[[Take], Budget], text: str, alternatives: tuple[str, ...]
) -> Take:
    """At most three syntheses: the wording at tempo 1, a shorter wording, then the wording that stays at its
    tempo."""
    take = say(text, 1.0)
    shorter = [wording for wording in alternatives if len(wording) < len(text)]
    if take.spoken_duration > budget(take).limit_s and shorter:
        wanted = len(text) * budget(take).limit_s / float(take.spoken_duration)
        fitting = [wording for wording in shorter if len(wording) <= wanted]
        candidate = say(max(fitting, key=len) if fitting else min(shorter, key=len), 1.0)
        take = min(take, candidate, key=lambda each: each.spoken_duration)
    speed = budget(take).speed_for(float(take.spoken_duration))
    return take if speed == 1.0 else say(take.text, speed)


def _style_of(cast: Cast, speaker: str, engine: EngineChoice, utterance_id: str) -> Artifact:
    try:
        voice = cast.voice_of(speaker)
    except KeyError:
        raise BadInput(
            f"speaker {speaker!r} has no voice in the cast",
            mend="enroll this script again",
            utterance_id=utterance_id,
        ) from None
    if voice.engine != engine.id:
        raise BadInput(f"the voice of {speaker!r} was made for {voice.engine}, not for {engine.id}")
    return voice.style
