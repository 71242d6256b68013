"""The face brought into one frame of reference, and this speaker's mouth as a few numbers.

Canonical coordinates: the unit is the distance of the outer eye corners (IOD), the origin lies between them, x to the
picture's right, y down the face. A similarity transform per frame (from eye corners and nose, which speech hardly
moves) leads there; what it cannot undo, turning and nodding, is left to the shape model's yaw and pitch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engines.face import mediapipe_landmarker as mesh
from engines.face.contract import TrackedFace, shot_numbers

Floats = npt.NDArray[np.float64]

OUTER_TOP, INNER_TOP = mesh.OUTER_LIP_TOP, mesh.INNER_LIP_TOP
INNER_BOTTOM, OUTER_BOTTOM = mesh.INNER_LIP_BOTTOM, mesh.OUTER_LIP_BOTTOM
N_LIP = 11
"""Points on each of the four lip lines, corner to corner, left to right in the picture."""
JAW = (150, 149, 176, 148, 152, 377, 400, 378, 379)
NOSE_BASE = 2
SHAPE_POINTS = (*OUTER_TOP, *INNER_TOP, *INNER_BOTTOM, *OUTER_BOTTOM, *JAW, NOSE_BASE)
LIP_LINES = tuple(slice(k * N_LIP, (k + 1) * N_LIP) for k in range(4))
JAW_LINE = slice(4 * N_LIP, 4 * N_LIP + len(JAW))
CHIN = 4 * N_LIP + JAW.index(152)
NOSE = 4 * N_LIP + len(JAW)
MID = N_LIP // 2

SLOW_S = 0.35
"""Standard deviation of the filter that keeps expression and drift, and loses syllables."""
RIDGE = 0.05


@dataclass(frozen=True)
class Placement:
    """Per frame, canonical -> displayed pixels: x' = a x - b y + tx, y' = b x + a y + ty. `terms` (n_frames, 4) holds
    a, b, tx, ty; NaN without a face."""

    terms: Floats

    def to_canonical(self, points_px: npt.NDArray[np.floating]) -> Floats:
        """(n_frames, n, 2) pixels -> canonical."""
        a, b, tx, ty = (self.terms[:, k, None] for k in range(4))
        x, y = points_px[..., 0] - tx, points_px[..., 1] - ty
        scale = a * a + b * b
        return np.stack([(a * x + b * y) / scale, (a * y - b * x) / scale], axis=-1)

    @property
    def px_per_unit(self) -> Floats:
        return np.hypot(self.terms[:, 0], self.terms[:, 1])


def place(face: TrackedFace, template: Floats) -> Placement:
    """Similarity of each frame's rigid points to `template` (12, 2), steadied over three frames within shots."""
    terms = similarities(face.at(*mesh.RIGID).astype(np.float64), template)
    return Placement(smooth_within(terms, shot_numbers(face), np.array([0.25, 0.5, 0.25])))


def rigid_template(face: TrackedFace) -> Floats:
    """(12, 2): the rigid points of this speaker's frontal frames, averaged after alignment; canonical. Raises
    ValueError when the face is never found."""
    found = face.is_found
    frontal = found & (np.abs(face.yaw_deg) < 12) & (np.abs(face.pitch_deg) < 15)
    chosen = np.flatnonzero(frontal if frontal.sum() >= 10 else found)
    if not len(chosen):
        raise ValueError("no frame of the track has a face")
    points = face.at(*mesh.RIGID)[chosen[:: max(1, len(chosen) // 2000)]].astype(np.float64)
    template = points[0]
    for _ in range(4):
        template = _standing(template)
        aligned = Placement(similarities(points, template)).to_canonical(points)
        template = aligned.mean(axis=0)
    return _standing(template)


def _standing(rigid: Floats) -> Floats:
    """Eyes level, IOD 1, origin between the outer eye corners (the first and fourth rigid points)."""
    left, right = rigid[mesh.RIGID.index(33)], rigid[mesh.RIGID.index(263)]
    (dx, dy), middle = right - left, (left + right) / 2
    scale = dx * dx + dy * dy
    x, y = (rigid - middle).T
    return np.stack([(dx * x + dy * y) / scale, (dx * y - dy * x) / scale], axis=-1)


def similarities(points: Floats, template: Floats) -> Floats:
    """Least-squares a, b, tx, ty from template to each frame's points: (n_frames, 4)."""
    mean_t, mean_p = template.mean(axis=0), points.mean(axis=1)
    t, p = template - mean_t, points - mean_p[:, None]
    scale = (t * t).sum()
    a = (p[..., 0] * t[:, 0] + p[..., 1] * t[:, 1]).sum(axis=1) / scale
    b = (p[..., 1] * t[:, 0] - p[..., 0] * t[:, 1]).sum(axis=1) / scale
    tx = mean_p[:, 0] - a * mean_t[0] + b * mean_t[1]
    ty = mean_p[:, 1] - b * mean_t[0] - a * mean_t[1]
    return np.stack([a, b, tx, ty], axis=1)


def smooth_within(values: Floats, group: npt.NDArray[np.int64], kernel: Floats) -> Floats:
    """Filter (n_frames, k) along time with a symmetric kernel, never across groups and never from NaN frames."""
    reach = len(kernel) // 2
    is_there = np.isfinite(values).all(axis=1)
    sums, weights = np.zeros_like(values), np.zeros(len(values))
    filled = np.where(is_there[:, None], values, 0.0)
    n = len(values)
    for offset, share in zip(range(-reach, reach + 1), kernel, strict=True):
        to = slice(max(0, -offset), n - max(0, offset))
        of = slice(max(0, offset), n - max(0, -offset))
        counts = share * ((group[to] == group[of]) & is_there[of])
        sums[to] += counts[:, None] * filled[of]
        weights[to] += counts
    return np.where(is_there[:, None], sums / np.maximum(weights, 1e-12)[:, None], np.nan)


def gaussian(sd_frames: float) -> Floats:
    reach = max(1, round(2.5 * sd_frames))
    bell = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(sd_frames, 1e-6)) ** 2)
    return bell / bell.sum()


@dataclass(frozen=True)
class MouthMeasures:
    """(n_frames,) each, in IOD: aperture of the inner lips, width between the corners, height of the lower lip."""

    aperture: Floats
    width: Floats
    lip: Floats


def measure(face: TrackedFace) -> MouthMeasures:
    iod = face.iod_px.astype(np.float64)
    return MouthMeasures(
        aperture=face.aperture.astype(np.float64),
        width=face.mouth_width.astype(np.float64),
        lip=face.distance_px(14, 17) / iod,
    )


@dataclass(frozen=True)
class ShapeModel:
    """Where this speaker's lips and jaw lie for a mouth of given measures and a head of given pose: ridge regression
    over the speaker's own frames. `weights` (n_terms, n_points * 2); inputs are standardised by `mean` and `sd`."""

    weights: Floats
    mean: Floats
    sd: Floats

    @classmethod
    def fit(cls, shapes: Floats, inputs: Floats) -> ShapeModel:
        """`shapes` (n, n_points, 2) canonical; `inputs` (n, 5): aperture, width, lip, yaw_deg, pitch_deg; no NaN."""
        mean, sd = inputs.mean(axis=0), inputs.std(axis=0) + np.array([0.01, 0.01, 0.004, 1.0, 1.0])
        terms = cls._terms(inputs, mean, sd)
        gram = terms.T @ terms / len(terms) + RIDGE * np.diag([0.0, *([1.0] * (terms.shape[1] - 1))])
        weights = np.linalg.solve(gram, terms.T @ shapes.reshape(len(shapes), -1) / len(terms))
        return cls(weights, mean, sd)

    def shapes(self, inputs: Floats) -> Floats:
        """(n, 5) -> (n, n_points, 2). The inner lips are then set to the aperture asked for, exactly: a regression only
        comes near it."""
        shapes = (self._terms(inputs, self.mean, self.sd) @ self.weights).reshape(len(inputs), -1, 2)
        return with_aperture(shapes, inputs[:, 0])

    @staticmethod
    def _terms(inputs: Floats, mean: Floats, sd: Floats) -> Floats:
        z = np.clip((inputs - mean) / sd, -4, 4)
        return np.concatenate([np.ones((len(z), 1)), z, z[:, 3:5] ** 2], axis=1)


def with_aperture(shapes: Floats, aperture: Floats) -> Floats:
    """Spread or shut the inner lip lines so that their middles are `aperture` apart; the lips move as wholes, the lower
    one more (the jaw carries it). `shapes` (n, n_points, 2), `aperture` (n,)."""
    moved = shapes.copy()
    top, bottom = moved[:, LIP_LINES[1], 1], moved[:, LIP_LINES[2], 1]
    gap = bottom - top
    middle = np.maximum(gap[:, MID], 1e-4)
    wanted = np.maximum(gap, 0) * (aperture / middle)[:, None]
    few = aperture > 2 * middle  # opening a shut line: give it a lens shape of its own
    if few.any():
        lens = 1 - np.linspace(-1, 1, N_LIP) ** 2
        wanted[few] = aperture[few, None] * lens
    change = wanted - gap
    moved[:, LIP_LINES[0], 1] -= 0.35 * change
    moved[:, LIP_LINES[1], 1] -= 0.35 * change
    moved[:, LIP_LINES[2], 1] += 0.65 * change
    moved[:, LIP_LINES[3], 1] += 0.65 * change
    return moved
