"""Track the speaking face: once per source."""

from __future__ import annotations

from dub.source import FaceTrack, Source
from dub.stage import Desk, EngineChoice, stage
from engines import registry

NPZ = "application/x-npz"


@stage(version=1, n_cpu=1)
def track_faces(desk: Desk, source: Source, engine: EngineChoice) -> FaceTrack:
    """Where the face is in every frame of the source's picture. No face at all is an answer: `n_found` is 0."""
    store = desk.open_store()
    tracker = registry.load("face", engine.id, **engine.options)
    with store.scratch() as folder:
        face = tracker.track(store.path(source.original), source.video)
        face.save(folder / "face.npz")
        return FaceTrack(
            engine=engine.id,
            n_frames=face.n_frames,
            n_found=int(face.is_found.sum()),
            landmarks=store.put(folder / "face.npz", NPZ),
            shots=tuple(int(first) for first in face.shots),
        )
