"""Which shots show the same face: one person's mouth must never be set into another's face.

Told from the proportions of the parts that speech does not move. Between five faces they differ by 0.033 to 0.14 IOD
(root mean square over the points), within one face from first half to second by 0.005 to 0.018, with much nodding by
0.032 (measured). The limit errs towards two faces: that costs variety, the other error costs a stranger's mouth.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engines.face.contract import TrackedFace, TrackedFaces, shot_numbers

UNLIKE = 0.03
MEASURED = (33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 98, 327, 2, 1, 61, 291, 0, 50, 280, 205, 425, 234, 454, 93, 323)
CALM_YAW_DEG, CALM_PITCH_DEG = 8.0, 12.0


def face_numbers(face: TrackedFace) -> npt.NDArray[np.int64]:
    """(n_shots,): equal numbers for shots that show the same face, from 0; -1 for shots without one."""
    shots = shot_numbers(face)
    numbers = np.full(len(face.shots), -1, np.int64)
    known: list[npt.NDArray[np.float64]] = []
    for shot in range(len(face.shots)):
        frames = np.flatnonzero((shots == shot) & face.is_found)
        if not len(frames):
            continue
        proportions = _proportions(face, frames)
        unlike = [float(np.sqrt(np.square(proportions - other).sum(axis=1).mean())) for other in known]
        if unlike and min(unlike) < UNLIKE:
            numbers[shot] = int(np.argmin(unlike))
        else:
            numbers[shot] = len(known)
            known.append(proportions)
    return numbers


def by_person(face: TrackedFace) -> TrackedFaces:
    """A track of one face per shot as one track per person, who is seen most first."""
    of_frames = np.where(face.is_found, face_numbers(face)[shot_numbers(face)], -1)
    n_frames_of = np.bincount(of_frames[of_frames >= 0])
    whole = TrackedFaces(face.n_frames, face.shots, (face,))
    persons = [np.where(of_frames == k, 0, -1) for k in np.argsort(-n_frames_of, kind="stable")]
    return TrackedFaces(face.n_frames, face.shots, tuple(whole.on_stage(own) for own in persons))


def _proportions(face: TrackedFace, frames: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """(n, 2): where the measured points lie, eye corners level and one unit apart; median over calm frames, or over
    the calmest tenth."""
    turn = np.abs(face.yaw_deg[frames]) / CALM_YAW_DEG + np.abs(face.pitch_deg[frames]) / CALM_PITCH_DEG
    calm = frames[turn <= max(1.0, float(np.quantile(turn, 0.1)))]
    calm = calm[:: max(1, len(calm) // 500)]
    points = face.at(*MEASURED)[calm].astype(np.float64)
    left, right = face.at(33)[calm, 0], face.at(263)[calm, 0]
    across = (right - left).astype(np.float64)
    scale = np.square(across).sum(axis=1)[:, None]
    x, y = np.moveaxis(points - ((left + right) / 2)[:, None], -1, 0)
    level = np.stack(
        [(across[:, :1] * x + across[:, 1:] * y) / scale, (across[:, :1] * y - across[:, 1:] * x) / scale], axis=-1
    )
    return np.asarray(np.median(level, axis=0))
