"""review: measure one language's finished dub, as a person would find out with ears, eyes and a stopwatch."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from dub import progress
from dub.back_translation import BackTranslation
from dub.captions import Captions
from dub.cast import Cast
from dub.check_captions import check_captions
from dub.check_consent import check_consent_records, consent_in_words
from dub.check_content import check_content
from dub.check_meaning import check_meaning
from dub.check_mouth import MouthReading, check_untold_sounds
from dub.check_speakers import check_speakers
from dub.check_speech_rate import check_speech_rate, spoken_to_expected
from dub.check_timing import check_dialogue, check_timing, span_of
from dub.check_translation import check_translation
from dub.check_words import HeardLine, check_source_language
from dub.figures import timeline_figure
from dub.finding import Finding, Review
from dub.gates import DEFAULT_GATES, Gates
from dub.lips import LipSync
from dub.measured import Measured
from dub.mix import Dub, Mix
from dub.on_screen import OnScreen
from dub.prosody import NOTHING_MEASURED, SourceProsody
from dub.script import DubScript, Takes, Timeline, Translation
from dub.source import FaceTrack, Source, Stems
from dub.stage import Desk, EngineChoice, stage
from dub.turns import NOT_TOLD_APART, Turns
from dub.upload_limits import UploadLimit, check_uploads
from dub.wav import open_wav
from engines.lipsync.contract import RenderLog
from tasks.review_mouth import look_at_mouth
from tasks.review_prosody import hear_prosody
from tasks.review_sound import SaidBefore, judge_quality, judge_voices, measure_file
from tasks.review_steadiness import compare_lines
from tasks.review_subtitles import read_subtitles
from tasks.review_words import listen_back, read_language


@stage(version=20)
def review(
    desk: Desk,
    source: Source,
    stems: Stems,
    script: DubScript,
    translation: Translation,
    cast: Cast,
    takes: Takes,
    timeline: Timeline,
    mix: Mix,
    track: FaceTrack,
    on_screen: OnScreen,
    lipsync: LipSync,
    dub: Dub,
    engines: tuple[EngineChoice, ...],
    prosody: SourceProsody = NOTHING_MEASURED,
    turns: Turns = NOT_TOLD_APART,
    seen: tuple[FaceTrack, ...] = (),
    gates: Gates = DEFAULT_GATES,
    back: BackTranslation | None = None,
    captions: Captions | None = None,
    uploads: tuple[UploadLimit, ...] = (),
) -> Review:
    """Listen back, look at the mouth, measure the sound, compare the texts; judge each by the plan's gates.

    Takes everything the locale was made of, the finished file, and the judges (families asr, speaker, face,
    speech_quality, language_id; of two speaker encoders the second is the independent one), how the source says its
    lines, who it heard saying them, the faces of each part of the dub's picture where they were tracked already, and
    the translation put back into the source's language where an engine can, the captions in the source's picture,
    and the limits of the places that the file is uploaded to.
    Returns every finding, good or bad, the numbers behind them, one row per line and the figures as SVG.
    What cannot be measured is a finding that says why.
    """
    store = desk.open_store()
    found = Measured(gates=gates)
    dialogue, _ = open_wav(store.path(timeline.dialogue))
    found.findings += [
        check_source_language(script.source_locale, script.language_probability, found.gates),
        *check_translation(script, translation, found.gates),
        *check_content(script, translation, found.gates),
        *check_meaning(script, back, found.gates),
        *check_captions(captions, found.gates),
        *_of_lines_that_were_to_be_spoken(check_timing(script, timeline, found.gates), translation),
        *check_dialogue(timeline, dialogue[0], found.gates),
        *check_speech_rate(takes, found.gates),
        *check_untold_sounds(timeline),
        *check_speakers(script, turns),
    ]
    found.metrics |= _time_metrics(timeline) | {"speech_rate": spoken_to_expected(takes)}
    read_language(found, translation, _first(engines, "language_id"))
    with progress.part(0.05, 0.35):
        heard = listen_back(found, desk, timeline, source.video, _first(engines, "asr"))
    encoders = tuple(engine for engine in engines if engine.family == "speaker")
    with progress.part(0.35, 0.5):
        judge_voices(found, desk, cast, timeline, encoders)
        alike = compare_lines(found, desk, timeline, encoders[0])
        judge_quality(found, desk, script, stems, timeline, _first(engines, "speech_quality"))
    with progress.part(0.5, 0.6):
        facts = measure_file(found, store, source, timeline, mix, dub, SaidBefore(stems, script))
        found.findings += check_uploads(dub.video.n_bytes, float(facts.duration), uploads, found.gates)
        read_subtitles(found, store, timeline, dub)
    with progress.part(0.6, 1.0):
        face = _first(engines, "face")
        reading = look_at_mouth(
            found, desk, source, facts, script, timeline, track, on_screen, lipsync, dub, face, seen
        )
    hear_prosody(found, store, timeline, mix.audio, prosody)
    log = RenderLog.load(store.path(lipsync.log))
    kinds = [log.reasons[index].split(":")[0] for index in log.by_frame()]
    figure = timeline_figure(script, timeline, found.findings, dialogue[0], kinds, source.video.frame_rate)
    found.figures["timeline"] = store.put_bytes(figure.encode(), "image/svg+xml")
    found.metrics["voices"] = "; ".join(f"{voice.speaker}: {voice.made_of or voice.engine}" for voice in cast.voices)
    found.metrics |= {"consent": consent_in_words(cast), **cast.reference_metrics()}
    found.findings += [*check_consent_records(cast), *cast.notes]
    return Review(
        locale=timeline.locale,
        findings=tuple(found.findings),
        metrics=found.metrics,
        lines=_lines(script, timeline, heard, reading, back, alike),
        figures=found.figures,
    )


def _first(engines: tuple[EngineChoice, ...], family: str) -> EngineChoice:
    return next(engine for engine in engines if engine.family == family)


def _of_lines_that_were_to_be_spoken(findings: Iterable[Finding], translation: Translation) -> list[Finding]:
    """That a withheld line was not spoken has been said, with the reason."""
    withheld = {line.utterance_id for line in translation.withheld}
    return [finding for finding in findings if finding.utterance_id not in withheld]


def _time_metrics(timeline: Timeline) -> dict[str, float | int | str | None]:
    ratios = [take.stretch_ratio for take in timeline.placed]
    return {
        "n_lines": len(timeline.placed),
        "n_overruns": len(timeline.overruns),
        "longest_overrun_s": float(max((over.seconds for over in timeline.overruns), default=Fraction(0))),
        "widest_stretch": max(ratios, key=lambda ratio: max(ratio, 1 / ratio), default=None),
    }


def _lines(
    script: DubScript,
    timeline: Timeline,
    heard: tuple[HeardLine, ...],
    reading: MouthReading,
    back: BackTranslation | None,
    alike: dict[str, float],
) -> tuple[dict[str, str | float | int | None], ...]:
    heard_of = {line.utterance_id: line for line in heard}
    over_of = {over.utterance_id: float(over.seconds) for over in timeline.overruns}
    text_of = {utterance.id: utterance.text for utterance in script.utterances}
    rows = []
    for take in timeline.placed:
        line = heard_of.get(take.utterance_id)
        closures = reading.closures.get(take.utterance_id, ())
        span = span_of(take)
        row: dict[str, str | float | int | None] = {
            "utterance_id": take.utterance_id,
            "speaker": take.speaker,
            "start_s": round(float(span.start), 3),
            "end_s": round(float(span.end), 3),
            "source": text_of.get(take.utterance_id, ""),
            "target": take.text,
            "translated_back": back.lines.get(take.utterance_id) if back else None,
            "heard": line.heard if line else None,
            "word_error": line.words.rate if line else None,
            "character_error": line.characters.rate if line else None,
            "voice_similarity": alike.get(take.utterance_id),
            "stretch_ratio": take.stretch_ratio,
            "speed": take.speed,
            "overrun_s": over_of.get(take.utterance_id, 0.0),
            "n_bilabials": len(closures),
            "n_closed": sum(closure.is_closed for closure in closures),
            "mouth": reading.said_by.get(take.utterance_id, ""),
        }
        rows.append(row)
    return tuple(rows)
