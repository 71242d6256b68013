"""Find moved mouths: what somebody's dub did to the picture, read off its pixels beside the source's."""

from __future__ import annotations

import numpy as np

from dub.compare_pictures import lag_of
from dub.foreign_dub import MovedMouths
from dub.lips import LipSync
from dub.media import read_frames
from dub.mouth_metrics import Mask
from dub.mouth_pictures import mouth_boxes
from dub.moved_mouths import moved_frames
from dub.on_screen import OnScreen
from dub.script import DubScript, Timeline
from dub.source import FaceTrack, Source
from dub.stage import Desk, stage
from dub.store import Store
from engines.face.contract import LEFT_EYE, MOUTH_CORNERS, RIGHT_EYE, TrackedFace, TrackedFaces
from engines.lipsync.contract import RenderLog
from tasks.review_mouth import on_stage

MOVED, NOBODY, SAME = "rendered: unlike the source's", "kept: nobody speaks on screen", "kept: the source's own mouth"
UNKNOWN_ENGINE = "not known"


@stage(version=1, n_cpu=1)
def find_moved_mouths(
    desk: Desk, source: Source, video: Source, script: DubScript, said: Timeline, track: FaceTrack, on_screen: OnScreen
) -> MovedMouths:
    """Frames in which the mouth of whoever speaks differs from the source's by more than encoding does. One that was
    painted to look as the source's does at that moment counts as left alone.

    `video`: the dub. `script`, `track`, `on_screen`: of the source. `said`: the dub's lines under the source's ids.
    Cost: both videos are decoded once.
    """
    store = desk.open_store()
    faces = TrackedFaces.load(store.path(track.landmarks))
    n_frames = source.video.n_frames
    if not faces.faces:
        nobody = np.zeros((1, n_frames), bool)
        return MovedMouths(lips=_lips(desk, video, said, nobody, nobody))
    who = on_stage(source, faces, on_screen, script, said)
    lag = lag_of(store.path(source.original), source.video, store.path(video.original), video.video)
    if isinstance(lag, str):
        return MovedMouths(lips=None, why=lag)
    touched = _touched(store, source, video, faces.on_stage(who), lag)
    own = who[None] == np.arange(len(faces.faces))[:, None]
    return MovedMouths(lips=_lips(desk, video, said, own & touched, own), lag=lag)


def _touched(store: Store, source: Source, video: Source, face: TrackedFace, lag: int) -> Mask:
    """(n_frames,) of the source: the face that speaks there has another mouth in the dub."""
    raster, n_frames = (source.video.width_px, source.video.height_px), source.video.n_frames
    mouths, eyes = (
        mouth_boxes(face.at(*points).mean(axis=1), face.iod_px, *raster)
        for points in (MOUTH_CORNERS, (LEFT_EYE, RIGHT_EYE))
    )
    first, last = max(0, lag), min(n_frames, video.video.n_frames + lag)
    theirs = read_frames(store.path(source.original), source.video, "gray", first=first, n=last - first)
    ours = read_frames(store.path(video.original), video.video, "gray", first=first - lag, n=last - first)
    touched = np.zeros(n_frames, bool)
    touched[first:last] = moved_frames(zip(theirs, ours, strict=True), mouths[first:last], eyes[first:last])
    return touched


def _lips(desk: Desk, video: Source, said: Timeline, is_moved: Mask, is_judged: Mask) -> LipSync:
    """`is_moved`, `is_judged`: (n_faces, n_frames)."""
    store = desk.open_store()
    decision = np.where(is_moved, 0, np.where(is_judged, 2, 1)).astype(np.uint8)
    log = RenderLog((MOVED, NOBODY, SAME), decision, np.full(decision.shape, np.nan, np.float32))
    with store.scratch() as folder:
        log.save(folder / "log.npz")
        artifact = store.put(folder / "log.npz", "application/x-npz")
    return LipSync(
        locale=said.locale,
        engine=UNKNOWN_ENGINE,
        n_frames=decision.shape[1],
        video=video.original,
        log=artifact,
        counts=log.counts(),
    )
