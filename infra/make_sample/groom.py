"""Hair, brows and lashes as strands. Hair is grown once on the rest head; brows and lashes follow the face."""

import numpy as np
from head import HeadData
from looks import hairline, noise
from scene import Strands
from scipy.spatial import cKDTree

STEP_DM = 0.13
N_STEPS = 17  # odd, so that every other point keeps both ends


def hair(points: np.ndarray, normals: np.ndarray, n_strands: int, seed: int) -> Strands:
    """Shoulder-free bob with a side part: grown from the scalp, combed away from the part, then falling.

    `points`, `normals` are the fine skin vertices at rest; every strand is pushed back out of the head.
    """
    rng = np.random.default_rng(seed)
    scalp = np.flatnonzero((hairline(points) > 0) & (points[:, 1] > 5.9) & (normals[:, 1] > -0.6))
    ear = (np.abs(points[:, 0]) > 0.70) & (points[:, 1] < 6.95) & (points[:, 2] > 0.2)
    scalp = scalp[~ear[scalp]]
    # Vertices are denser at the face: weigh them by the distance to their neighbours.
    near, _ = cKDTree(points[scalp]).query(points[scalp], 5)
    weight = near[:, 1:].mean(1) ** 2
    chosen = rng.choice(scalp, n_strands, p=weight / weight.sum())
    at = points[chosen] + rng.normal(0, 0.012, (n_strands, 3))
    out = normals[chosen]
    thin = np.clip(hairline(at) / 0.12, 0.0, 1)
    tree = cKDTree(points)
    part_x = 0.20
    side = np.where(at[:, 0] + 0.06 * noise(at, 0.3, 31) > part_x, 1.0, -1.0)
    # Away from the part line over the skull, a little backwards, then down.
    comb = np.stack([side * 1.0, np.full(n_strands, 0.15), np.full(n_strands, -0.55)], 1)
    heading = comb - (comb * out).sum(1, keepdims=True) * out + 0.55 * out * thin[:, None]
    heading /= np.linalg.norm(heading, axis=1, keepdims=True)
    lift = (0.03 + 0.085 * rng.random(n_strands) ** 1.5) * (0.35 + 0.65 * thin)
    clump = np.stack([noise(at, 0.11, 32 + k) for k in range(3)], 1)
    path = [at]
    for step in range(1, N_STEPS):
        fall = np.array([0.0, -1.0, 0.0])
        low = np.clip((6.30 - at[:, 1]) / 0.5, 0, 1)[:, None]
        inward = np.stack([-np.sign(at[:, 0]), np.zeros(n_strands), np.zeros(n_strands)], 1)
        wanted = heading + 0.46 * fall + 0.20 * low * inward + 0.045 * clump + rng.normal(0, 0.018, (n_strands, 3))
        wanted[:, 2] -= 0.14 * (at[:, 2] > 0.75)
        before_face = (at[:, 2] > 0.6) & (np.abs(at[:, 0]) < 0.74) & (at[:, 1] < 7.1)
        wanted[:, 0] += 0.25 * np.sign(at[:, 0]) * before_face
        heading = wanted / np.linalg.norm(wanted, axis=1, keepdims=True)
        at = at + STEP_DM * heading
        _distance, nearest = tree.query(at)
        towards = at - points[nearest]
        above = (towards * normals[nearest]).sum(1)
        room = lift * min(1.0, step / 3)
        push = np.maximum(0, room - above)
        at = at + push[:, None] * normals[nearest]
        path.append(at)
    length = np.clip(rng.normal(0.90, 0.06, n_strands), 0.6, 1.0)
    strand = _resample(np.stack(path, 1), length)
    taper = np.interp(np.linspace(0, 1, strand.shape[1]), [0, 0.7, 1], [1, 0.9, 0.35])
    radius = 0.0040 * taper[None] * (0.7 + 0.6 * rng.random(n_strands))[:, None]
    return Strands(strand, radius)


def thinned(hairs: Strands, skin_points: np.ndarray, seed: int, hidden_share: float = 0.10) -> Strands:
    """Drop most hairs that no pose of the video can show, and every other point of the rest, to render faster."""
    shown = np.zeros(len(hairs.points), bool)
    n, k, _ = hairs.points.shape
    for yaw in (-0.09, 0.0, 0.09):
        turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
        flat = np.concatenate([hairs.points.reshape(-1, 3), skin_points]) @ turn.T
        column = ((flat[:, 0] + 3) / 0.02).astype(int).clip(0, 299)
        row = ((flat[:, 1] - 3) / 0.02).astype(int).clip(0, 299)
        nearest = np.full((300, 300), -9.0)
        np.maximum.at(nearest, (row, column), flat[:, 2])
        visible = flat[: n * k, 2] > nearest[row[: n * k], column[: n * k]] - 0.06
        shown |= visible.reshape(n, k)[:, 1:].sum(1) >= 2
    kept = np.flatnonzero(shown | (np.random.default_rng(seed).random(n) < hidden_share))
    return Strands(hairs.points[kept, ::2], hairs.radius_dm[kept, ::2])


def _resample(path: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Keep the first `share` of every path with the same number of points."""
    n, k, _ = path.shape
    at = share[:, None] * np.linspace(0, k - 1, k)[None]
    low = np.minimum(at.astype(int), k - 2)
    mix = (at - low)[..., None]
    rows = np.arange(n)[:, None]
    return path[rows, low] * (1 - mix) + path[rows, low + 1] * mix


class Brows:
    """Short hairs bound to the skin vertices they grow from."""

    LINE = np.array([[0.13, 6.945], [0.22, 6.985], [0.33, 7.015], [0.44, 7.005], [0.55, 6.945]])
    HALF_WIDTH = np.array([0.022, 0.027, 0.023, 0.016, 0.005])

    def __init__(self, points: np.ndarray, normals: np.ndarray, seed: int, n_each: int = 380) -> None:
        rng = np.random.default_rng(seed)
        roots, lean = [], []
        for side in (-1, 1):
            t = rng.random(n_each) ** 0.9 * (len(self.LINE) - 1)
            knots = np.arange(len(self.LINE))
            x, y = (np.interp(t, knots, self.LINE[:, k]) for k in (0, 1))
            across = rng.uniform(-1, 1, n_each)
            y = y + across * np.interp(t, knots, self.HALF_WIDTH)
            share = t / knots[-1]
            up = (1 - share) * 0.9 + 0.15 - 0.5 * across * share - 0.35 * share
            lean.append(np.stack([side * (0.35 + 0.65 * share), up, np.zeros(n_each)], 1))
            roots.append(np.stack([side * x, y], 1))
        flat, self._lean = np.concatenate(roots), np.concatenate(lean)
        front = np.flatnonzero((points[:, 2] > 0.85) & (normals[:, 2] > 0.15) & (points[:, 1] > 6.7))
        self._reach, near = cKDTree(points[front][:, :2]).query(flat, 3)
        self._bound = front[near]
        self._weight = 1 / (self._reach + 1e-4)
        self._weight /= self._weight.sum(1, keepdims=True)
        self._offset = flat - (points[self._bound][..., :2] * self._weight[..., None]).sum(1)
        self._length = rng.uniform(0.045, 0.075, len(flat))
        self._jitter = rng.normal(0, 0.16, (len(flat), 3))

    def strands(self, points: np.ndarray, normals: np.ndarray) -> Strands:
        root = (points[self._bound] * self._weight[..., None]).sum(1)
        root[:, :2] += self._offset
        out = (normals[self._bound] * self._weight[..., None]).sum(1)
        along = self._lean + self._jitter
        along = along - (along * out).sum(1, keepdims=True) * out
        along = along / np.linalg.norm(along, axis=1, keepdims=True) * self._length[:, None]
        path = [root + s * along + (0.004 + 0.012 * np.sin(np.pi * s * 0.8)) * out for s in (0, 0.35, 0.7, 1.0)]
        radius = np.array([0.0030, 0.0030, 0.0022, 0.0008])
        return Strands(np.stack(path, 1), np.broadcast_to(radius, (len(root), 4)))


class Lashes:
    """Strands fanned between the lid row and the tip row of MakeHuman's lash strips, so they blink with the lids."""

    UPPER = (
        (14785, 14773, 14774, 14775, 14794, 14795, 14791, 14790, 14789, 14788, 14787, 14786),
        (14808, 14807, 14806, 14809, 14816, 14817, 14815, 14814, 14813, 14812, 14811, 14810),
    )
    LOWER = (
        (14776, 14777, 14778, 14779, 14780, 14781, 14782, 14783, 14784),
        (14833, 14834, 14835, 14836, 14837, 14838, 14839, 14840, 14831),
    )

    def __init__(self, data: HeadData, seed: int) -> None:
        rng = np.random.default_rng(seed)
        mirror = cKDTree(data.rest * [-1, 1, 1])
        ends, share, reach, thick = [], [], [], []
        for rows, n_hairs, size in ((self.UPPER, 75, 1.0), (self.LOWER, 26, 0.45)):
            left = np.array(rows)
            for pair in (left, mirror.query(data.rest[left])[1]):
                at = np.sort(rng.uniform(0, left.shape[1] - 1.001, n_hairs))
                low = at.astype(int)
                ends.append(np.stack([pair[:, low], pair[:, low + 1]], 2))
                share.append(at - low)
                reach.append(rng.uniform(0.65, 1.05, n_hairs) * (0.6 + 0.4 * size))
                thick.append(np.full(n_hairs, size))
        self._ends = np.concatenate(ends, 1)
        self._share, self._reach, self._thick = (np.concatenate(x) for x in (share, reach, thick))
        self._slant = rng.normal(0, 0.010, len(self._share))

    def strands(self, base: np.ndarray) -> Strands:
        corner = base[self._ends]
        mix = self._share[None, :, None]
        root, tip = corner[:, :, 0] * (1 - mix) + corner[:, :, 1] * mix
        along = (tip - root) * self._reach[:, None]
        along[:, 0] += self._slant
        sag = np.array([0, -0.006, 0.006]) * self._thick[:, None]
        path = [root + s * along + 4 * s * (1 - s) * sag for s in (0, 0.25, 0.5, 0.75, 1.0)]
        radius = np.array([0.0034, 0.0034, 0.0028, 0.0020, 0.0008]) * (0.5 + 0.5 * self._thick[:, None])
        return Strands(np.stack(path, 1), radius)
