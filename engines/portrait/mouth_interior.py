"""What is seen between parted lips that the photo does not show: teeth, tongue and the dark behind them.

Upper teeth belong to the head and stay where they are; the tongue rides on the lower jaw. Colours come from the photo's
own skin and light, so that a dim photo has dim teeth. A photo that shows teeth keeps them.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engines.lipsync import mouth_warp as warp

Map = npt.NDArray[np.float32]
Planes = tuple[Map, Map, Map]

TEETH_BELOW_REST = 0.006
"""How far the upper teeth reach below the line on which the lips meet, IOD."""
TEETH_ARCH = 0.035
"""How much higher the outer teeth end than the middle ones."""
TEETH_HALF_WIDTH = 0.27
TOOTH = (0.0, 0.095, 0.165, 0.235)
"""Distances of the gaps from the middle: incisors of 8.5 and 6.5 mm and a canine, an IOD being about 90 mm."""
GAP_DEPTH, GAP_WIDTH = 0.12, 0.006
TOOTH_ROUNDING = 0.006
"""IOD by which a tooth's edge is higher at its sides."""
TONGUE_HALF_WIDTH, TONGUE_HEIGHT = 0.20, 0.08
SOFT = 0.016
LIP_SHADOW, LIP_SHADOW_REACH = 0.5, 0.045
"""How dark it is right under the upper lip, and where the light reaches fully."""


@dataclass(frozen=True)
class MouthColours:
    """Luma 0..255 and chroma 0..255 (128 = none) of teeth, tongue and the dark, from the skin around the mouth."""

    teeth: tuple[float, float, float]
    tongue: tuple[float, float, float]
    dark: tuple[float, float, float]

    @classmethod
    def beside(cls, skin: tuple[float, float, float]) -> MouthColours:
        """`skin`: median luma, Cb and Cr of the lit skin beside the mouth."""
        light = skin[0] - 16.0
        return cls(
            teeth=(16 + min(200.0, 1.02 * light), 128 + 0.45 * (skin[1] - 128), 128 + 0.30 * (skin[2] - 128)),
            tongue=(16 + 0.46 * light, 128 + 0.5 * (skin[1] - 128), 128 + 22.0),
            dark=(16 + 0.13 * light, 125.0, 128 + 13.0),
        )


@dataclass(frozen=True)
class MouthInterior:
    """`rest_y`: canonical height on which the lips meet; `middle_x`: between the mouth's corners."""

    colours: MouthColours
    rest_y: float
    middle_x: float

    def paint(self, x: Map, y: Map, top: Map, bottom: Map) -> Planes:
        """Luma, Cb and Cr, float32, of canonical pixel positions; `top`, `bottom`: the inner lips above and below each
        of them."""
        c = self.colours
        across = x - np.float32(self.middle_x)
        opening = np.maximum(bottom - top, np.float32(1e-4))
        teeth, tongue = self._teeth(across, y), self._tongue(across, y, bottom, opening)
        shade = self._shade(across, y, top)
        gaps = sum(np.exp(-0.5 * ((np.abs(across) - np.float32(at)) / GAP_WIDTH) ** 2) for at in TOOTH)
        enamel = 1 - np.float32(GAP_DEPTH) * np.minimum(gaps, 1)
        planes = []
        for k in range(3):
            value = np.full(x.shape, c.dark[k], np.float32)
            tongue_k = (c.tongue[k] - 16) * (0.55 + 0.45 * tongue) + 16 if k == 0 else c.tongue[k]
            value += tongue * (tongue_k - value)
            teeth_k = (c.teeth[k] - 16) * shade * enamel + 16 if k == 0 else c.teeth[k]
            value += teeth * (teeth_k - value)
            planes.append(value.astype(np.float32))
        return planes[0], planes[1], planes[2]

    def _teeth(self, across: Map, y: Map) -> Map:
        """0..1: the upper row, each tooth's edge a little rounded."""
        edge = self.rest_y + TEETH_BELOW_REST - TEETH_ARCH * np.square(across / TEETH_HALF_WIDTH)
        centres = [(a + b) / 2 for a, b in itertools.pairwise(TOOTH)]
        off = np.min([np.abs(np.abs(across) - np.float32(at)) for at in centres], axis=0)
        edge = edge - TOOTH_ROUNDING * np.square(off / 0.045)
        inside = np.clip((edge - y) / SOFT + 0.5, 0, 1)
        return inside * np.clip((TEETH_HALF_WIDTH - np.abs(across)) / 0.05, 0, 1)

    @staticmethod
    def _tongue(across: Map, y: Map, bottom: Map, opening: Map) -> Map:
        """0..1: a low mound on the floor of the mouth, brighter on top."""
        height = np.minimum(TONGUE_HEIGHT, 0.42 * opening) * (1 - np.square(across / TONGUE_HALF_WIDTH))
        return np.clip((y - (bottom - height)) / (3 * SOFT), 0, 1) * (height > 0)

    @staticmethod
    def _shade(across: Map, y: Map, top: Map) -> Map:
        """0..1: light on the teeth: less under the lip and towards the corners."""
        under_lip = LIP_SHADOW + (1 - LIP_SHADOW) * np.clip((y - top) / LIP_SHADOW_REACH, 0, 1)
        return under_lip * (1 - 0.55 * np.square(np.clip(np.abs(across) / TEETH_HALF_WIDTH, 0, 1)))


def coverage(y: Map, top: Map, bottom: Map, pixel: float) -> Map:
    """0..1: how much of each pixel (`pixel` high, canonical) lies between the inner lips."""
    half = np.float32(pixel / 2)
    inside = np.minimum(y + half, bottom) - np.maximum(y - half, top)
    return np.clip(inside / np.float32(pixel), 0, 1)


def inner_lips(x: Map, lines: warp.MouthLines) -> tuple[Map, Map]:
    """Heights of the inner lips above and below each canonical x; equal beyond the corners."""
    stations = np.linspace(-warp.REACH, warp.REACH, lines.heights.shape[1])
    u = (x - (lines.left + lines.right) / 2) * (2 / (lines.right - lines.left))
    top, bottom = (np.interp(u, stations, lines.heights[k]).astype(np.float32) for k in (2, 3))
    beyond = np.abs(u) >= 1
    return top, np.where(beyond, top, bottom).astype(np.float32)
