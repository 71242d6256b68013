"""Track everybody's face: once per source."""

from __future__ import annotations

from dub.source import FaceTrack, Source
from dub.stage import Desk, EngineChoice, stage
from engines import registry

NPZ = "application/x-npz"


@stage(version=2, n_cpu=1)
def track_faces(desk: Desk, source: Source, engine: EngineChoice) -> FaceTrack:
    """Where each person's face is in every frame of the picture. No face at all is an answer: `n_found` is 0."""
    store = desk.open_store()
    tracker = registry.load("face", engine.id, **engine.options)
    with store.scratch() as folder:
        faces = tracker.track(store.path(source.original), source.video)
        faces.save(folder / "faces.npz")
        return FaceTrack(
            engine=engine.id,
            n_frames=faces.n_frames,
            n_found=int(faces.is_found.sum()),
            n_faces=len(faces.faces),
            landmarks=store.put(folder / "faces.npz", NPZ),
            shots=tuple(int(first) for first in faces.shots),
        )
