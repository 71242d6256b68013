"""The canonical frame undoes head movement; the shape model gives the aperture asked for."""

from pathlib import Path

import numpy as np
import pytest

from engines.face.contract import TrackedFace
from engines.lipsync import mouth_geometry as geometry
from tests.engines.lipsync import cartoon


def _nodding(n: int = 60) -> tuple[TrackedFace, np.ndarray]:
    aperture = 0.1 + 0.1 * np.sin(np.arange(n) / 3)
    face = cartoon.track_of(aperture, np.full((n, 2), 100.0))
    angle, scale = 0.2 * np.sin(np.arange(n) / 20), 1 + 0.1 * np.cos(np.arange(n) / 25)
    turn = scale[:, None, None] * np.stack(
        [np.stack([np.cos(angle), np.sin(angle)], 1), np.stack([-np.sin(angle), np.cos(angle)], 1)], 1
    )
    moved = (face.points - 100) @ turn + np.array([300.0, 200.0])
    values = {name: getattr(face, name) for name in TrackedFace.__dataclass_fields__}
    return TrackedFace(**{**values, "points": moved.astype(np.float32)}), aperture


def test_tilting_and_zooming_do_not_move_the_canonical_mouth() -> None:
    face, aperture = _nodding()
    placement = geometry.place(face, geometry.rigid_template(face))
    points = placement.to_canonical(face.at(4, 13, 14).astype(np.float64))
    assert points[:, 0].std(axis=0) == pytest.approx([0, 0], abs=0.002)
    assert points[:, 2, 1] - points[:, 1, 1] == pytest.approx(aperture, abs=0.002)


def test_smoothing_never_crosses_a_cut_or_a_gap() -> None:
    values = np.array([[0.0], [0.0], [10.0], [10.0], [np.nan], [30.0]])
    smooth = geometry.smooth_within(values, np.array([0, 0, 1, 1, 1, 1]), np.array([0.25, 0.5, 0.25]))
    assert smooth[:4, 0] == pytest.approx([0, 0, 10, 10])
    assert np.isnan(smooth[4, 0])
    assert smooth[5, 0] == 30


@pytest.mark.parametrize("wanted", [0.0, 0.05, 0.2])
def test_the_model_opens_the_lips_exactly_as_far_as_asked(wanted: float) -> None:
    face, _ = _nodding()
    placement = geometry.place(face, geometry.rigid_template(face))
    shapes = placement.to_canonical(face.at(*geometry.SHAPE_POINTS).astype(np.float64))
    measured = geometry.measure(face)
    inputs = np.stack([measured.aperture, measured.width, measured.lip, face.yaw_deg, face.pitch_deg], axis=1)
    model = geometry.ShapeModel.fit(shapes, inputs)
    asked = inputs.mean(axis=0, keepdims=True)
    asked[0, 0] = wanted
    shape = model.shapes(asked)[0]
    top, bottom = shape[geometry.LIP_LINES[1]], shape[geometry.LIP_LINES[2]]
    assert bottom[geometry.MID, 1] - top[geometry.MID, 1] == pytest.approx(wanted, abs=1e-6)
    assert (bottom[:, 1] - top[:, 1] >= -1e-6).all()
    assert shape[geometry.CHIN, 1] == pytest.approx(1.2 + 0.5 * wanted, abs=0.02)


def test_a_track_without_a_face_has_no_template(tmp_path: Path) -> None:
    face, _ = _nodding(3)
    values = {name: getattr(face, name) for name in TrackedFace.__dataclass_fields__}
    nobody = TrackedFace(**{**values, "points": np.full_like(face.points, np.nan)})
    with pytest.raises(ValueError, match="no frame"):
        geometry.rigid_template(nobody)
