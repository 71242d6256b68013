"""Painting: skin texture, eyes, teeth. All colours are linear RGB; all places are rest positions in dm."""

from dataclasses import dataclass

import numpy as np
from head import HeadData, Part
from scene import Surface, triangles
from scipy import ndimage
from scipy.interpolate import LinearNDInterpolator

SKIN = np.array([0.52, 0.290, 0.195])
BLUSH = np.array([0.56, 0.20, 0.145])
LIPS = np.array([0.48, 0.165, 0.15])
MOUTH_INSIDE = np.array([0.20, 0.045, 0.045])
SCALP = np.array([0.062, 0.031, 0.017])
EYE_RADIUS_DM = 0.146
IRIS_RADIUS_DM = 0.066
PUPIL_RADIUS_DM = 0.024


def noise(points: np.ndarray, size_dm: float, seed: int) -> np.ndarray:
    """Smooth noise in about -1..1 with features of `size_dm`, periodic far outside the head."""
    grid = np.random.default_rng(seed).standard_normal((48, 48, 48))
    grid = ndimage.gaussian_filter(grid, 0.7, mode="wrap")
    at = (points / size_dm).reshape(-1, 3).T % 48
    return (ndimage.map_coordinates(grid / grid.std() / 2.2, at, order=1, mode="grid-wrap")).reshape(points.shape[:-1])


def spot(points: np.ndarray, centre: tuple[float, float, float], radius: tuple[float, float, float]) -> np.ndarray:
    """A soft ellipsoid mirrored on both sides of the face, 0..1."""
    mirrored = np.concatenate([np.abs(points[..., :1]), points[..., 1:]], -1)
    return np.exp(-(((mirrored - centre) / radius) ** 2).sum(-1))


def hairline(points: np.ndarray) -> np.ndarray:
    """Height of a point above the hairline (dm), by its angle around the skull (0 deg is the front)."""
    angle = np.degrees(np.arctan2(np.abs(points[..., 0]), points[..., 2] - 0.38))
    line = np.interp(
        angle,
        [0, 14, 30, 44, 56, 66, 76, 84, 92, 100, 112, 130, 150, 180],
        [7.36, 7.36, 7.31, 7.20, 7.02, 6.86, 6.66, 6.62, 6.92, 6.94, 6.75, 6.35, 6.05, 5.95],
    )
    return points[..., 1] - line


@dataclass(frozen=True)
class SkinTextures:
    albedo: np.ndarray
    roughness: np.ndarray
    bump: np.ndarray


class Skin:
    """The body surface with one render vertex per (position, texture coordinate) pair."""

    def __init__(self, part: Part, rest: np.ndarray) -> None:
        self.part = part
        points = part.points(rest)
        # The camera never sees the back of the skull nor what the shirt covers.
        seen = ((points[:, 2] > -0.25) & (points[:, 1] > 4.75))[part.quads].all(1)
        corners = np.stack([part.quads, part.uv_quads], 2).reshape(-1, 2)
        pairs, index = np.unique(corners, axis=0, return_inverse=True)
        self._vertex, uv_index = pairs.T
        self._triangles = triangles(index.reshape(-1, 4)[seen])
        # Mitsuba's textures count v from the top.
        self._uv = part.uv[uv_index] * [1, -1] + [0, 1]

    def surface(self, base: np.ndarray) -> tuple[Surface, np.ndarray, np.ndarray]:
        """The surface, and the fine points and normals before they are split at texture seams."""
        points = self.part.points(base)
        normals = self.part.normals(points)
        return Surface(points[self._vertex], normals[self._vertex], self._triangles, self._uv), points, normals

    def paint(self, data: HeadData, rest: np.ndarray, size_px: int = 2048) -> SkinTextures:
        place = self._places(self.part.points(rest), size_px)
        lips = ndimage.gaussian_filter(data.mask("lips"), 2.2)
        inside = (data.mask("inside-mouth") > 0.5).astype(np.float32)
        blotches = 0.5 * noise(place, 0.22, 1) + 0.35 * noise(place, 0.07, 2) + 0.25 * noise(place, 0.025, 3)
        tone = SKIN * (1 + 0.08 * blotches[..., None] * np.array([0.6, 1.0, 1.1]))
        red = 0.42 * spot(place, (0.40, 6.42, 1.20), (0.26, 0.22, 0.35))
        red += 0.36 * spot(place, (0.0, 6.46, 1.56), (0.13, 0.11, 0.14))
        red += 0.22 * spot(place, (0.0, 5.93, 1.36), (0.20, 0.13, 0.2)) + 0.5 * spot(
            place, (0.78, 6.6, 0.4), (0.1, 0.35, 0.3)
        )
        red += 0.20 * spot(place, (0.29, 6.86, 1.25), (0.22, 0.07, 0.2))
        red = np.clip(red * (1 + 0.5 * blotches), 0, 0.8)[..., None]
        tone = tone * (1 - red) + BLUSH * red
        socket = 0.20 * spot(place, (0.22, 6.62, 1.25), (0.17, 0.07, 0.2)) + 0.12 * spot(
            place, (0.29, 6.86, 1.2), (0.2, 0.06, 0.2)
        )
        tone = tone * (1 - socket[..., None] * np.array([0.8, 1.0, 0.9]))
        freckles = self._freckles(place)
        tone = tone * (1 - freckles[..., None] * np.array([0.16, 0.28, 0.34]))
        lines = noise(place * np.array([1.0, 0.12, 0.3]), 0.012, 5)
        lip_tone = LIPS * (1 + 0.10 * lines + 0.08 * noise(place, 0.05, 6))[..., None]
        tone = tone * (1 - 0.88 * lips[..., None]) + lip_tone * 0.88 * lips[..., None]
        tone = tone * (1 - inside[..., None]) + MOUTH_INSIDE * inside[..., None]
        shade = np.clip(hairline(place) / 0.10 + 0.35 + 0.3 * noise(place, 0.02, 7), 0, 1)
        shade = (shade * (place[..., 1] > 5.6))[..., None]
        tone = tone * (1 - 0.96 * shade) + SCALP * 0.96 * shade
        roughness = 0.50 + 0.05 * blotches - 0.17 * lips - 0.28 * inside
        roughness -= 0.07 * spot(place, (0.0, 6.5, 1.5), (0.12, 0.4, 0.2))
        roughness = np.clip(roughness + 0.3 * shade[..., 0], 0.2, 0.9)
        pores = noise(place, 0.011, 8) + 0.6 * noise(place, 0.024, 9)
        bump = 0.0006 * pores * (1 - lips) + 0.0011 * lips * lines
        return SkinTextures(np.clip(tone, 0.005, 0.95), roughness, bump * (1 - inside))

    def _places(self, points: np.ndarray, size_px: int) -> np.ndarray:
        """Rest position of every texel, (size, size, 3); texels outside the charts take the nearest inside."""
        at_uv = np.zeros((len(self.part.uv), 3))
        at_uv[self.part.uv_quads.ravel()] = points[self.part.quads.ravel()]
        used = np.unique(self.part.uv_quads)
        coarse = size_px // 2
        grid = (np.arange(coarse) + 0.5) / coarse
        u, v = np.meshgrid(grid, 1 - grid)
        near = LinearNDInterpolator(self.part.uv[used], at_uv[used])(u, v)
        missing = np.isnan(near[..., 0])
        nearest = ndimage.distance_transform_edt(missing, return_distances=False, return_indices=True)
        near = near[tuple(nearest)]
        return np.stack(
            [ndimage.zoom(near[..., k], size_px // coarse, order=1, grid_mode=True, mode="nearest") for k in range(3)],
            -1,
        )

    @staticmethod
    def _freckles(place: np.ndarray) -> np.ndarray:
        """Small darker dots over nose and cheeks, 0..1."""
        cells = noise(place, 0.0125, 11) + 0.25 * noise(place, 0.3, 12)
        where = spot(place, (0.36, 6.5, 1.25), (0.26, 0.20, 0.4)) + 0.7 * spot(
            place, (0.0, 6.56, 1.5), (0.14, 0.14, 0.3)
        )
        return (
            np.clip((cells - 0.95) * 3, 0, 1) * np.clip(where, 0, 1) * 0.95 + np.clip((cells - 1.25) * 4, 0, 1) * 0.18
        )


def eyeball(centre: np.ndarray, gaze_deg: tuple[float, float], rings: int = 72) -> Surface:
    """A ball looking along +z turned by (yaw, pitch); a slight corneal bulge; iris and pupil as vertex colours."""
    polar = np.concatenate([np.linspace(0, 0.62, rings), np.linspace(0.62, np.pi, rings // 2)[1:]])
    around = np.linspace(0, 2 * np.pi, rings, endpoint=False)
    p, a = np.meshgrid(polar, around, indexing="ij")
    iris_angle = np.arcsin(IRIS_RADIUS_DM / EYE_RADIUS_DM)
    bulge = 0.012 * np.clip(1 - (p / (iris_angle * 1.15)) ** 2, 0, 1)
    radius = EYE_RADIUS_DM + bulge
    points = np.stack([np.sin(p) * np.cos(a), np.sin(p) * np.sin(a), np.cos(p)], -1) * radius[..., None]
    r = np.sin(p) * EYE_RADIUS_DM
    rng = np.random.default_rng(21)
    fibres = ndimage.gaussian_filter1d(rng.standard_normal((len(polar), rings)), 5, axis=0)
    fibres = fibres / fibres.std() * 0.16
    outer = np.clip((r - PUPIL_RADIUS_DM) / (IRIS_RADIUS_DM - PUPIL_RADIUS_DM), 0, 1)[..., None]
    iris = (1 - outer) * np.array([0.16, 0.095, 0.035]) + outer * np.array([0.055, 0.075, 0.055])
    iris = iris * (1 + fibres[..., None]) * 1.5
    iris *= 1 - 0.75 * np.clip((r - 0.87 * IRIS_RADIUS_DM) / (0.13 * IRIS_RADIUS_DM), 0, 1)[..., None] ** 2
    veins = np.clip((r / EYE_RADIUS_DM - 0.55) * 2, 0, 1)[..., None]
    sclera = np.array([0.70, 0.66, 0.62]) * (1 - veins * np.array([0.06, 0.22, 0.24]))
    edge = np.clip((r - IRIS_RADIUS_DM) / 0.007, 0, 1)[..., None]
    hole = np.clip((r - PUPIL_RADIUS_DM) / 0.004, 0, 1)[..., None]
    colours = iris * hole * (1 - edge) + sclera * edge
    slope = np.gradient(radius[:, 0], polar)[:, None, None] / radius[..., None]
    along = np.stack([np.cos(p) * np.cos(a), np.cos(p) * np.sin(a), -np.sin(p)], -1)
    normals = points / radius[..., None] - slope * along
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    yaw, pitch = np.radians(gaze_deg)
    turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    turn = turn @ np.array([[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]])
    index = np.arange(points.shape[0] * rings).reshape(-1, rings)
    right = np.roll(index, -1, 1)
    quads = np.stack([index[:-1], index[1:], right[1:], right[:-1]], -1).reshape(-1, 4)
    flat = points.reshape(-1, 3) @ turn.T + centre
    return Surface(flat, normals.reshape(-1, 3) @ turn.T, triangles(quads), colours=colours.reshape(-1, 3))


class Teeth:
    """Both rows: gaps between teeth are painted and pressed in along the arch, gums at the far ends."""

    WIDTHS_DM = (0.082, 0.066, 0.074, 0.070, 0.068, 0.09)

    def __init__(self, part: Part, rest: np.ndarray, upper: bool) -> None:
        self.part = part
        points = part.points(rest)
        arch = np.abs(points[:, 0]) * 1.0 + 0.55 * np.maximum(0, points[:, 2].max() - points[:, 2])
        edges = np.concatenate([[0], np.cumsum(self.WIDTHS_DM if upper else np.array(self.WIDTHS_DM) * 0.8)])
        gap = np.exp(-((np.abs(arch[:, None] - edges).min(1) / 0.007) ** 2))
        low, high = points[:, 1].min(), points[:, 1].max()
        gum = (points[:, 1] - low) / (high - low) if upper else (high - points[:, 1]) / (high - low)
        gum = np.clip((gum - 0.80) / 0.08, 0, 1)[:, None]
        depth = np.clip((points[:, 2].max() - points[:, 2]) / 0.35, 0, 1)[:, None]
        ivory = np.array([0.86, 0.79, 0.68]) * (1 - 0.45 * gap[:, None]) * (1 - 0.5 * depth)
        self.colours = ivory * (1 - gum) + np.array([0.42, 0.14, 0.13]) * gum
        self._pressed = 0.008 * gap[:, None]

    def surface(self, base: np.ndarray) -> Surface:
        points = self.part.points(base)
        normals = self.part.normals(points)
        points = points - normals * self._pressed
        return Surface(points, self.part.normals(points), triangles(self.part.quads), colours=self.colours)


class Shirt:
    """A knitted top with a round neckline, cut from MakeHuman's tights helper."""

    COLOUR = np.array([0.165, 0.040, 0.060])

    def __init__(self, part: Part, rest: np.ndarray) -> None:
        self.part = part
        points = part.points(rest)
        below = self._below_neckline(points)
        self._triangles = triangles(part.quads[(below[part.quads] > 0).all(1)])
        folds = noise(points * [1, 0.5, 1], 0.35, 41) + 0.4 * noise(points, 0.12, 42)
        hem = np.exp(-(((below - 0.05) / 0.05) ** 2))
        self._lift = 0.035 + 0.018 * folds + 0.03 * hem
        weave = noise(points * [1, 2, 1], 0.02, 43)
        self.colours = self.COLOUR * (1 + 0.10 * weave + 0.08 * folds - 0.15 * hem)[:, None]

    @staticmethod
    def _below_neckline(points: np.ndarray) -> np.ndarray:
        """How far (dm) a point lies under the neckline's slanted plane-like curve."""
        line = 5.45 - 0.26 * (points[:, 2] + 0.1) - 0.05 * np.abs(points[:, 0])
        return line - points[:, 1]

    def surface(self, base: np.ndarray) -> Surface:
        points = self.part.points(base)
        points = points + self.part.normals(points) * self._lift[:, None]
        return Surface(points, self.part.normals(points), self._triangles, colours=self.colours)
