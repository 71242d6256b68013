"""Which tracklets show the same face: one person's mouth must never be set into another's face.

Told from the proportions of the parts that speech does not move, and from what the face looks like. Both vary with the
pose, so the longest tracklets are compared first and a face has to be like any one tracklet of a person. Measured
between five faces, on pieces of 4 s: proportions alone split 29 % of the pairs of one face if no two faces are to be
merged, with the look none; on pieces of 1 s 76 and 32 %. The limit errs towards two faces: that costs variety, the
other error costs a stranger's mouth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engines.face.contract import PER_FRAME, Floats, TrackedFace, TrackedFaces, shot_numbers
from engines.face.follow import Tracklet

UNLIKE_BY_PROPORTIONS = 0.03
"""Where no pixels are at hand: mean distance of the measured points, in eye distances."""
UNLIKE = 0.075
LOOK_WEIGHT = 0.2
"""With the look: that distance plus LOOK_WEIGHT x (1 - correlation of the looks)."""
MEASURED = (33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 98, 327, 2, 1, 61, 291, 0, 50, 280, 205, 425, 234, 454, 93, 323)
CALM_YAW_DEG, CALM_PITCH_DEG = 8.0, 12.0
MOST_PERSONS = 8
MOST_ROWS = 500_000
"""Persons are kept while all their frames together stay under this (a row takes 1.3 kB), and MOST_PERSONS always."""


@dataclass(frozen=True)
class _Piece:
    """What is compared of one tracklet. `frames` (n,); `proportions` (n_measured, 2); `look` (side, side) or None."""

    frames: npt.NDArray[np.int64]
    proportions: npt.NDArray[np.float64]
    look: Floats | None


def persons(
    tracklets: Sequence[Tracklet], n_frames: int, point_ids: npt.NDArray[np.int16], shots: npt.NDArray[np.int32]
) -> TrackedFaces:
    """One track per person, who is seen most first. Two faces that are seen in one frame are never one person.

    Beyond MOST_PERSONS and MOST_ROWS who is seen least is left out, so that memory is bounded.
    """
    where = {int(mesh_id): column for column, mesh_id in enumerate(point_ids)}
    pieces = [
        _piece(
            np.array(tracklet.frames),
            tracklet.column("points")[:, [where[i] for i in MEASURED]],
            tracklet.column("yaw_deg"),
            tracklet.column("pitch_deg"),
            np.mean(tracklet.looks, axis=0) if tracklet.looks else None,
        )
        for tracklet in tracklets
    ]
    groups = _groups(pieces)
    groups.sort(key=lambda group: -sum(len(pieces[k].frames) for k in group))
    faces = []
    for group in groups[: max(MOST_PERSONS, MOST_ROWS // max(1, n_frames))]:
        face = TrackedFace.empty(n_frames, point_ids, shots)
        for k in group:
            for name in PER_FRAME:
                getattr(face, name)[pieces[k].frames] = tracklets[k].column(name)
        faces.append(face)
    return TrackedFaces(n_frames, shots, tuple(faces))


def by_person(face: TrackedFace) -> TrackedFaces:
    """A track of one face per shot as one track per person, who is seen most first."""
    numbers = face_numbers(face)
    of_frames = np.where(face.is_found, numbers[shot_numbers(face)], -1)
    n_frames_of = np.bincount(of_frames[of_frames >= 0])
    whole = TrackedFaces(face.n_frames, face.shots, (face,))
    own = [np.where(of_frames == k, 0, -1) for k in np.argsort(-n_frames_of, kind="stable")]
    return TrackedFaces(face.n_frames, face.shots, tuple(whole.on_stage(frames) for frames in own))


def face_numbers(face: TrackedFace) -> npt.NDArray[np.int64]:
    """(n_shots,): equal numbers for shots that show the same face, from 0; -1 for shots without one."""
    shots = shot_numbers(face)
    numbers = np.full(len(face.shots), -1, np.int64)
    seen = [np.flatnonzero((shots == shot) & face.is_found) for shot in range(len(face.shots))]
    filled = [shot for shot, frames in enumerate(seen) if len(frames)]
    measured = face.at(*MEASURED)
    pieces = [
        _piece(seen[shot], measured[seen[shot]], face.yaw_deg[seen[shot]], face.pitch_deg[seen[shot]], None)
        for shot in filled
    ]
    for number, group in enumerate(sorted(_groups(pieces), key=min)):
        numbers[[filled[k] for k in group]] = number
    return numbers


def _groups(pieces: Sequence[_Piece]) -> list[list[int]]:
    """Pieces by person. The longest first: what is seen long is known best."""
    groups: list[list[int]] = []
    for k in sorted(range(len(pieces)), key=lambda k: -len(pieces[k].frames)):
        unlike = [_unlike(pieces[k], [pieces[j] for j in group]) for group in groups]
        if unlike and min(unlike) < 1:
            groups[int(np.argmin(unlike))].append(k)
        else:
            groups.append([k])
    return groups


def _unlike(piece: _Piece, person: Sequence[_Piece]) -> float:
    """Under 1 for the same face."""
    if any(len(np.intersect1d(piece.frames, other.frames)) for other in person):
        return float("inf")
    return min(_difference(piece, other) for other in person)


def _difference(one: _Piece, other: _Piece) -> float:
    apart = float(np.sqrt(np.square(one.proportions - other.proportions).sum(axis=1).mean()))
    if one.look is None or other.look is None:
        return apart / UNLIKE_BY_PROPORTIONS
    a, b = (_inner(look) for look in (one.look, other.look))
    return (apart + LOOK_WEIGHT * (1 - float((a * b).mean()))) / UNLIKE


def _inner(look: Floats) -> Floats:
    """The face's own oval of a look, without its mean and contrast: what is beside it is background and hair."""
    y, x = (np.mgrid[: len(look), : len(look)] + 0.5) / len(look) - 0.5
    inner = look[(x / 0.34) ** 2 + (y / 0.47) ** 2 < 1]
    return np.asarray((inner - inner.mean()) / (inner.std() + 1e-6), np.float32)


def _piece(
    frames: npt.NDArray[np.int64], points: Floats, yaw_deg: Floats, pitch_deg: Floats, look: Floats | None
) -> _Piece:
    return _Piece(frames, _proportions(points, yaw_deg, pitch_deg), look)


def _proportions(points: Floats, yaw_deg: Floats, pitch_deg: Floats) -> npt.NDArray[np.float64]:
    """(n, 2): where the measured `points` (n_frames, n, 2) lie, eye corners level and one unit apart; median over calm
    frames, or over the calmest tenth."""
    turn = np.abs(yaw_deg) / CALM_YAW_DEG + np.abs(pitch_deg) / CALM_PITCH_DEG
    calm = np.flatnonzero(turn <= max(1.0, float(np.quantile(turn, 0.1))))
    calm = calm[:: max(1, len(calm) // 500)]
    of_calm = points[calm].astype(np.float64)
    left, right = of_calm[:, MEASURED.index(33)], of_calm[:, MEASURED.index(263)]
    across = right - left
    scale = np.square(across).sum(axis=1)[:, None]
    x, y = np.moveaxis(of_calm - ((left + right) / 2)[:, None], -1, 0)
    level = np.stack(
        [(across[:, :1] * x + across[:, 1:] * y) / scale, (across[:, :1] * y - across[:, 1:] * x) / scale], axis=-1
    )
    return np.asarray(np.median(level, axis=0))
