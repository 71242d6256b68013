"""The review's eyes on everybody else: mouths of faces that have nothing to say, before and after lip-sync."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dub.check_on_screen import Bystander, Mask, idle_frames, moved_frames
from dub.media import read_frames
from dub.mix import Dub
from dub.mouth_pictures import MouthBox, Picture, mouth_boxes
from dub.on_screen import ShownRun
from dub.source import Source, VideoFacts
from dub.store import Store
from engines.face.contract import LEFT_EYE, MOUTH_CORNERS, RIGHT_EYE, TrackedFace, TrackedFaces
from engines.lipsync.contract import RenderLog

PIXELS_EVERY = 5
"""Frames between two looks at the pixels of an idle mouth."""
CHANGED_OVER_EYES, CHANGED_LEVELS = 2.0, 3.0
"""A mouth box was changed if it differs from the source's by more than this many times what the same face's eyes do,
plus so many grey levels: encoding changes both alike."""
APART_IOD = 1.5
"""Nearer than this to a mouth that was moved, a box may show part of that one."""


def watch_bystanders(
    store: Store,
    source: Source,
    facts: VideoFacts,
    dub: Dub,
    before: TrackedFaces,
    after: TrackedFaces,
    shown: Sequence[ShownRun],
    log: RenderLog,
) -> tuple[Bystander, ...]:
    """One per face of `before`. `after`: everybody in the dub's file, of `facts`. `shown`: whose mouth says what, in
    the source and in the dub."""
    n_frames, rate = source.video.n_frames, source.video.frame_rate
    rendered = log.is_rendered()
    idle = [idle_frames(k, face.is_found, shown, rate) for k, face in enumerate(before.faces)]
    moved = [
        moved_frames(face.aperture, _fitted(after.where(face), n_frames), face.iod_px) | rendered[k % len(rendered)]
        for k, face in enumerate(before.faces)
    ]
    if (facts.width_px, facts.height_px) == (source.video.width_px, source.video.height_px):
        for k, changed in enumerate(_changed_pixels(store, source, facts, dub, before, idle, rendered)):
            moved[k] |= changed
    return tuple(Bystander(*of_face) for of_face in zip(idle, moved, strict=True))


def _fitted(face: TrackedFace, n_frames: int) -> np.ndarray:
    aperture = np.full(n_frames, np.nan, np.float32)
    n = min(n_frames, face.n_frames)
    aperture[:n] = face.aperture[:n]
    return aperture


def _changed_pixels(
    store: Store,
    source: Source,
    facts: VideoFacts,
    dub: Dub,
    faces: TrackedFaces,
    idle: Sequence[Mask],
    rendered: np.ndarray,
) -> list[Mask]:
    """Per face (n_frames,): the idle mouth's picture is not the source's; looked at every PIXELS_EVERY frames, each
    look standing for its neighbours."""
    n_frames = source.video.n_frames
    changed = [np.zeros(n_frames, bool) for _ in faces.faces]
    frames = [frame for frame in range(0, min(n_frames, facts.n_frames), PIXELS_EVERY) if any(i[frame] for i in idle)]
    if not frames:
        return changed
    mouths = [face.at(*MOUTH_CORNERS).mean(axis=1) for face in faces.faces]
    eyes = [face.at(LEFT_EYE, RIGHT_EYE).mean(axis=1) for face in faces.faces]
    boxes = [
        [mouth_boxes(centre[k], face.iod_px, facts.width_px, facts.height_px) for centre in (mouths, eyes)]
        for k, face in enumerate(faces.faces)
    ]
    pictures = zip(
        frames,
        read_frames(store.path(source.original), source.video, "gray", only=frames),
        read_frames(store.path(dub.video), facts, "gray", only=frames),
        strict=True,
    )
    for frame, was, now in pictures:
        for k, face in enumerate(faces.faces):
            mouth, eye = (of_part[frame] for of_part in boxes[k])
            if not idle[k][frame] or mouth is None or eye is None:
                continue
            away = [
                float(np.linalg.norm(mouths[j][frame] - mouths[k][frame])) / float(face.iod_px[frame])
                for j in range(len(faces.faces))
                if j != k and rendered[j % len(rendered), frame]
            ]
            if min(away, default=np.inf) < APART_IOD:
                continue
            at_mouth, at_eyes = _difference(mouth, was, now), _difference(eye, was, now)
            if at_mouth > CHANGED_OVER_EYES * at_eyes + CHANGED_LEVELS:
                changed[k][frame : frame + PIXELS_EVERY] = True
    return changed


def _difference(box: MouthBox, was: Picture, now: Picture) -> float:
    """Mean change of a box, in grey levels."""
    return float(np.abs(box.of(was).astype(np.int16) - box.of(now).astype(np.int16)).mean())
