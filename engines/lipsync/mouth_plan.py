"""What the mouth of each frame shall look like and whose pixels it gets: one run of frames at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from engines.face.contract import TrackedFace, shot_numbers
from engines.face.mediapipe_landmarker import FACE_OVAL
from engines.lipsync import mouth_geometry as geometry
from engines.lipsync.frame_choice import runs
from engines.lipsync.mouth_bank import MouthBank
from engines.lipsync.mouth_curve import MouthCurve
from engines.lipsync.mouth_search import MouthSearch

Floats = npt.NDArray[np.float64]

LONGEST_PIECE = 1500
"""Frames planned at once: bounds memory in an hour of unbroken speech."""
EXPRESSION = 0.7
"""Share of the frame's own slow width that stays: all of it would let the source's words through."""
MARGIN_S = 1.0
"""Frames around a piece that its filters look at."""


@dataclass(frozen=True)
class MouthFrame:
    """One frame's plan.

    `target`: lips and jaw aimed at, canonical (n_points, 2). `own_chin_y`: where the frame's own chin is. `bank_index`:
    whose pixels, half of them `fading_index`'s where that is given. `share` 0..1: how much of the new mouth shows.
    `oval_px`: the face's outline.
    """

    index: int
    terms: Floats
    target: Floats
    own_chin_y: float
    bank_index: int
    fading_index: int | None
    share: float
    oval_px: npt.NDArray[np.float32]


class MouthPlan:
    """Plans over one title: geometry of the track, the curve of the dub, and a bank."""

    def __init__(
        self, face: TrackedFace, bank: MouthBank, curve: MouthCurve, share: npt.NDArray[np.float32], rate: Fraction
    ) -> None:
        self._bank, self._curve, self._share, self._rate = bank, curve, share, rate
        self._face = face
        self._placement = geometry.place(face, bank.template)
        self._shot = shot_numbers(face)
        self._search = MouthSearch(bank)

    def frames(self) -> Iterator[MouthFrame]:
        """A plan for every frame with a share, in order."""
        for first, last in runs(self._share > 0):
            for start in range(first, last, LONGEST_PIECE):
                yield from self._piece(start, min(start + LONGEST_PIECE, last))

    def _piece(self, first: int, last: int) -> Iterator[MouthFrame]:
        margin = round(MARGIN_S * float(self._rate))
        around = slice(max(0, first - margin), min(self._face.n_frames, last + margin))
        inner = slice(first - around.start, last - around.start)
        face = _part(self._face, around)
        shot = self._shot[around]
        own = self._own_inputs(face, shot)
        model = self._bank.model
        placement = geometry.Placement(self._placement.terms[around])
        shapes = placement.to_canonical(face.at(*geometry.SHAPE_POINTS))
        is_seen = np.isfinite(own).all(axis=1)
        own_shapes = np.full_like(shapes, np.nan)
        own_shapes[is_seen] = model.shapes(own[is_seen])
        slow = self._slowly((shapes - own_shapes).reshape(len(shapes), -1), shot).reshape(shapes.shape)

        share = self._share[first:last, None].astype(np.float64)
        said = np.stack([self._curve.aperture, self._curve.width, self._curve.lip], axis=1)[first:last]
        said = said.astype(np.float64) + EXPRESSION * self._expression(own[:, :3], shot)[inner]
        measures = share * said + (1 - share) * own[inner, :3]
        pose = own[inner, 3:]
        wanted = np.concatenate([measures, pose], axis=1)
        targets = geometry.with_aperture(model.shapes(wanted) + slow[inner], measures[:, 0])
        own_chin = (own_shapes + slow)[:, geometry.CHIN, 1]
        own_chin = geometry.smooth_within(own_chin[:, None], shot, np.array([0.25, 0.5, 0.25]))[inner, 0]
        brightness = face.brightness[inner].astype(np.float64)
        forward = self._bank.forwardness(np.nan_to_num(face.pucker[inner]))
        forward += share[:, 0] * (self._curve.forward[first:last] - forward)
        chosen = self._search.path(measures, forward, pose, brightness, shot[inner])
        fading = self._search.fading(chosen)
        ovals = face.at(*FACE_OVAL)[inner]
        for i in range(last - first):
            yield MouthFrame(
                index=first + i,
                terms=self._placement.terms[first + i],
                target=targets[i],
                own_chin_y=float(own_chin[i]),
                bank_index=int(chosen[i]),
                fading_index=fading[i],
                share=float(share[i, 0]),
                oval_px=ovals[i],
            )

    def _expression(self, own: Floats, shot: npt.NDArray[np.int64]) -> Floats:
        """(n, 3): how the frames' slow mouth differs from the speaker's usual one: a smile is wider, a turned mouth
        narrower. Never the aperture: that is the dub's alone."""
        speaker = self._bank.speaker
        off = self._slowly(own, shot) - np.array([0.0, speaker.width_mid, speaker.lip_mid])
        return off * np.array([0.0, 1.0, 1.0])

    def _own_inputs(self, face: TrackedFace, shot: npt.NDArray[np.int64]) -> Floats:
        """(n, 5): the frames' own measures, and their pose steadied over a few frames."""
        own = geometry.measure(face)
        pose = np.stack([face.yaw_deg, face.pitch_deg], axis=1).astype(np.float64)
        pose = geometry.smooth_within(pose, shot, geometry.gaussian(1.0))
        return np.concatenate([np.stack([own.aperture, own.width, own.lip], axis=1), pose], axis=1)

    def _slowly(self, values: Floats, shot: npt.NDArray[np.int64]) -> Floats:
        return geometry.smooth_within(values, shot, geometry.gaussian(geometry.SLOW_S * float(self._rate)))


def _part(face: TrackedFace, frames: slice) -> TrackedFace:
    """The same track, of some frames only; its shots are not meaningful."""
    return TrackedFace(
        point_ids=face.point_ids,
        points=face.points[frames],
        yaw_deg=face.yaw_deg[frames],
        pitch_deg=face.pitch_deg[frames],
        roll_deg=face.roll_deg[frames],
        pucker=face.pucker[frames],
        jaw_open=face.jaw_open[frames],
        sharpness=face.sharpness[frames],
        brightness=face.brightness[frames],
        shots=face.shots[:1],
    )
