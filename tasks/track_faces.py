"""Track everybody's face: once per source, and again in every part of a dub."""

from __future__ import annotations

import numpy as np

from dub.artifact import Artifact
from dub.lips import RenderedPart
from dub.source import FaceTrack, Source, VideoFacts
from dub.stage import Desk, EngineChoice, stage
from engines import registry
from engines.face.contract import TrackedFaces

NPZ = "application/x-npz"


@stage(version=2, n_cpu=1)
def track_faces(desk: Desk, source: Source, engine: EngineChoice) -> FaceTrack:
    """Where each person's face is in every frame of the picture. No face at all is an answer: `n_found` is 0."""
    return _tracked(desk, source.original, source.video, engine)


@stage(version=1, n_cpu=1)
def track_part(desk: Desk, source: Source, part: RenderedPart, engine: EngineChoice) -> FaceTrack:
    """Where each face is in a part of a dub, as it was encoded; frames count from the part's own first."""
    if part.video is None:
        return FaceTrack(engine=engine.id, n_frames=0, n_found=0, n_faces=0, landmarks=_nothing(desk), shots=())
    facts = source.video.model_copy(update={"n_frames": part.n_frames, "is_variable_rate": False})
    return _tracked(desk, part.video, facts, engine)


def _tracked(desk: Desk, video: Artifact, facts: VideoFacts, engine: EngineChoice) -> FaceTrack:
    store = desk.open_store()
    tracker = registry.load("face", engine.id, **engine.options)
    faces: TrackedFaces = tracker.track(store.path(video), facts)
    return FaceTrack(
        engine=engine.id,
        n_frames=faces.n_frames,
        n_found=int(faces.is_found.sum()),
        n_faces=len(faces.faces),
        landmarks=_kept(desk, faces),
        shots=tuple(int(first) for first in faces.shots),
    )


def _nothing(desk: Desk) -> Artifact:
    return _kept(desk, TrackedFaces(0, np.zeros(0, np.int32), ()))


def _kept(desk: Desk, faces: TrackedFaces) -> Artifact:
    store = desk.open_store()
    with store.scratch() as folder:
        faces.save(folder / "faces.npz")
        return store.put(folder / "faces.npz", NPZ)
