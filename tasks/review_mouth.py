"""The review's eyes: the dub's face tracked afresh, held against the source's and against what lip-sync aimed at."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from dub.artifact import Artifact, Record
from dub.check_mouth import (
    FRONTAL_PITCH_DEG,
    FRONTAL_YAW_DEG,
    LIP_SYNC_OFF,
    MouthEvidence,
    MouthReading,
    check_mouth,
    read_mouth,
)
from dub.check_on_screen import check_placement, check_wrong_mouths, said_by
from dub.contact_sheet import GAP_PX, mouth_contact_sheet
from dub.figures import aperture_figure, sheet_figure
from dub.join_video import picture_digest
from dub.lips import LipSync
from dub.measured import Measured
from dub.media import read_frames
from dub.mix import Dub
from dub.mouth_metrics import ALIGNMENT_ERROR_S, Floats, Mask
from dub.mouth_pictures import SHEET_SIDE_IOD, MouthBox, flicker, flicker_ratio, mouth_boxes, worst_moments
from dub.on_screen import OnScreen, face_on_stage
from dub.script import DubScript, Timeline
from dub.source import FaceTrack, Source, VideoFacts
from dub.stage import Desk, EngineChoice, stage
from dub.store import Store
from engines import registry
from engines.face.contract import MOUTH_CORNERS, FaceTracker, TrackedFace, TrackedFaces
from engines.lipsync.contract import RenderLog, SpokenSpan
from tasks.lip_scene import lines_on_screen, takes_on_screen
from tasks.review_bystanders import watch_bystanders

CELL_PX = 130
SVG = "image/svg+xml"


def look_at_mouth(
    found: Measured,
    desk: Desk,
    source: Source,
    facts: VideoFacts,
    script: DubScript,
    timeline: Timeline,
    track: FaceTrack,
    on_screen: OnScreen,
    lipsync: LipSync,
    dub: Dub,
    choice: EngineChoice,
    seen: tuple[FaceTrack, ...] = (),
    *,
    is_aligned: bool = False,
) -> MouthReading:
    """Track the dub's faces, measure the mouth of whoever speaks, draw the curve and the sheet of the worst moments.

    `facts`: of the dub's file. A dub of another length is measured on the frames that both have. `seen`: the faces of
    each of `lipsync.parts`, where they were tracked already; they stand for the file's as long as it shows those parts,
    packet for packet. `is_aligned`: the phonemes were aligned to somebody's dub, whose every mouth in view is held to
    them, moved or not; else the voice told them, and moved mouths alone were aimed at them.
    """
    store = desk.open_store()
    faces = TrackedFaces.load(store.path(track.landmarks))
    log = RenderLog.load(store.path(lipsync.log))
    found.metrics |= {f"frames, {reason}": n for reason, n in lipsync.counts.items()}
    if not track.n_found:
        evidence = _evidence(source, None, None, log, np.zeros(source.video.n_frames, np.int64), lipsync)
        reading = read_mouth(script, timeline, evidence)
        found.findings += check_mouth(evidence, reading, found.gates)
        return reading
    who = on_stage(source, faces, on_screen, script, timeline)
    before = faces.on_stage(who)
    everybody = _everybody(store, facts, lipsync, dub, choice, seen)
    evidence = _evidence(source, before, everybody.where(before), log, who, lipsync)
    if is_aligned:
        in_view = evidence.is_frontal & np.isfinite(evidence.dub_aperture)
        evidence = replace(evidence, slack=ALIGNMENT_ERROR_S, is_judged=in_view)
    takes = takes_on_screen(source, faces, on_screen, timeline)
    evidence = replace(evidence, of_line=_of_lines(takes, faces, everybody, log, who))
    shown = {take.utterance_id: take.shown for take in takes}
    reading = replace(read_mouth(script, timeline, evidence), said_by=said_by(shown, log.is_rendered()))
    same_raster = (facts.width_px, facts.height_px) == (source.video.width_px, source.video.height_px)
    if evidence.is_rendered.any() and same_raster:
        comparable = evidence.is_rendered & (who == on_stage(source, faces, on_screen, script, None))
        ratio = _flicker_ratio(desk, source, facts, dub, track, script, on_screen, before, comparable)
        evidence = replace(evidence, flicker_ratio=ratio)
        _sheet(found, store, source, facts, dub, before, evidence, reading)
    found.findings += check_mouth(evidence, reading, found.gates)
    if set(lipsync.counts) != {LIP_SYNC_OFF}:
        found.findings += check_placement(shown, faces.is_found, source.video.frame_rate, found.gates)
        said = lines_on_screen(source, faces, on_screen, script)
        runs = [run for span in (*takes, *said) for run in span.shown]
        idle = watch_bystanders(store, source, facts, dub, faces, everybody, runs, log)
        found.findings += check_wrong_mouths(idle, source.video.frame_rate, found.gates)
    found.metrics |= _mouth_metrics(evidence, reading)
    figure = aperture_figure(
        evidence.source_aperture,
        evidence.aimed_aperture,
        evidence.dub_aperture,
        evidence.frame_rate,
        reading.all_closures,
        timeline,
    )
    found.figures["aperture"] = store.put_bytes(figure.encode(), SVG)
    return reading


def _everybody(
    store: Store, facts: VideoFacts, lipsync: LipSync, dub: Dub, choice: EngineChoice, seen: tuple[FaceTrack, ...]
) -> TrackedFaces:
    """The dub's faces: by part, or tracked here, in one go."""
    if seen and picture_digest(store.path(dub.video)) == picture_digest(store.path(lipsync.video)):
        return TrackedFaces.joined([TrackedFaces.load(store.path(part.landmarks)) for part in seen if part.n_frames])
    tracker: FaceTracker = registry.load("face", choice.id, **choice.options)
    return tracker.track(store.path(dub.video), facts)


def on_stage(
    source: Source, faces: TrackedFaces, on_screen: OnScreen, script: DubScript, timeline: Timeline | None
) -> npt.NDArray[np.int64]:
    """(n_frames,): whose mouth is judged in each frame; by the source's own lines alone without a timeline."""
    said = [run for span in lines_on_screen(source, faces, on_screen, script) for run in span.shown]
    takes = takes_on_screen(source, faces, on_screen, timeline) if timeline else ()
    dubbed = [run for span in takes for run in span.shown]
    return face_on_stage(dubbed, said, [int(shot) for shot in faces.shots], source.video.n_frames)


def _of_lines(
    takes: tuple[SpokenSpan, ...],
    faces: TrackedFaces,
    everybody: TrackedFaces,
    log: RenderLog,
    who: npt.NDArray[np.int64],
) -> dict[str, tuple[Floats, Mask]]:
    """Lines whose mouth is not the one judged overall, because another line sounds at the same time on another face:
    what the line's own faces do in the dub."""
    n_frames, rendered = faces.n_frames, log.is_rendered()
    of_line = {}
    for take in takes:
        own = [run for run in take.shown if run.face >= 0]
        if all((who[run.first_frame : run.end_frame] == run.face).all() for run in own):
            continue
        theirs = np.full(n_frames, -1, np.int64)
        for run in own:
            theirs[run.first_frame : run.end_frame] = run.face
        aperture = _fitted(everybody.where(faces.on_stage(theirs)).aperture, n_frames, np.nan)
        row = np.maximum(theirs, 0) % len(rendered)
        of_line[take.utterance_id] = aperture, rendered[row, np.arange(n_frames)] & (theirs >= 0)
    return of_line


def _evidence(
    source: Source,
    before: TrackedFace | None,
    after: TrackedFace | None,
    log: RenderLog,
    who: npt.NDArray[np.int64],
    lipsync: LipSync,
) -> MouthEvidence:
    n_frames = source.video.n_frames
    nothing = np.full(n_frames, np.nan, np.float32)
    is_frontal = np.zeros(n_frames, bool)
    if before is not None:
        is_frontal = before.is_found & (np.abs(before.yaw_deg) < FRONTAL_YAW_DEG)
        is_frontal &= np.abs(before.pitch_deg) < FRONTAL_PITCH_DEG
    row, column = np.maximum(who, 0) % len(log.decision), np.arange(n_frames)
    return MouthEvidence(
        frame_rate=source.video.frame_rate,
        source_aperture=nothing if before is None else before.aperture,
        dub_aperture=nothing if after is None else _fitted(after.aperture, n_frames, np.nan),
        aimed_aperture=np.where(who >= 0, log.aperture[row, column], np.float32(np.nan)),
        is_frontal=is_frontal,
        is_rendered=log.is_rendered()[row, column] & (who >= 0),
        reason_counts=lipsync.counts,
        source_sharpness=nothing if before is None else before.sharpness,
        dub_sharpness=nothing if after is None else _fitted(after.sharpness, n_frames, np.nan),
    )


def _fitted(values: npt.NDArray[Any], n_frames: int, empty: float | bool) -> npt.NDArray[Any]:
    """Cut or padded to the source's frames."""
    missing = n_frames - len(values)
    return values[:n_frames] if missing <= 0 else np.concatenate([values, np.full(missing, empty, values.dtype)])


class MouthFlicker(Record):
    """`levels`: .npy, float32 (n_frames,), as dub/mouth_pictures.flicker gives them."""

    levels: Artifact


@stage(version=2)
def source_flicker(
    desk: Desk, source: Source, track: FaceTrack, script: DubScript, on_screen: OnScreen
) -> MouthFlicker:
    """How much the source's own speaking mouth flickers: what every locale's dub is held against."""
    store = desk.open_store()
    faces = TrackedFaces.load(store.path(track.landmarks))
    speaking = faces.on_stage(on_stage(source, faces, on_screen, script, None))
    lumas = read_frames(store.path(source.original), source.video, "gray")
    levels = flicker(lumas, _boxes(source, speaking))
    with store.scratch() as folder:
        np.save(folder / "flicker.npy", levels, allow_pickle=False)
        return MouthFlicker(levels=store.put(folder / "flicker.npy", "application/x-npy"))


def _flicker_ratio(
    desk: Desk,
    source: Source,
    facts: VideoFacts,
    dub: Dub,
    track: FaceTrack,
    script: DubScript,
    on_screen: OnScreen,
    before: TrackedFace,
    moved: Mask,
) -> float | None:
    store = desk.open_store()
    own = np.load(store.path(source_flicker(desk, source, track, script, on_screen).levels), allow_pickle=False)
    n_frames = min(source.video.n_frames, facts.n_frames)
    lumas = read_frames(store.path(dub.video), facts, "gray", n=n_frames)
    return flicker_ratio(own[:n_frames], flicker(lumas, _boxes(source, before)[:n_frames]), moved[:n_frames])


def _boxes(source: Source, face: TrackedFace) -> list[MouthBox | None]:
    centre = face.at(*MOUTH_CORNERS).mean(axis=1)
    return mouth_boxes(centre, face.iod_px, source.video.width_px, source.video.height_px)


def _sheet(
    found: Measured,
    store: Store,
    source: Source,
    facts: VideoFacts,
    dub: Dub,
    before: TrackedFace,
    evidence: MouthEvidence,
    reading: MouthReading,
) -> None:
    """The worst moments, source above dub, each with its reason, as one figure."""
    import cv2

    centre = before.at(*MOUTH_CORNERS).mean(axis=1)
    moments = [
        moment
        for moment in worst_moments(reading.all_closures, evidence.is_rendered)
        if moment.frame < facts.n_frames and np.isfinite(centre[moment.frame]).all()
    ]
    if not moments:
        return
    png = mouth_contact_sheet(
        store.path(source.original),
        store.path(dub.video),
        source.video,
        centre,
        SHEET_SIDE_IOD * before.iod_px,
        [moment.frame for moment in moments],
        is_rendered=evidence.is_rendered,
        n_columns=len(moments),
        cell_px=CELL_PX,
    )
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()
    address = f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"
    height, width = picture.shape[:2]
    figure = sheet_figure(address, width, height, CELL_PX + GAP_PX, moments, evidence.frame_rate)
    found.figures["mouths"] = store.put_bytes(figure.encode(), SVG)


def _mouth_metrics(evidence: MouthEvidence, reading: MouthReading) -> dict[str, float | int | str | None]:
    has_speech = reading.n_speech_frames > 0 and set(evidence.reason_counts) != {LIP_SYNC_OFF}
    return {
        "closure_recall": None if reading.is_luck else reading.closure_recall,
        "n_bilabials": len(reading.all_closures),
        "false_closure_share": reading.n_shut_vowels / reading.n_open_vowels if reading.n_open_vowels else None,
        "silence_movement": reading.rest.movement if reading.rest else None,
        "silence_closed_share": reading.rest.closed_share if reading.rest else None,
        "source_lips_left_s": reading.source_lips_left_s,
        "source_silence_movement": reading.source_rest.movement if reading.source_rest else None,
        "rendered_share": reading.n_speech_frames_rendered / reading.n_speech_frames if has_speech else None,
        "n_frontal_speech_frames": reading.n_speech_frames,
        "n_turned_speech_frames": reading.n_turned_speech_frames,
        "n_turned_speech_frames_rendered": reading.n_turned_speech_frames_rendered,
        "sharpness_ratio": reading.sharpness_ratio,
        "flicker_ratio": evidence.flicker_ratio,
        "aperture_error": _aperture_error(evidence.aimed_aperture, evidence.dub_aperture),
    }


def _aperture_error(aimed: Floats, measured: Floats) -> float | None:
    """Mean |aimed - measured| in eye distances over the frames that have both."""
    both = np.isfinite(aimed) & np.isfinite(measured)
    return float(np.abs(aimed[both] - measured[both]).mean()) if both.any() else None
