"""Face tracking: where the one face of a title is, frame by frame."""

from __future__ import annotations

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


@dataclass(frozen=True)
class TrackedFace:
    """One face through a title, in the numbering of MediaPipe's 478-point face mesh.

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

    def save(self, path: Path) -> None:
        """Write an .npz (FaceTrack.landmarks)."""
        with path.open("wb") as file:
            np.savez(file, **{field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def load(cls, path: Path) -> TrackedFace:
        with np.load(path, allow_pickle=False) as arrays:
            return cls(**{field.name: arrays[field.name] for field in fields(cls)})


class FaceTracker(Protocol):
    def track(self, video: Path, facts: VideoFacts) -> TrackedFace:
        """Follow the largest face through all `facts.n_frames` frames. No face anywhere is an answer (all NaN), not an
        error. Deterministic; streams the frames; reports `dub.progress` in frames. Thread-safe (calls may queue)."""
        ...
