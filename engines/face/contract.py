"""Face tracking: where each person's face is, frame by frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from dub.source import VideoFacts

Floats = npt.NDArray[np.float32]

LEFT_EYE, RIGHT_EYE = 33, 263
"""Outer eye corners; their distance (IOD) is the unit of every mouth measure."""
INNER_LIP_TOP, INNER_LIP_BOTTOM = 13, 14
MOUTH_CORNERS = (61, 291)
PER_FRAME = ("points", "yaw_deg", "pitch_deg", "roll_deg", "pucker", "jaw_open", "sharpness", "brightness")
"""The fields of TrackedFace that have one value per frame."""


@dataclass(frozen=True)
class TrackedFace:
    """One person's face through a title, in the numbering of MediaPipe's 478-point face mesh.

    `point_ids` int16 (n_points,): which mesh points are kept. `points` float32 (n_frames, n_points, 2): displayed
    pixels (the first pixel's centre is 0.5), NaN where no face was found; not smoothed in time.
    `yaw_deg`, `pitch_deg`, `roll_deg` (n_frames,): head pose, 0 = facing the camera; a turn of 40 degrees
    reads as 22 to 24. `pucker` (n_frames,): 0..1, lips
    rounded forward. `jaw_open` (n_frames,): 0..1. `sharpness` (n_frames,): mean squared Laplacian of the luma in the
    mouth box (grey levels squared). `brightness` (n_frames,): mean luma there, 0..255.
    `shots` int32: first frame of every shot, the first is 0.
    """

    point_ids: npt.NDArray[np.int16]
    points: Floats
    yaw_deg: Floats
    pitch_deg: Floats
    roll_deg: Floats
    pucker: Floats
    jaw_open: Floats
    sharpness: Floats
    brightness: Floats
    shots: npt.NDArray[np.int32]

    @property
    def n_frames(self) -> int:
        return len(self.points)

    @property
    def is_found(self) -> npt.NDArray[np.bool_]:
        """(n_frames,): the face was seen."""
        found: npt.NDArray[np.bool_] = np.isfinite(self.points[:, 0, 0])
        return found

    def at(self, *mesh_ids: int) -> Floats:
        """Points by mesh number: (n_frames, len(mesh_ids), 2). Raises KeyError for a point that was not kept."""
        where = {int(mesh_id): column for column, mesh_id in enumerate(self.point_ids)}
        return self.points[:, [where[mesh_id] for mesh_id in mesh_ids]]

    def distance_px(self, one: int, other: int) -> Floats:
        """(n_frames,): pixels between two mesh points; NaN without a face."""
        pair = self.at(one, other)
        distance: Floats = np.linalg.norm(pair[:, 0] - pair[:, 1], axis=1)
        return distance

    @property
    def iod_px(self) -> Floats:
        """(n_frames,): inter-ocular distance."""
        return self.distance_px(LEFT_EYE, RIGHT_EYE)

    @property
    def aperture(self) -> Floats:
        """(n_frames,): height of the inner lips' opening in IOD. Real lips in contact read under 0.005, closures under
        0.02; talking reaches 0.2 to 0.33."""
        return self.distance_px(INNER_LIP_TOP, INNER_LIP_BOTTOM) / self.iod_px

    @property
    def mouth_width(self) -> Floats:
        """(n_frames,): distance of the mouth's corners in IOD."""
        return self.distance_px(*MOUTH_CORNERS) / self.iod_px

    @classmethod
    def empty(cls, n_frames: int, point_ids: npt.NDArray[np.int16], shots: npt.NDArray[np.int32]) -> TrackedFace:
        """A person who is seen in no frame: NaN throughout, to be filled."""
        return cls(
            point_ids=point_ids,
            points=np.full((n_frames, len(point_ids), 2), np.nan, np.float32),
            shots=shots,
            **{name: np.full(n_frames, np.nan, np.float32) for name in PER_FRAME[1:]},
        )


def shot_numbers(face: TrackedFace | TrackedFaces) -> npt.NDArray[np.int64]:
    """(n_frames,): which shot each frame belongs to."""
    return np.searchsorted(face.shots, np.arange(face.n_frames), side="right") - 1


@dataclass(frozen=True)
class TrackedFaces:
    """Everyone who is seen in a title: one TrackedFace per person, the same person in every shot that shows them.

    In order of how many frames they are seen in, most first; () where nobody is. All are of `n_frames` frames and share
    `shots` (first frame of every shot).
    """

    n_frames: int
    shots: npt.NDArray[np.int32]
    faces: tuple[TrackedFace, ...]

    @property
    def is_found(self) -> npt.NDArray[np.bool_]:
        """(n_frames,): somebody's face was seen."""
        found = np.zeros(self.n_frames, bool)
        for face in self.faces:
            found |= face.is_found
        return found

    def on_stage(self, who: npt.NDArray[np.int64]) -> TrackedFace:
        """One track that shows face `who[i]` in frame i, and nobody where that is negative; `who` (n_frames,)."""
        if not self.faces:
            raise ValueError("nobody is seen in this title")
        shown = TrackedFace.empty(self.n_frames, self.faces[0].point_ids, self.shots)
        for k, face in enumerate(self.faces):
            own = np.flatnonzero(who == k)
            for name in PER_FRAME:
                getattr(shown, name)[own] = getattr(face, name)[own]
        return shown

    def where(self, face: TrackedFace) -> TrackedFace:
        """One track that shows, in each frame, who is seen where `face` is seen: within half an eye distance of its
        mouth. `face` may be of another video of the same picture; frames beyond its end show nobody."""
        n = min(self.n_frames, face.n_frames)
        middle = face.at(*MOUTH_CORNERS).mean(axis=1)[:n]
        who = np.full(self.n_frames, -1, np.int64)
        nearest = np.full(n, 0.5)
        for k, other in enumerate(self.faces):
            away = np.linalg.norm(other.at(*MOUTH_CORNERS).mean(axis=1)[:n] - middle, axis=1) / face.iod_px[:n]
            nearer = np.flatnonzero(away < nearest)  # NaN (not seen) is never nearer
            who[nearer], nearest[nearer] = k, away[nearer]
        return self.on_stage(who)

    @classmethod
    def joined(cls, parts: Sequence[TrackedFaces]) -> TrackedFaces:
        """Tracks of one picture's parts, in order, as one. Everybody of a part is there, but face k of one part is not
        face k of another: ask `where` for a person by place."""
        starts = np.cumsum([0, *(part.n_frames for part in parts)])
        shots = np.concatenate([part.shots + start for part, start in zip(parts, starts, strict=False)]).astype(
            np.int32
        )
        faces = []
        for k in range(max(len(part.faces) for part in parts)):
            point_ids = next(part.faces[k].point_ids for part in parts if k < len(part.faces))
            face = TrackedFace.empty(int(starts[-1]), point_ids, shots)
            for part, start in zip(parts, starts, strict=False):
                if k < len(part.faces):
                    for name in PER_FRAME:
                        getattr(face, name)[start : start + part.n_frames] = getattr(part.faces[k], name)
            faces.append(face)
        return cls(int(starts[-1]), shots, tuple(faces))

    def save(self, path: Path) -> None:
        """Write an .npz (FaceTrack.landmarks)."""
        arrays = {
            f"{k}/{field.name}": getattr(face, field.name)
            for k, face in enumerate(self.faces)
            for field in fields(face)
            if field.name != "shots"
        }
        with path.open("wb") as file:
            np.savez_compressed(file, n_frames=np.int64(self.n_frames), shots=self.shots, **arrays)

    @classmethod
    def load(cls, path: Path) -> TrackedFaces:
        with np.load(path, allow_pickle=False) as arrays:
            n_faces = sum(key.endswith("/points") for key in arrays.files)
            names = [field.name for field in fields(TrackedFace) if field.name != "shots"]
            faces = tuple(
                TrackedFace(shots=arrays["shots"], **{name: arrays[f"{k}/{name}"] for name in names})
                for k in range(n_faces)
            )
            return cls(int(arrays["n_frames"]), arrays["shots"], faces)


class FaceTracker(Protocol):
    def track(self, video: Path, facts: VideoFacts) -> TrackedFaces:
        """Follow every face through all `facts.n_frames` frames and say which ones are the same person. No face
        anywhere is an answer, not an error. Deterministic; streams the frames; reports `dub.progress` in frames.
        Thread-safe (calls may queue)."""
        ...
