"""The real landmarker: on the shipped sample, and on clips of people where they are at hand."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from dub import media
from dub.source import VideoFacts
from dub.video_facts import video_facts
from engines import registry
from engines.face.contract import TrackedFaces
from engines.face.mediapipe_landmarker import head_angles_deg

pytestmark = pytest.mark.models


def test_turning_the_head_matrix_gives_its_angles_back() -> None:
    yaw = np.radians(20)
    turned = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    assert head_angles_deg(turned) == pytest.approx((20, 0, 0), abs=1e-6)


def test_a_picture_without_a_face_is_an_answer(tmp_path: Path) -> None:
    facts = VideoFacts(width_px=160, height_px=120, frame_rate=Fraction(25), n_frames=3)
    with media.FrameWriter(tmp_path / "grey.mp4", facts) as writer:
        for _ in range(3):
            writer.write(np.full((180, 160), 128, np.uint8))
    faces = registry.load("face", "mediapipe").track(tmp_path / "grey.mp4", facts)
    assert (faces.n_frames, faces.faces) == (3, ())
    assert not faces.is_found.any()


@pytest.mark.media
@pytest.mark.parametrize("clip", ["english_10s.mp4", "spanish_editlist_10s.mp4"])
def test_a_talking_face_is_found_throughout(clip: str, shared_media: Path, tmp_path: Path) -> None:
    path = shared_media / "video" / clip
    facts = video_facts(path)
    faces = registry.load("face", "mediapipe").track(path, facts)
    (face,) = faces.faces
    assert face.is_found.all()
    assert list(face.shots) == [0]
    assert np.quantile(face.aperture, 0.02) < 0.01
    assert np.quantile(face.aperture, 0.98) > 0.08
    faces.save(tmp_path / "faces.npz")
    again = TrackedFaces.load(tmp_path / "faces.npz")
    assert (again.n_frames, list(again.shots), len(again.faces)) == (faces.n_frames, [0], 1)
    assert np.array_equal(again.faces[0].points, face.points)
