"""Checks of a dub made elsewhere: what can be said of its language, lines and voices from the finished file alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from dub.finding import Finding, Level
from dub.gates import Gates, not_measured
from dub.heard_dub import far_from, strays
from dub.score import METRICS, MouthScore
from dub.script import DubScript
from dub.timecode import Span, timecode
from lang.bcp47 import Locale
from lang.registry import name_of

UNKNOWABLE = {
    "stretch_high": "a finished file does not tell how its speech was stretched",
    "overrun": "only whoever placed the lines knows what time each was given",
    "piled_speech": "two voices at once cannot be told apart in a finished mix",
    "speech_rate": "only whoever spoke the lines knows at what tempo they were asked for",
}
"""Checks of a dub's parts, which a file does not have, and why. Nothing is the worse for it."""
NEEDS_SOURCE = {
    "lines_spoken": "whether every line was dubbed shows beside the source alone",
    "copied_lines": "what was left untranslated shows beside the source alone",
    "numbers_kept": "numbers are compared with the source's",
    "names_kept": "names are compared with the source's",
    "sentences_kept": "sentences are compared with the source's",
    "said_twice": "what was said twice in the source too shows beside it alone",
    "speaker_similarity": "whose voice it should be is told by the source alone",
    "rendered_share": "which mouths were moved shows beside the source alone",
}
"""Checks that hold a dub against what it was made from, and why they need it: somebody has to do it by ear and eye."""
SHARE_HEARD = Fraction(1, 4)
"""Of a source line's time: with less of it filled by speech, the dub is silent there."""


def as_heard(findings: Iterable[Finding]) -> list[Finding]:
    """Findings on a wording that a recogniser heard: what is bad may be its mistake, and says so."""
    return [
        finding
        if finding.level is Level.OK
        else finding.model_copy(update={"message": f"As heard, which may be misheard: {finding.message}"})
        for finding in findings
    ]


def check_language_alone(heard: tuple[Locale, float] | None, source: Locale | None, gates: Gates) -> Finding:
    """What is spoken, where nobody said what should be. `heard`: locale and probability, None where nobody speaks."""
    if heard is None:
        message = "No speech was heard in the dub at all. Listen to it."
        return Finding(level=Level.FAILED, check="language_heard", message=message)
    locale, probability = heard
    said = f"The dub sounds like {name_of(locale)} ({100 * probability:.0f} % sure)"
    level, more = gates.source_language.level(probability), "; --language says what it should be."
    if source is not None and locale.language == source.language:
        level, more = Level.FAILED, ", which is the source's language. Was it dubbed at all?"
    return Finding(level=level, check="language_heard", message=said + more, value=probability)


def check_lines_heard(source: DubScript, lines: DubScript, islands: Sequence[Span], gates: Gates) -> list[Finding]:
    """Source lines that the dub does not say, and speech where the source says nothing.

    `lines`: the dub's, laid over the source's; `islands`: when speech sounds in the dub. A line without words that has
    speech in its time may have been said at another moment or not been understood: that fails nothing by itself.
    """
    said = {line.id for line in lines.utterances}
    missing = [line for line in source.utterances if line.id not in said]
    findings = []
    for line in missing:
        n_heard = sum(island.overlap(line.span) for island in islands)
        is_silent = n_heard < SHARE_HEARD * line.span.duration
        findings.append(
            Finding(
                level=Level.FAILED if is_silent else Level.DEGRADED,
                check="lines_spoken",
                message="The dub is silent while the source says this line."
                if is_silent
                else "No words of the dub fall on this line, though somebody speaks there. Listen to it.",
                utterance_id=line.id,
                span=line.span,
            )
        )
    if not missing:
        n_lines = len(source.utterances)
        found = f"Something is said for each of the source's {n_lines} lines."
        findings.append(Finding(level=Level.OK, check="lines_spoken", message=found, value=n_lines))
    return [*findings, _stray_speech(source, lines, islands, gates)]


def _stray_speech(source: DubScript, lines: DubScript, islands: Sequence[Span], gates: Gates) -> Finding:
    seconds = float(far_from([line.span for line in source.utterances], islands))
    stray = strays(source, lines)
    heard = f" The first words there: “{stray[0].text}” at {timecode(stray[0].span.start)}." if stray else ""
    return gates.finding(
        "speech_outside_slot",
        seconds,
        f"{seconds:.2f} s of speech lie more than half a second away from every line of the source.{heard}"
        if seconds
        else "Nobody speaks more than half a second away from a line of the source.",
        todo="Listen to what is said there.",
    )


@dataclass(frozen=True)
class HeardMatch:
    """How like a source speaker the dub's speech over their lines is, by one encoder. `same_speaker`: what it says of
    two pieces of the source's own speech, None where that is too short to be halved."""

    speaker: str
    encoder: str
    similarity: float
    threshold: float
    same_speaker: float | None


def check_heard_voices(matches: Sequence[HeardMatch]) -> list[Finding]:
    """A finding per speaker and encoder; nobody knows which of them, if any, the voice was made with."""
    findings = []
    for match in matches:
        own = "" if match.same_speaker is None else f"; two pieces of their own speech {match.same_speaker:.2f}"
        is_like = match.similarity >= match.threshold
        findings.append(
            Finding(
                level=Level.OK if is_like else Level.DEGRADED,
                check="speaker_similarity",
                message=f"Over {match.speaker}'s lines the dub's voice is like theirs by {match.similarity:.2f} as "
                f"{match.encoder} hears it (limit {match.threshold:.2f}{own})."
                + ("" if is_like else " It is another voice: listen whether it is near enough."),
                value=match.similarity,
                limit=match.threshold,
                unit="cosine",
            )
        )
    return findings


def told_by_pixels(findings: Iterable[Finding]) -> list[Finding]:
    """Findings on a mouth of which nobody has said what was done to it."""
    doubt = "Told by the pixels alone: a mouth that was painted as the source's own looks counts as left alone."
    return [
        finding.model_copy(update={"message": f"{finding.message} {doubt}"})
        if finding.check == "rendered_share" and finding.value is not None and finding.level is not Level.OK
        else finding
        for finding in findings
    ]


MOUTH_OF_SCORE = {
    "closure_recall": ("closure_recall", "The lips meet on {value:.0%} of p, b and m ({note})."),
    "false_closures": ("false_closures", "The lips are shut in {value:.0%} of the open vowels ({note})."),
    "silence_movement": ("silence_stability", "In pauses the lips move by {value:.3f} of the eye distance ({note})."),
}
"""By metric of the mouth score: the check that judges it here, and its message."""


def check_mouth_alone(score: MouthScore, gates: Gates) -> list[Finding]:
    """The mouth without a source to hold it against: the mouth score's own measures, judged by the plan's gates."""
    findings = []
    for metric, (check, message) in MOUTH_OF_SCORE.items():
        measure = next(each for each in score.measures if each.metric == metric)
        if measure.value is None:
            findings.append(not_measured(check, measure.note, matters=False))
        else:
            said = message.format(value=measure.value, note=measure.note)
            findings.append(gates.finding(check, measure.value, said, todo="Look at the worst moments."))
    return findings


def check_lip_offset(score: MouthScore, n_faces: int) -> Finding:
    """Sound against picture, by the lips alone: nobody but its maker knows where the speech was meant to sound. Judged
    by the mouth score's limits, since its meter errs by 60 ms. With several faces, and voices off screen, it has told
    offsets that were none."""
    measure = next(each for each in score.measures if each.metric == "av_offset")
    if n_faces > 1:
        why = "the lips tell it where one face alone is seen, and here are several"
        return not_measured("sound_late", why, matters=True)
    if measure.value is None or measure.level is None:
        why = f"only its maker knows where the speech was meant to sound, and the lips do not tell: {measure.note}"
        return not_measured("sound_late", why, matters=score.n_frames_with_face > 0)
    limit = METRICS["av_offset"].ok[1]
    return Finding(
        level=measure.level,
        check="sound_late" if measure.value >= 0 else "sound_early",
        message=f"By the lips the sound comes {abs(measure.value):.0f} ms "
        f"{'late' if measure.value >= 0 else 'early'} (the meter errs by 60 ms).",
        value=abs(measure.value),
        limit=limit,
        unit="ms",
    )
