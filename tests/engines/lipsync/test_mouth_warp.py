"""Lip lines land on lip lines, corners on corners, and a shut mouth shows no inside."""

import numpy as np
import pytest

from engines.lipsync import mouth_geometry as geometry
from engines.lipsync import mouth_warp as warp
from tests.engines.lipsync.cartoon import points_of

NOSE_Y = 0.55


def _lines(aperture: float, width: float) -> tuple[np.ndarray, warp.MouthLines]:
    known = points_of(aperture, width)
    shape = np.array([known[mesh_id] for mesh_id in geometry.SHAPE_POINTS])
    return shape, warp.mouth_lines(shape, NOSE_Y, 1.2 + 0.5 * aperture)


@pytest.mark.parametrize(("target_a", "target_w", "bank_a", "bank_w"), [(0.2, 0.5, 0.1, 0.6), (0.05, 0.6, 0.15, 0.5)])
def test_landmarks_lead_to_the_same_landmarks(target_a: float, target_w: float, bank_a: float, bank_w: float) -> None:
    target, target_lines = _lines(target_a, target_w)
    bank, bank_lines = _lines(bank_a, bank_w)
    lips = slice(0, 4 * geometry.N_LIP)
    x, y = (target[lips, k].astype(np.float32)[None] for k in (0, 1))
    from_x, from_y = warp.source_of(x, y, target_lines, bank_lines)
    assert np.abs(from_x[0] - bank[lips, 0]).max() < 0.012
    assert np.abs(from_y[0] - bank[lips, 1]).max() < 0.012


def test_a_mouth_to_be_shut_shows_nothing_of_the_inside() -> None:
    _, target = _lines(0.0, 0.56)
    _, bank = _lines(0.12, 0.56)
    x, y = np.meshgrid(np.linspace(-0.1, 0.1, 21), np.linspace(0.6, 1.1, 401))
    from_x, from_y = warp.source_of(x.astype(np.float32), y.astype(np.float32), target, bank)
    u = (from_x - (bank.left + bank.right) / 2) / ((bank.right - bank.left) / 2)
    station = np.rint((u + warp.REACH) * (warp.N_STATIONS - 1) / (2 * warp.REACH)).astype(int)
    top, bottom = bank.heights[2][station], bank.heights[3][station]
    inside = (from_y > top + 0.01) & (from_y < bottom - 0.01)
    assert not inside.any()


def test_what_is_the_same_stays_where_it_is() -> None:
    _, lines = _lines(0.1, 0.56)
    x, y = np.meshgrid(np.linspace(-0.6, 0.6, 50, dtype=np.float32), np.linspace(0.5, 1.4, 60, dtype=np.float32))
    from_x, from_y = warp.source_of(x, y, lines, lines)
    assert np.abs(from_x - x).max() < 1e-6
    assert np.abs(from_y - y).max() < 1e-6


def test_the_jaw_field_moves_the_chin_and_leaves_lips_ears_and_throat() -> None:
    field = warp.JawField(lip_y=0.8, chin_y=1.2)
    x = np.array([[0.0, 0.0, 0.9, 0.0]], np.float32)
    y = np.array([[1.2, 0.8, 1.1, 1.6]], np.float32)
    assert field.at(x, y)[0] == pytest.approx([1, 0, 0, 0], abs=1e-5)
