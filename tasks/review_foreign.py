"""review_foreign: measure a dub made elsewhere, of which only the finished file is known, as our own dubs are.

Nothing is taken on trust: words are recognised or given, mouths are found moved by their pixels. What only the dub's
maker could know is said to be unknown.
"""

from __future__ import annotations

from dub import progress
from dub.check_heard import UNKNOWABLE, check_lip_offset, check_mouth_alone, told_by_pixels
from dub.check_mouth import MouthReading
from dub.check_timing import span_of
from dub.check_words import HeardLine
from dub.figures import timeline_figure
from dub.finding import Finding, Level, Review
from dub.foreign_dub import DubbedFrom, HeardDub
from dub.gates import DEFAULT_GATES, Gates, not_measured
from dub.heard_dub import in_source_slots
from dub.levels import blocks
from dub.measured import Measured
from dub.mix import Dub
from dub.score import MouthScore
from dub.script import DubScript, Timeline
from dub.source import FaceTrack, Source, Stems
from dub.speech_activity import levels_db, speech_islands
from dub.stage import Desk, EngineChoice, stage
from dub.timecode import MASTER_RATE_HZ, Span
from dub.wav import Samples, open_wav
from engines.lipsync.contract import RenderLog
from lang.bcp47 import Locale
from tasks.review_foreign_voices import judge_heard_voices
from tasks.review_foreign_words import hear_language_and_words, read_wording
from tasks.review_mouth import SVG, look_at_mouth
from tasks.review_prosody import hear_prosody
from tasks.review_sound import judge_quality, measure_sound_track, sound_track
from tasks.review_subtitles import read_foreign_subtitles

UNKNOWN_LANGUAGE = Locale("und")


@stage(version=1)
def review_foreign(
    desk: Desk,
    video: Source,
    stems: Stems,
    track: FaceTrack,
    heard: HeardDub | None,
    asked: Locale | None,
    of: DubbedFrom | None,
    score: MouthScore,
    target_lufs: float,
    engines: tuple[EngineChoice, ...],
    gates: Gates = DEFAULT_GATES,
) -> Review:
    """Every check of a dub that a finished file allows, beside its source (`of`) where that is given.

    `video`, `stems`, `track`: the dub. `heard`: its words, None where nobody speaks. `asked`: the language that it
    should be in, None where nobody said. `score`: its mouth, measured. `engines`: the judges, as for `review`.
    Returns findings, numbers, a row per line and figures, as `review` does.
    """
    store = desk.open_store()
    found = Measured(gates=gates)
    dialogue = open_wav(store.path(stems.dialogue))[0][0]
    islands = _speech(dialogue)
    timeline = _timeline(heard, stems, asked, of)
    found.metrics |= {
        "words": "none" if heard is None else "given" if heard.are_given else "heard",
        "n_lines": len(timeline.placed),
        "n_lines_with_phonemes": sum(bool(take.phonemes) for take in timeline.placed),
    }
    with progress.part(0.0, 0.3):
        lines = hear_language_and_words(found, desk, stems, video.video, heard, asked, of, _first(engines, "asr"))
        read_wording(found, heard, of, islands, _first(engines, "language_id"))
    with progress.part(0.3, 0.5):
        if of is not None:
            judge_heard_voices(found, desk, of, timeline, tuple(each for each in engines if each.family == "speaker"))
        script, beside = (of.script, of.stems) if of else (None, stems)
        judge_quality(found, desk, script, beside, timeline, _first(engines, "speech_quality"))
    with progress.part(0.5, 0.6):
        _measure_file(found, desk, video, timeline, of, target_lufs)
    with progress.part(0.6, 1.0):
        reading = _look_at_mouth(found, desk, video, track, timeline, of, score, _first(engines, "face"))
    found.findings.append(check_lip_offset(score, track.n_faces))
    if of is not None:
        hear_prosody(found, store, timeline, video.programme, of.prosody)
    found.findings += [not_measured(check, why, matters=False) for check, why in UNKNOWABLE.items()]
    _draw_timeline(found, desk, of, heard, timeline, dialogue, video)
    return Review(
        locale=timeline.locale,
        findings=tuple(found.findings),
        metrics=found.metrics,
        lines=_lines(of, timeline, lines, reading, are_given=heard is not None and heard.are_given),
        figures=found.figures,
    )


def _speech(dialogue: Samples) -> tuple[Span, ...]:
    return speech_islands(levels_db((block[0] for block in blocks(dialogue[None])), MASTER_RATE_HZ))


def _nothing(video: Source) -> DubScript:
    return DubScript(source_locale=UNKNOWN_LANGUAGE, duration=video.video.duration, utterances=())


def _timeline(heard: HeardDub | None, stems: Stems, asked: Locale | None, of: DubbedFrom | None) -> Timeline:
    """What is said and when: the dub's lines, each beside the time that the source leaves for it."""
    if heard is None:
        return Timeline(locale=asked or UNKNOWN_LANGUAGE, placed=(), overruns=(), dialogue=stems.dialogue)
    return heard.said if of is None else in_source_slots(of.script, heard.said)


def _measure_file(
    found: Measured, desk: Desk, video: Source, timeline: Timeline, of: DubbedFrom | None, target_lufs: float
) -> None:
    store = desk.open_store()
    if video.n_source_channels:
        source = of.source if of else None
        with sound_track(store, video.original, video.video) as track:
            measure_sound_track(found, store, source, video.video, track, target_lufs)
    else:
        message = "The file has no sound track: nothing in it can be heard."
        found.findings.append(Finding(level=Level.FAILED, check="loudness_error", message=message))
    if of is None:
        why = "what should sound shows beside the source alone"
        found.findings.append(not_measured("sound_holes", why, matters=False))
    read_foreign_subtitles(found, store, timeline, video)


def _look_at_mouth(
    found: Measured,
    desk: Desk,
    video: Source,
    track: FaceTrack,
    timeline: Timeline,
    of: DubbedFrom | None,
    score: MouthScore,
    choice: EngineChoice,
) -> MouthReading | None:
    """Beside the source, frame by frame, where both have the same picture; else the dub's own lips alone."""
    found.figures |= {name: figure for name, figure in score.figures.items() if name in ("mouths", "aperture")}
    if of is None or of.moved is None or of.moved.lips is None:
        if of is not None:
            why = of.moved.why if of.moved else "nobody is heard in the dub"
            found.findings.append(not_measured("rendered_share", why, matters=True))
        found.findings += check_mouth_alone(score, found.gates)
        return None
    found.metrics["picture_lag_frames"] = of.moved.lag
    facts = video.video
    dub = Dub(
        locale=timeline.locale, video=video.original, n_frames=facts.n_frames, duration=facts.duration,
        sound_duration=facts.duration, is_original_sound_copied=None,
    )  # fmt: skip
    before = len(found.findings)
    reading = look_at_mouth(
        found, desk, of.source, facts, of.script, timeline, of.track, of.on_screen, of.moved.lips, dub, choice,
        (track,), is_aligned=True,
    )  # fmt: skip
    found.findings[before:] = told_by_pixels(found.findings[before:])
    return reading


def _draw_timeline(
    found: Measured, desk: Desk, of: DubbedFrom | None, heard: HeardDub | None, timeline: Timeline, dialogue: Samples,
    video: Source,
) -> None:  # fmt: skip
    store = desk.open_store()
    script = of.script if of else heard.lines if heard else _nothing(video)
    kinds: list[str] = []
    if of is not None and of.moved is not None and of.moved.lips is not None:
        log = RenderLog.load(store.path(of.moved.lips.log))
        kinds = [log.reasons[index].split(":")[0] for index in log.by_frame()]
    figure = timeline_figure(script, timeline, found.findings, dialogue, kinds, video.video.frame_rate)
    found.figures["timeline"] = store.put_bytes(figure.encode(), SVG)


def _first(engines: tuple[EngineChoice, ...], family: str) -> EngineChoice:
    return next(engine for engine in engines if engine.family == family)


def _lines(
    of: DubbedFrom | None,
    timeline: Timeline,
    heard: tuple[HeardLine, ...],
    reading: MouthReading | None,
    *,
    are_given: bool,
) -> tuple[dict[str, str | float | int | None], ...]:
    """A row per line of the dub, in the columns of a dub of ours; what is not known of a line is None."""
    heard_of = {line.utterance_id: line for line in heard}
    text_of = {line.id: line.text for line in of.script.utterances} if of else {}
    rows = []
    for take in timeline.placed:
        line, span = heard_of.get(take.utterance_id), span_of(take)
        closures = reading.closures.get(take.utterance_id, ()) if reading else ()
        row: dict[str, str | float | int | None] = {
            "utterance_id": take.utterance_id,
            "speaker": take.speaker if take.utterance_id in text_of else "",
            "start_s": round(float(span.start), 3),
            "end_s": round(float(span.end), 3),
            "source": text_of.get(take.utterance_id, ""),
            "target": take.text if are_given else None,
            "heard": line.heard if line else None if are_given else take.text,
            "word_error": line.words.rate if line else None,
            "character_error": line.characters.rate if line else None,
            "stretch_ratio": None,
            "speed": None,
            "overrun_s": None,
            "n_bilabials": len(closures),
            "n_closed": sum(closure.is_closed for closure in closures),
            "mouth": reading.said_by.get(take.utterance_id, "") if reading else "",
        }
        rows.append(row)
    return tuple(rows)
