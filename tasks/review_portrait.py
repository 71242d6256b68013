"""review_portrait: measure one language's talking portrait as a dub is measured, and say that it is synthetic."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dub import progress
from dub.avatar import Performed, Portrait
from dub.back_translation import BackTranslation
from dub.cast import Cast
from dub.check_consent import check_consent_records, consent_in_words
from dub.check_content import check_content
from dub.check_meaning import check_meaning
from dub.check_mouth import MouthEvidence, check_mouth, read_mouth
from dub.check_portrait import count_blinks, eye_openings, head_range_deg
from dub.check_speech_rate import check_speech_rate, spoken_to_expected
from dub.check_timing import check_dialogue, check_timing, span_of
from dub.check_translation import check_translation
from dub.check_words import HeardLine, check_source_language
from dub.figures import aperture_figure, timeline_figure
from dub.finding import Finding, Level, Review
from dub.gates import DEFAULT_GATES, Gates, not_measured
from dub.lips import LipSync
from dub.measured import Measured
from dub.mix import Dub, Mix
from dub.mouth_metrics import Closure
from dub.script import DubScript, Takes, Translation
from dub.source import Stems, VideoFacts
from dub.stage import Desk, EngineChoice, stage
from dub.store import Store
from dub.upload_limits import UploadLimit, check_uploads
from dub.wav import open_wav
from engines import registry
from engines.face.contract import FaceTracker, TrackedFace
from engines.lipsync.contract import RenderLog
from tasks.review_sound import judge_quality, judge_voices, measure_file
from tasks.review_steadiness import compare_lines
from tasks.review_subtitles import read_subtitles
from tasks.review_words import listen_back, read_language

OF_A_SOURCE = frozenset({"rendered_share", "source_lips_left", "flicker_ratio"})
"""Checks that hold a dub's picture against its source's: a photo has nothing that moves."""
ALIKE = 0.03
"""Aperture (IOD) by which a mouth may differ from the photo's where their sharpness is compared: teeth are sharper
than lips."""
SVG = "image/svg+xml"

Closures = dict[str, tuple[Closure, ...]]


@stage(version=8)
def review_portrait(
    desk: Desk,
    portrait: Portrait,
    performed: Performed,
    voice_stems: Stems,
    voice_script: DubScript,
    translation: Translation,
    cast: Cast,
    takes: Takes,
    mix: Mix,
    lips: LipSync,
    dub: Dub,
    engines: tuple[EngineChoice, ...],
    gates: Gates = DEFAULT_GATES,
    back: BackTranslation | None = None,
    uploads: tuple[UploadLimit, ...] = (),
) -> Review:
    """Listen back, look at mouth, lids and head by tracking the finished file, measure the sound; judge each by the
    plan's gates. `voice_*`: the recording that the voice was made from. `engines`, `back`, `uploads`: as for `review`.
    """
    store, timeline, script = desk.open_store(), performed.timeline, performed.script
    found = Measured(gates=gates)
    dialogue, _ = open_wav(store.path(timeline.dialogue))
    found.findings += [
        synthetic(portrait, cast),
        check_source_language(script.source_locale, script.language_probability, found.gates),
        *([] if translation.route == ("given",) else _check_wording(script, translation, back, found.gates)),
        *check_timing(script, timeline, found.gates),
        *check_dialogue(timeline, dialogue[0], found.gates),
        *check_speech_rate(takes, found.gates),
        *check_consent_records(cast),
    ]
    found.metrics |= {"synthetic": "portrait", "n_lines": len(timeline.placed)}
    found.metrics["speech_rate"] = spoken_to_expected(takes)
    read_language(found, translation, _first(engines, "language_id"))
    with progress.part(0.05, 0.4):
        heard = listen_back(found, desk, timeline, performed.source.video, _first(engines, "asr"))
    with progress.part(0.4, 0.6):
        judge_voices(found, desk, cast, timeline, tuple(engine for engine in engines if engine.family == "speaker"))
        compare_lines(found, desk, timeline, _first(engines, "speaker"))
        judge_quality(found, desk, voice_script, voice_stems, timeline, _first(engines, "speech_quality"))
    with progress.part(0.6, 0.7):
        facts = measure_file(found, store, performed.source, timeline, mix, dub)
        found.findings += check_uploads(dub.video.n_bytes, float(facts.duration), uploads, found.gates)
        read_subtitles(found, store, timeline, dub)
    with progress.part(0.7, 1.0):
        closures = _look(found, store, portrait, performed, lips, dub, facts, _first(engines, "face"))
    log = RenderLog.load(store.path(lips.log))
    kinds = [log.reasons[index].split(":")[0] for index in log.by_frame()]
    figure = timeline_figure(script, timeline, found.findings, dialogue[0], kinds, facts.frame_rate)
    found.figures["timeline"] = store.put_bytes(figure.encode(), SVG)
    found.metrics["voices"] = "; ".join(f"{voice.speaker}: {voice.made_of or voice.engine}" for voice in cast.voices)
    found.metrics["consent"] = consent_in_words(cast)
    return Review(
        locale=timeline.locale,
        findings=tuple(found.findings),
        metrics=found.metrics,
        lines=_lines(performed, heard, closures),
        figures=found.figures,
    )


def _check_wording(
    script: DubScript, translation: Translation, back: BackTranslation | None, gates: Gates
) -> tuple[Finding, ...]:
    return (
        *check_translation(script, translation, gates),
        *check_content(script, translation, gates),
        *check_meaning(script, back, gates),
    )


def synthetic(portrait: Portrait, cast: Cast) -> Finding:
    """What everybody who gets the file has to know."""
    return Finding(
        level=Level.OK,
        check="synthetic_portrait",
        message=f"Synthetic: nothing in this video was filmed. The picture is animated from one photo "
        f"({portrait.name}), the voice is made from a recording. Say so wherever it is shown. "
        f"Consent: {consent_in_words(cast)}.",
    )


def _look(
    found: Measured,
    store: Store,
    portrait: Portrait,
    performed: Performed,
    lips: LipSync,
    dub: Dub,
    facts: VideoFacts,
    choice: EngineChoice,
) -> Closures:
    """Track the finished file's face; mouth, lids and head become findings, numbers and a curve."""
    tracker: FaceTracker = registry.load("face", choice.id, **choice.options)
    faces = tracker.track(store.path(dub.video), facts).faces
    if not faces or portrait.facts.aperture is None:
        why = f"{choice.id} sees no face" if portrait.facts.aperture is not None else f"{lips.engine} moves nothing"
        found.findings.append(not_measured("closure_recall", why, matters=True))
        return {}
    face = faces[0]
    evidence = evidence_of(store, portrait, face, lips)
    reading = read_mouth(performed.script, performed.timeline, evidence)
    left_out = OF_A_SOURCE
    if facts.width_px != portrait.facts.width_px:
        left_out |= {"sharpness_ratio"}  # an enlarged picture is less sharp per pixel, whatever enlarges it
    found.findings += [one for one in check_mouth(evidence, reading, found.gates) if one.check not in left_out]
    openings = eye_openings(face.at(159, 145, 386, 374), face.iod_px)
    found.metrics |= {
        "closure_recall": reading.closure_recall,
        "n_bilabials": len(reading.all_closures),
        "false_closure_share": reading.n_shut_vowels / reading.n_open_vowels if reading.n_open_vowels else None,
        "silence_movement": reading.rest.movement if reading.rest else None,
        "sharpness_ratio": None if "sharpness_ratio" in left_out else reading.sharpness_ratio,
        "n_blinks": count_blinks(openings),
        "head_yaw_range_deg": head_range_deg(face.yaw_deg),
        "head_pitch_range_deg": head_range_deg(face.pitch_deg),
        "face_found_share": float(face.is_found.mean()),
    }
    figure = aperture_figure(
        np.full(facts.n_frames, np.nan, np.float32),
        evidence.aimed_aperture,
        evidence.dub_aperture,
        facts.frame_rate,
        reading.all_closures,
        performed.timeline,
    )
    found.figures["aperture"] = store.put_bytes(figure.encode(), SVG)
    return reading.closures


def evidence_of(store: Store, portrait: Portrait, face: TrackedFace, lips: LipSync) -> MouthEvidence:
    """What the tracker (`face`: of the finished picture) and the engine say of every frame, beside the photo."""
    log, n_frames = RenderLog.load(store.path(lips.log)), face.n_frames
    photo = portrait.facts
    nan = float("nan")
    is_as_in_photo = np.abs(log.aperture[0, :n_frames] - np.float32(photo.aperture or 0)) < ALIKE
    return MouthEvidence(
        frame_rate=photo.as_video(n_frames).frame_rate,
        source_aperture=np.full(n_frames, photo.aperture, np.float32),
        dub_aperture=face.aperture,
        aimed_aperture=log.aperture[0, :n_frames],
        is_frontal=face.is_found,
        is_rendered=log.is_rendered()[0, :n_frames],
        reason_counts=lips.counts,
        source_sharpness=np.full(n_frames, nan if photo.mouth_sharpness is None else photo.mouth_sharpness, np.float32),
        dub_sharpness=np.where(is_as_in_photo, face.sharpness, np.float32(nan)),
    )


def _first(engines: Sequence[EngineChoice], family: str) -> EngineChoice:
    return next(engine for engine in engines if engine.family == family)


def _lines(
    performed: Performed, heard: Sequence[HeardLine], closures: Closures
) -> tuple[dict[str, str | float | int | None], ...]:
    heard_of = {line.utterance_id: line for line in heard}
    text_of = {utterance.id: utterance.text for utterance in performed.script.utterances}
    rows = []
    for take in performed.timeline.placed:
        line, span = heard_of.get(take.utterance_id), span_of(take)
        own = closures.get(take.utterance_id, ())
        row: dict[str, str | float | int | None] = {
            "utterance_id": take.utterance_id,
            "speaker": take.speaker,
            "start_s": round(float(span.start), 3),
            "end_s": round(float(span.end), 3),
            "source": text_of.get(take.utterance_id, ""),
            "target": take.text,
            "heard": line.heard if line else None,
            "word_error": line.words.rate if line else None,
            "character_error": line.characters.rate if line else None,
            "n_bilabials": len(own),
            "n_closed": sum(closure.is_closed for closure in own),
        }
        rows.append(row)
    return tuple(rows)
