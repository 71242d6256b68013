"""Is something in front of the mouth? A hand, a cup, a microphone: told from this face's own pictures.

Every frame's lower face is brought to one place and made small: a few hundred cells. How this speaker's lower face may
look is learnt from the title itself: first the frames that look like many others, then whatever continues them (a mouth
opens by degrees, a hand is there at once), as a plane through all cells. A frame that lies far off that plane shows
something else. The mouth's own opening is left out: teeth and tongue come and go as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dub import media, progress
from dub.source import VideoFacts
from engines.face.contract import TrackedFace
from engines.lipsync import mouth_geometry as geometry

Floats = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

CELL = 0.06
"""Side of a cell, IOD; FINER x FINER pixels are looked up in it and averaged."""
FINER = 3
HALF_WIDTH, HALF_HEIGHT = 0.42, 0.30
"""What is looked at around the lips' middle, IOD."""
CHROMA_WEIGHT = 2.0
MARGIN = 0.03
"""How much more than the mouth's opening is left out, above and below, IOD."""
KNOWN_SHARE = 0.1
"""A cell that counts in fewer frames than this is not judged by: nobody knows how it looks."""
LARGEST_YAW_DEG = 24.0

FEWEST_FRAMES, MOST_FRAMES = 50, 1200
"""Fewer frames tell nothing of what is usual; of more, evenly chosen ones are learnt from."""
USUAL_SHARE, LIKE_SHARE = 0.55, 0.35
"""The frames to start from: those that are nearest to this share of all others."""
N_DIRECTIONS = 14
CONTINUES = 2.8
"""A frame this many times as far off as the usual one still belongs to the face when learning."""
FOREIGN = 2.8
"""Beyond this it is covered: on five clips real faces (beard, glasses, sunglasses) reach it in under 1 % of the frames,
hands in the skin's own colour and microphones in over 95 %."""
LEAST_SPREAD = 1.4
"""Grey levels: what the camera's noise alone may be."""
N_ROUNDS = 12
BRIDGE_FRAMES, AROUND_FRAMES, FEWEST_COVERED = 5, 2, 3
"""Gaps that are filled, frames added at both ends (it comes and goes by degrees), and the shortest run that counts."""


def covered_frames(video: Path, facts: VideoFacts, faces: Mapping[int, TrackedFace]) -> dict[int, Mask]:
    """For each face, by its number: (n_frames,), something is in front of its mouth. One pass over the video."""
    lower_faces = {k: LowerFace(face) for k, face in faces.items() if face.is_found.any()}
    for i, frame in enumerate(media.read_frames(video, facts) if lower_faces else ()):
        for lower_face in lower_faces.values():
            lower_face.see(i, frame)
        progress.report(i + 1, facts.n_frames)
    nothing = np.zeros(facts.n_frames, bool)
    return {k: lower_faces[k].is_covered() if k in lower_faces else nothing for k in faces}


class LowerFace:
    """One person's lower face, gathered frame by frame; then asked which frames are foreign."""

    def __init__(self, face: TrackedFace) -> None:
        self._face = face
        self._placement = geometry.place(face, geometry.rigid_template(face))
        shapes = self._placement.to_canonical(face.at(*geometry.SHAPE_POINTS))
        self._inner_lips = shapes[:, geometry.N_LIP : 3 * geometry.N_LIP]
        middle, nose = (float(np.nanmedian(shapes[:, k, 1])) for k in (slice(0, 4 * geometry.N_LIP), geometry.NOSE))
        self._x = np.arange(-HALF_WIDTH, HALF_WIDTH, CELL)
        self._y = np.arange(max(nose, middle - HALF_HEIGHT), middle + HALF_HEIGHT, CELL)
        self._nose = np.array([-0.15, 0.05, 0.3, max(0.1, nose - 0.15)])
        n = face.n_frames
        self._cells = np.zeros((n, 3, len(self._y), len(self._x)), np.uint8)
        self._light = np.zeros((n, 3), np.float32)

    def see(self, i: int, frame: Bytes) -> None:
        """Keep the cells of planar yuv420p frame `i`, and the colour of the nose: the light that falls on the face."""
        if not np.isfinite(self._placement.terms[i]).all():
            return
        height, width = frame.shape[0] * 2 // 3, frame.shape[1]
        chroma = frame[height:].reshape(2, height // 2, width // 2)
        lips = np.array([self._x[0], self._y[0], CELL * len(self._x), CELL * len(self._y)])
        size = len(self._x), len(self._y)
        for k, (plane, scale) in enumerate(((frame[:height], 1.0), (chroma[0], 0.5), (chroma[1], 0.5))):
            self._cells[i, k] = self._looked_up(plane, scale, i, lips, size)
            self._light[i, k] = np.median(self._looked_up(plane, scale, i, self._nose, (6, 6)))

    def _looked_up(self, plane: Bytes, scale: float, i: int, box: Floats, size: tuple[int, int]) -> Bytes:
        """Canonical `box` (x, y, width, height) as `size` (columns, rows) means; `scale`: plane to picture."""
        import cv2

        a, b, tx, ty = self._placement.terms[i]
        turn = np.array([[a, -b], [b, a]])
        step = box[2:] / (np.array(size) * FINER)
        first = turn @ (box[:2] + step / 2) + [tx, ty]
        matrix = np.concatenate([turn * step, first[:, None]], axis=1) * scale
        matrix[:, 2] -= 0.5
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        fine_size = (size[0] * FINER, size[1] * FINER)
        fine = cv2.warpAffine(plane, matrix, fine_size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(cv2.resize(fine, size, interpolation=cv2.INTER_AREA), np.uint8)

    def is_covered(self) -> Mask:
        """(n_frames,). A face that is turned too far to be rendered is not judged."""
        face = self._face
        judged = np.flatnonzero(face.is_found & (np.abs(face.yaw_deg) <= LARGEST_YAW_DEG))
        covered = np.zeros(face.n_frames, bool)
        if len(judged) < FEWEST_FRAMES:
            return covered
        light = np.median(self._light[judged], axis=0)
        usual = _Usual.learnt(*self._seen(judged[:: -(-len(judged) // MOST_FRAMES)], light))
        for start in range(0, len(judged), MOST_FRAMES):
            piece = judged[start : start + MOST_FRAMES]
            covered[piece] = usual.off(*self._seen(piece, light)) > FOREIGN * usual.spread
        return _lasting(covered)

    def _seen(self, frames: npt.NDArray[np.int64], light: npt.NDArray[np.floating]) -> tuple[Floats, Floats]:
        """Cells (n, d) of `frames` as they would look in `light` (3,), and 1 where a cell counts, else 0."""
        cells = self._cells[frames].astype(np.float64)
        cells[:, 0] *= (light[0] / np.maximum(self._light[frames, 0], 8))[:, None, None]
        cells[:, 1:] += (light[1:] - self._light[frames, 1:])[:, :, None, None]
        cells[:, 1:] *= CHROMA_WEIGHT
        counts = np.repeat(~self._is_inside_mouth(frames)[:, None], 3, axis=1)
        return cells.reshape(len(frames), -1), counts.reshape(len(frames), -1).astype(np.float64)

    def _is_inside_mouth(self, frames: npt.NDArray[np.int64]) -> Mask:
        """(n, rows, columns): an ellipse a little larger than the opening."""
        aperture, width = self._face.aperture[frames], self._face.mouth_width[frames]
        middle = self._inner_lips[frames].mean(axis=1)
        x = (self._x + CELL / 2 - middle[:, :1]) / (0.425 * width[:, None])
        y = (self._y + CELL / 2 - middle[:, 1:]) / (aperture[:, None] / 2 + MARGIN)
        inside: Mask = np.square(x)[:, None] + np.square(y)[:, :, None] < 1
        return inside


class _Usual:
    """The plane through some frames' looks: mean (d,), orthonormal directions (k, d), and which cells are known (d,).
    `spread`: how far off it the usual frame is, in grey levels."""

    def __init__(self, looks: Floats, counts: Floats) -> None:
        n_counted = counts.sum(axis=0)
        self._is_known = n_counted >= KNOWN_SHARE * len(counts)
        self._mean = (looks * counts).sum(axis=0) / np.maximum(n_counted, 1)
        away = (looks - self._mean) * counts * self._is_known
        self._directions = np.linalg.eigh(away.T @ away)[1][:, : -N_DIRECTIONS - 1 : -1].T
        self.spread = LEAST_SPREAD

    @classmethod
    def learnt(cls, looks: Floats, counts: Floats) -> _Usual:
        """From frames (n, d) of which some are foreign: grown from those that have many alike."""
        own = _alike(looks, counts)
        for _ in range(N_ROUNDS):
            usual = cls(looks[own], counts[own])
            off = usual.off(looks, counts)
            usual.spread = max(LEAST_SPREAD, float(np.median(off[own])))
            grown = off < CONTINUES * usual.spread
            if np.array_equal(grown, own):
                break
            own = grown
        return usual

    def off(self, looks: Floats, counts: Floats) -> Floats:
        """(n,): root mean square distance from the plane over the cells that count, which place the frame on it."""
        counts = counts * self._is_known
        away = (looks - self._mean) * counts
        place = away @ self._directions.T
        for _ in range(3):  # what does not count is filled from the plane itself
            place = (away + (1 - counts) * (place @ self._directions)) @ self._directions.T
        rest = (away - place @ self._directions) * counts
        return np.asarray(np.sqrt(np.square(rest).sum(axis=1) / np.maximum(counts.sum(axis=1), 1)))


def _alike(looks: Floats, counts: Floats) -> Mask:
    """(n,): the frames that need not go far to be like LIKE_SHARE of all others."""
    some = looks[:: -(-len(looks) // 300)]
    square = (counts * looks**2).sum(axis=1)[:, None] - 2 * (counts * looks) @ some.T + counts @ (some**2).T
    distance = square / np.maximum(counts.sum(axis=1), 1)[:, None]
    reach = np.quantile(distance, LIKE_SHARE, axis=1)
    alike: Mask = reach <= np.quantile(reach, USUAL_SHARE)
    return alike


def _lasting(covered: Mask) -> Mask:
    """Short gaps filled, runs of a frame or two dropped, the rest made a little longer."""
    lasting = np.zeros_like(covered)
    seen = np.flatnonzero(covered)
    for run in np.split(seen, np.flatnonzero(np.diff(seen) > BRIDGE_FRAMES) + 1):
        if len(run) >= FEWEST_COVERED:
            lasting[max(0, run[0] - AROUND_FRAMES) : run[-1] + 1 + AROUND_FRAMES] = True
    return lasting
