"""Everything Mitsuba sees: meshes with their materials, strands, the lit surroundings and the camera."""

from dataclasses import dataclass

import mitsuba as mi
import numpy as np

CAMERA_FROM_DM = np.array([0.0, 6.56, 13.6])
CAMERA_AT_DM = np.array([0.0, 6.56, 0.4])
FIELD_OF_VIEW_DEG = 11.8


@dataclass(frozen=True)
class Surface:
    """Triangles ready to render: points, normals (n, 3), uv (n, 2) or colours (n, 3), triangles (m, 3)."""

    points: np.ndarray
    normals: np.ndarray
    triangles: np.ndarray
    uv: np.ndarray | None = None
    colours: np.ndarray | None = None


@dataclass(frozen=True)
class Strands:
    """Hairs of equal point count: (n, k, 3) and a radius per point (n, k)."""

    points: np.ndarray
    radius_dm: np.ndarray


def triangles(quads: np.ndarray) -> np.ndarray:
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


def mesh(name: str, surface: Surface, material: mi.BSDF) -> mi.Mesh:
    """A mesh with its own BSDF; vertex colours are read by materials through `vertex_color`."""
    properties = mi.Properties()
    properties["mesh_bsdf"] = material
    made = mi.Mesh(
        name,
        vertex_count=len(surface.points),
        face_count=len(surface.triangles),
        has_vertex_normals=True,
        has_vertex_texcoords=surface.uv is not None,
        props=properties,
    )
    if surface.colours is not None:
        made.add_attribute("vertex_color", 3, surface.colours.astype(np.float32).ravel())
    values = mi.traverse(made)
    values["vertex_positions"] = surface.points.astype(np.float32).ravel()
    values["vertex_normals"] = surface.normals.astype(np.float32).ravel()
    values["faces"] = surface.triangles.astype(np.uint32).ravel()
    if surface.uv is not None:
        values["vertex_texcoords"] = surface.uv.astype(np.float32).ravel()
    values.update()
    return made


def ribbons(hairs: Strands, colours: np.ndarray) -> Surface:
    """Strands as ribbons turned to the camera, shaded round by normals that lean outwards at both edges.

    Far cheaper to trace than true curves. `colours` is (n, 3), one per strand.
    """
    n, k, _ = hairs.points.shape
    along = np.gradient(hairs.points, axis=1)
    along /= np.maximum(np.linalg.norm(along, axis=2, keepdims=True), 1e-9)
    view = CAMERA_FROM_DM - hairs.points
    view /= np.linalg.norm(view, axis=2, keepdims=True)
    across = np.cross(along, view)
    across /= np.maximum(np.linalg.norm(across, axis=2, keepdims=True), 1e-9)
    facing = np.cross(across, along)
    half = across * hairs.radius_dm[:, :, None]
    points = np.stack([hairs.points - half, hairs.points + half], 2).reshape(-1, 3)
    normals = np.stack([facing - 0.9 * across, facing + 0.9 * across], 2).reshape(-1, 3)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    first = (np.arange(n)[:, None] * k + np.arange(k - 1)).ravel() * 2
    quads = np.stack([first, first + 1, first + 3, first + 2], 1)
    return Surface(points, normals, triangles(quads), colours=np.repeat(colours, 2 * k, axis=0))


def plain(colour: list[float] | str, roughness: float, specular: float = 0.5, **more: float) -> mi.BSDF:
    """A principled material of one colour, or of the mesh's vertex colours when `colour` is "vertex"."""
    reflectance = (
        {"type": "mesh_attribute", "name": "vertex_color"} if colour == "vertex" else {"type": "rgb", "value": colour}
    )
    return mi.load_dict(
        {"type": "principled", "base_color": reflectance, "roughness": roughness, "specular": specular, **more}
    )


def skin(albedo: np.ndarray, roughness: np.ndarray, bump: np.ndarray) -> mi.BSDF:
    """Textures are linear floats, rows from the top of the UV square: (h, w, 3), (h, w), (h, w) in dm."""
    principled = {
        "type": "principled",
        "base_color": _bitmap(albedo),
        "roughness": _bitmap(roughness[:, :, None]),
        "specular": 0.42,
    }
    return mi.load_dict({"type": "bumpmap", "arbitrary": _bitmap(bump[:, :, None]), "scale": 1.0, "nested": principled})


def _bitmap(values: np.ndarray) -> dict:
    return {"type": "bitmap", "bitmap": mi.Bitmap(values.astype(np.float32)), "raw": True, "wrap_mode": "clamp"}


def _surroundings(height: int = 256) -> dict:
    """The studio as an environment map: a soft backdrop with softboxes painted around it.

    Being one smooth, importance-sampled emitter it is both cheap light and a noise-free background.
    """
    width = 2 * height
    azimuth = (np.arange(width) + 0.5) / width * 2 * np.pi - np.pi  # 0 looks at the backdrop
    elevation = np.pi / 2 - (np.arange(height) + 0.5) / height * np.pi
    a, e = np.meshgrid(azimuth, elevation)
    backdrop = np.array([0.165, 0.215, 0.225])
    glow = np.exp(-(((a - 0.03) / 0.13) ** 2) - ((e + 0.02) / 0.12) ** 2)
    image = backdrop * (0.62 + 0.75 * glow)[:, :, None]
    image = image * np.where(np.abs(a) > 0.6, 0.75, 1.0)[:, :, None]
    image += np.array([0.30, 0.27, 0.25]) * np.clip(np.sin(e), 0, 1)[:, :, None]
    for at_a, at_e, size_a, size_e, colour in (
        (-2.35, 0.55, 0.36, 0.36, (8.6, 7.8, 6.9)),  # key: camera left, above
        (-2.55, 0.36, 0.10, 0.13, (42.0, 40.0, 37.0)),  # a small bright core for the catchlight
        (2.45, 0.15, 0.50, 0.55, (1.6, 1.75, 2.0)),  # fill: camera right
        (1.05, 0.70, 0.22, 0.40, (8.0, 7.6, 7.2)),  # rim, behind right
        (-0.95, 0.60, 0.18, 0.40, (4.5, 4.6, 5.0)),  # rim, behind left
        (3.1, -0.75, 0.60, 0.22, (0.9, 0.75, 0.65)),  # bounce from below
    ):
        across = np.abs((a - at_a + np.pi) % (2 * np.pi) - np.pi) / size_a
        box = 1 / (1 + np.exp((np.maximum(across, np.abs(e - at_e) / size_e) - 1) * 14))
        image += box[:, :, None] * np.array(colour)
    image = np.roll(image, width // 2, axis=1)  # Mitsuba's first column looks along -z
    return {"type": "envmap", "bitmap": mi.Bitmap(image.astype(np.float32)), "scale": 1.0}


def _camera(size_px: int, samples: int) -> dict:
    to_world = mi.ScalarTransform4f().look_at(
        origin=CAMERA_FROM_DM.tolist(), target=CAMERA_AT_DM.tolist(), up=[0, 1, 0]
    )
    return {
        "type": "perspective",
        "fov": FIELD_OF_VIEW_DEG,
        "to_world": to_world,
        "film": {
            "type": "hdrfilm",
            "width": size_px,
            "height": size_px,
            "pixel_format": "rgb",
            "rfilter": {"type": "box"},
        },
        "sampler": {"type": "independent", "sample_count": samples},
    }


class Studio:
    """Light, backdrop, camera and integrator: made once, used for every frame."""

    def __init__(self, size_px: int, samples: int) -> None:
        self._samples = samples
        self._fixed = {
            "integrator": mi.load_dict(
                {
                    "type": "aov",
                    "aovs": "albedo:albedo,normal:sh_normal",
                    "image": {"type": "path", "max_depth": 3, "rr_depth": 8},
                }
            ),
            "sensor": mi.load_dict(_camera(size_px, samples)),
            "surroundings": mi.load_dict(_surroundings()),
        }

    def picture(self, shapes: dict) -> np.ndarray:
        """Linear RGB (size, size, 3), denoised with first-hit albedo and normals as guides.

        Every frame has the same seed: what noise is left then stands still instead of flickering.
        """
        import mitsuba_oidn

        scene = mi.load_dict({"type": "scene", **self._fixed, **shapes}, optimize=False)
        layers = np.array(mi.render(scene, spp=self._samples, seed=1), np.float32)
        colour, albedo, normal = (np.ascontiguousarray(layers[:, :, 3 * k : 3 * k + 3]) for k in range(3))
        return np.asarray(mitsuba_oidn.denoise(colour, albedo, normal, hdr=True))


def developed(linear: np.ndarray, exposure: float = 1.2, white: float = 2.2) -> np.ndarray:
    """Linear light to 8-bit sRGB with a soft shoulder (extended Reinhard) that keeps highlights on the skin."""
    x = np.clip(linear, 0, None) * exposure
    x = x * (1 + x / white**2) / (1 + 0.45 * x)
    x = np.clip(x, 0, 1)
    encoded = np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055)
    return (encoded * 255 + 0.5).astype(np.uint8)
