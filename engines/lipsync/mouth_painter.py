"""Paints planned mouths into frames."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dub.source import VideoFacts
from engines.lipsync import mouth_blend as blend
from engines.lipsync import mouth_geometry as geometry
from engines.lipsync import mouth_warp as warp
from engines.lipsync.mouth_bank import MouthBank
from engines.lipsync.mouth_plan import MouthFrame

Bytes = npt.NDArray[np.uint8]
Map = npt.NDArray[np.float32]

MASK_BESIDE_MOUTH, MASK_BELOW_NOSE, MASK_ABOVE_CHIN = 0.20, 0.02, 0.03
"""How far the replaced region reaches, IOD."""
SMOOTH_CELL = 4
"""Pixels per side of the cells in which smooth fields are computed."""
RESAMPLED, AVERAGED = 0.15, 0.4
"""Sharpening that gives back what one cubic look-up, and the mean of two frames, take from the finest detail (measured:
5 and 15 % of the squared Laplacian)."""


class MouthPainter:
    """Over one bank. Keeps nothing between frames."""

    def __init__(self, bank: MouthBank, facts: VideoFacts) -> None:
        self._bank, self._facts = bank, facts
        usual = bank.model.shapes(np.concatenate([bank.measures, bank.pose], axis=1))
        self._lines = [
            warp.mouth_lines(shape, float(known[geometry.NOSE, 1]), float(known[geometry.CHIN, 1]))
            for shape, known in zip(bank.shape, usual, strict=True)
        ]
        self._mask_half_width = bank.speaker.width_high / 2 + MASK_BESIDE_MOUTH

    def paint(self, frame: Bytes, plan: MouthFrame) -> None:
        """Set the planned mouth into a planar yuv420p frame, in place; the frame's own jaw follows it."""
        target, terms = plan.target, plan.terms
        nose_y, chin_y = float(target[geometry.NOSE, 1]), float(target[geometry.CHIN, 1])
        field = warp.JawField(lip_y=float(target[geometry.LIP_LINES[2], 1].mean()), chin_y=plan.own_chin_y)
        top, bottom = nose_y + MASK_BELOW_NOSE, chin_y - MASK_ABOVE_CHIN
        shape = blend.MaskShape((top + bottom) / 2, self._mask_half_width, (bottom - top) / 2)
        size = self._facts.width_px, self._facts.height_px
        moved, covered = blend.lower_face_corners(field, shape)
        box = blend.box_around(terms, moved, *size)
        if not box.is_empty:
            moves = blend.enlarged(field.at(*blend.canonical_grid(terms, box, SMOOTH_CELL)), box, SMOOTH_CELL)
            blend.move_jaw(frame, box, moves, terms, plan.share * (chin_y - plan.own_chin_y))
        box = blend.box_around(terms, covered, *size)
        if box.is_empty:
            return
        x, y = blend.canonical_grid(terms, box)
        lines = warp.mouth_lines(target, nose_y, chin_y)
        mask = blend.enlarged(shape.at(*blend.canonical_grid(terms, box, SMOOTH_CELL)), box, SMOOTH_CELL)
        mask *= blend.inside_face(plan.oval_px, box, float(np.hypot(terms[0], terms[1])))
        mouth, own_mask = self._borrow(plan.bank_index, x, y, lines)
        mask *= own_mask
        if plan.fading_index is not None:
            fading, fading_mask = self._borrow(plan.fading_index, x, y, lines)
            mask *= fading_mask
            mouth = [(one + other) * np.float32(0.5) for one, other in zip(mouth, fading, strict=True)]
        mouth[0] = blend.sharpened(mouth[0], RESAMPLED if plan.fading_index is None else AVERAGED)
        blend.set_mouth(frame, box, mask, mouth, plan.share)

    def _borrow(self, k: int, x: Map, y: Map, lines: warp.MouthLines) -> tuple[list[Map], Map]:
        """Bank frame `k` warped onto the target's lines: three planes, and 0..1 where they show its face (h, w)."""
        bank = self._bank
        from_x, from_y = warp.source_of(x, y, lines, self._lines[k])
        corner = int(bank.corner[k, 0]), int(bank.corner[k, 1])
        map_x, map_y = blend.to_pixels(bank.placement[k], from_x, from_y, corner)
        scale = float(np.hypot(bank.placement[k, 0], bank.placement[k, 1]))
        mask = blend.inside_bank_face(bank.oval_px[k], bank.luma[k].shape, scale, map_x, map_y)
        half_maps = blend.half(map_x, map_y)
        mouth = [blend.sample(bank.luma[k], map_x, map_y)]
        mouth += [blend.sample(plane, *half_maps) for plane in bank.chroma[k]]
        return mouth, mask
