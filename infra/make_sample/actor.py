"""The talking person: face units, head pose and gaze in, Mitsuba shapes out."""

from pathlib import Path

import groom
import numpy as np
import scene
from head import LOWEST_BODY_Y_DM, HeadData
from looks import EYE_RADIUS_DM, Shirt, Skin, SkinTextures, Teeth, eyeball

NECK_PIVOT_DM = np.array([0.0, 5.95, 0.15])
UPPER_LIP_INNER, LOWER_LIP_INNER = 520, 523  # base vertices where the lips meet, in the middle
OUTER_EYE_CORNERS_DM = 0.82
HAIR_TONE, BROW_TONE, LASH_TONE = (0.085, 0.040, 0.020), (0.060, 0.030, 0.018), (0.012, 0.008, 0.006)


class Actor:
    def __init__(self, wheel: Path, work: Path, n_hairs: int = 26_000) -> None:
        self.data = HeadData(wheel)
        self.units = self.data.face_units()
        rest = self.data.rest
        # MakeHuman's rows sit too high to be seen in speech: incisors should end just below the upper lip's edge.
        for name, drop_dm in (("upper", 0.075), ("lower", 0.045)):
            rest[np.unique(np.array(self.data.faces[f"helper-{name}-teeth"])[:, :, 0]), 1] -= drop_dm
        self._skin = Skin(self.data.part(["body"], 2, LOWEST_BODY_Y_DM), rest)
        textures = self._painted(work)
        self._materials = {
            "skin": scene.skin(textures.albedo, textures.roughness, textures.bump),
            "eye": scene.plain("vertex", 0.06, 0.8),
            "teeth": scene.plain("vertex", 0.22, 0.5),
            "tongue": scene.plain([0.42, 0.13, 0.12], 0.35),
            "shirt": scene.plain("vertex", 0.85, 0.2),
            "hair": scene.plain("vertex", 0.42, 0.35),
            "fine_hair": scene.plain("vertex", 0.5, 0.3),
        }
        points = self._skin.part.points(rest)
        normals = self._skin.part.normals(points)
        self._brows = groom.Brows(points, normals, seed=6)
        self._lashes = groom.Lashes(self.data, seed=7)
        self._hair = groom.thinned(groom.hair(points, normals, n_hairs, seed=5), points, seed=9)
        self._teeth = {
            name: Teeth(self.data.part([f"helper-{name}-teeth"], 3), rest, name == "upper")
            for name in ("upper", "lower")
        }
        self._tongue = self.data.part(["helper-tongue"], 1)
        self._shirt = Shirt(self.data.part(["helper-tights"], 2, LOWEST_BODY_Y_DM), rest)
        self._eyes = {s: np.unique(np.array(self.data.faces[f"helper-{s}-eye"])[:, :, 0]) for s in "lr"}
        tongue = np.unique(np.array(self.data.faces["helper-tongue"])[:, :, 0])
        front = np.clip((rest[tongue, 2] - 0.75) / 0.45, 0, 1)
        self._tongue_up = np.zeros_like(rest)
        self._tongue_up[tongue] = front[:, None] ** 1.5 * np.array([0, 0.085, 0.02])
        height = np.clip((rest[:, 1] - 5.30) / 0.85, 0, 1)
        self._with_head = (height**2 * (3 - 2 * height))[:, None]
        rng = np.random.default_rng(4)
        n = len(self._hair.points)
        streaks = 1 + 0.22 * rng.normal(size=(n, 1)) + 0.05 * rng.normal(size=(n, 3))
        self._hair_colours = np.clip(np.array(HAIR_TONE) * streaks, 0.004, 0.4)

    def _painted(self, work: Path) -> SkinTextures:
        kept = work / "skin.npz"
        if not kept.exists():
            made = self._skin.paint(self.data, self.data.rest)
            np.savez(kept, albedo=made.albedo, roughness=made.roughness, bump=made.bump)
        stored = np.load(kept)
        return SkinTextures(stored["albedo"], stored["roughness"], stored["bump"])

    def mimic(self, weights: dict[str, float]) -> np.ndarray:
        """Base vertices with face units applied, before the head moves: (n, 3)."""
        base = self.data.rest + weights.get("tongueUp", 0.0) * self._tongue_up
        for name, weight in weights.items():
            if weight and name in self.units:
                base = base + weight * self.units[name]
        return base

    def aperture(self, weights: dict[str, float]) -> float:
        """Gap of the inner lips over the distance of the outer eye corners (0 when they touch)."""
        base = self.mimic(weights)
        gap = base[UPPER_LIP_INNER, 1] - base[LOWER_LIP_INNER, 1]
        return float(max(0.0, gap) / OUTER_EYE_CORNERS_DM)

    def shapes(self, weights: dict[str, float], pose_deg: np.ndarray, gaze_deg: np.ndarray) -> dict:
        turn = rotation(pose_deg)
        still = self.mimic(weights)
        turned = (still - NECK_PIVOT_DM) @ turn.T + NECK_PIVOT_DM
        base = still + self._with_head * (turned - still)
        surface, points, normals = self._skin.surface(base)
        made = {"skin": scene.mesh("skin", surface, self._materials["skin"])}
        eye = eyeball(np.zeros(3), (float(gaze_deg[0]), float(gaze_deg[1])))
        for side, used in self._eyes.items():
            ball = still[used]
            centre = (ball.max(0) + ball.min(0)) / 2
            centre[2] = ball[:, 2].max() - EYE_RADIUS_DM - 0.004
            place = (centre - NECK_PIVOT_DM) @ turn.T + NECK_PIVOT_DM
            placed = scene.Surface(eye.points @ turn.T + place, eye.normals @ turn.T, eye.triangles, None, eye.colours)
            made[f"eye_{side}"] = scene.mesh(f"eye_{side}", placed, self._materials["eye"])
        for name, row in self._teeth.items():
            made[name] = scene.mesh(name, row.surface(base), self._materials["teeth"])
        tongue = self._tongue.points(base)
        flesh = scene.Surface(tongue, self._tongue.normals(tongue), scene.triangles(self._tongue.quads))
        made["tongue"] = scene.mesh("tongue", flesh, self._materials["tongue"])
        made["shirt"] = scene.mesh("shirt", self._shirt.surface(base), self._materials["shirt"])
        hair = (self._hair.points - NECK_PIVOT_DM) @ turn.T + NECK_PIVOT_DM
        locks = scene.ribbons(scene.Strands(hair, self._hair.radius_dm), self._hair_colours)
        made["hair"] = scene.mesh("hair", locks, self._materials["hair"])
        for name, strands, tone in (
            ("brows", self._brows.strands(points, normals), BROW_TONE),
            ("lashes", self._lashes.strands(base), LASH_TONE),
        ):
            colours = np.broadcast_to(np.array(tone), (len(strands.points), 3))
            made[name] = scene.mesh(name, scene.ribbons(strands, colours), self._materials["fine_hair"])
        return made


def rotation(pose_deg: np.ndarray) -> np.ndarray:
    """Yaw about y, then pitch about x (positive nods down), then roll about z."""
    yaw, pitch, roll = np.radians(pose_deg)
    c, s = np.cos, np.sin
    about_y = np.array([[c(yaw), 0, s(yaw)], [0, 1, 0], [-s(yaw), 0, c(yaw)]])
    about_x = np.array([[1, 0, 0], [0, c(pitch), -s(pitch)], [0, s(pitch), c(pitch)]])
    about_z = np.array([[c(roll), -s(roll), 0], [s(roll), c(roll), 0], [0, 0, 1]])
    return about_y @ about_x @ about_z
