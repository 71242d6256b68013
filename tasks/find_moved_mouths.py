"""Find moved mouths: what somebody's dub did to the picture, read off its pixels beside the source's."""

from __future__ import annotations

import numpy as np

from dub.compare_pictures import Comparison, compare, lower_faces
from dub.foreign_dub import MovedMouths
from dub.lips import LipSync
from dub.mouth_metrics import Mask
from dub.mouth_pictures import mouth_boxes
from dub.on_screen import OnScreen
from dub.script import DubScript, Timeline
from dub.source import FaceTrack, Source
from dub.stage import Desk, stage
from engines.face.contract import MOUTH_CORNERS, TrackedFaces
from engines.lipsync.contract import RenderLog
from tasks.review_mouth import on_stage

MOVED, NOBODY, SAME = "rendered: unlike the source's", "kept: nobody speaks on screen", "kept: the source's own mouth"
UNKNOWN_ENGINE = "not known"
MOVED_RATIO, MOVED_LEVELS, STEADY_FRAMES = 1.5, 0.2, 7
"""A mouth was moved where its box differs from the source's by so many times what the picture around the face does, and
so many grey levels more, in the median of so many frames. Untouched mouths of three clips, encoded anew by x264 at crf
18, 28 and 35, reach 1.34 times; of 208 frames that our own lip-sync painted 194 are found, and none of the others."""


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
    face, raster = faces.on_stage(who), (source.video.width_px, source.video.height_px)
    centre = face.at(*MOUTH_CORNERS).mean(axis=1)
    compared = compare(
        store.path(source.original), source.video, store.path(video.original), video.video,
        mouth_boxes(centre, face.iod_px, *raster), lower_faces(centre, face.iod_px, *raster),
    )  # fmt: skip
    if isinstance(compared, str):
        return MovedMouths(lips=None, why=compared)
    touched = np.zeros(n_frames, bool)
    n = min(n_frames, video.video.n_frames)
    touched[:n] = _moved(compared)[:n]
    own = who[None] == np.arange(len(faces.faces))[:, None]
    return MovedMouths(lips=_lips(desk, video, said, own & touched, own), lag=compared.lag)


def _moved(compared: Comparison) -> Mask:
    """(n_frames,) of the dub. Steadier than Comparison.is_touched, which judges every frame alone."""
    over = compared.mouth_change - MOVED_RATIO * compared.ring_change - MOVED_LEVELS
    over = np.pad(np.where(compared.is_compared, over, -np.inf), STEADY_FRAMES // 2, "edge")
    steady: Mask = np.median(np.lib.stride_tricks.sliding_window_view(over, STEADY_FRAMES), axis=1) > 0
    return steady & compared.is_compared


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
