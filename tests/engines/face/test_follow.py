"""Following faces without a model: an eye that knows where every face of a drawn scene is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from engines.face.contract import PER_FRAME
from engines.face.follow import MOST_FACES, Box, Follower, Plane, Sight, Tracklet, distance

SIDE = 60.0


@dataclass
class Scene:
    """Where each face stands in each frame; what the eye is asked. A crop shows 2.2 face heights, as the real one."""

    places: dict[str, dict[int, tuple[float, float]]]
    now: int = 0
    n_searches: int = 0
    n_looks: int = 0
    small: set[str] = field(default_factory=set)

    def search(self, frame: Plane, *, is_fine: bool) -> Sequence[Box]:
        self.n_searches += 1
        return [_box(at) for name, at in self._here().items() if is_fine or name not in self.small]

    def look(self, frame: Plane, near: Box, others: Sequence[Box], *, index: int) -> Sight | None:
        self.n_looks += 1
        inside = [at for at in self._here().values() if distance(_box(at), near) < 1.1]
        if not inside:
            return None
        at = min(inside, key=lambda at: distance(_box(at), near))
        x0, y0, x1, y1 = _box(at)
        row = {name: float(at[0]) for name in PER_FRAME} | {"points": np.array([[at[0], at[1]]], np.float32)}
        return Sight(np.array([[x0, y0], [x1, y1]], np.float32), row)

    def _here(self) -> dict[str, tuple[float, float]]:
        return {name: of_face[self.now] for name, of_face in self.places.items() if self.now in of_face}


def _box(at: tuple[float, float]) -> Box:
    return at[0] - SIDE / 2, at[1] - SIDE / 2, at[0] + SIDE / 2, at[1] + SIDE / 2


def _follow(scene: Scene, n_frames: int, shots: tuple[int, ...] = (0,)) -> list[Tracklet]:
    follower = Follower(scene)
    for scene.now in range(n_frames):
        follower.see(scene.now, np.zeros((3, 2), np.uint8), starts_shot=scene.now in shots)
    return follower.tracklets(n_frames)


def _standing(x: float, frames: range) -> dict[int, tuple[float, float]]:
    return dict.fromkeys(frames, (x, 100.0))


def test_two_faces_side_by_side_keep_to_themselves() -> None:
    scene = Scene({"anna": _standing(100, range(30)), "bela": _standing(160, range(30))})
    found = _follow(scene, 30)
    assert [tracklet.frames for tracklet in found] == [list(range(30))] * 2
    assert [set(tracklet.column("yaw_deg")) for tracklet in found] == [{100.0}, {160.0}]


def test_a_newcomer_is_found_at_the_next_search_and_the_search_is_rare() -> None:
    scene = Scene({"anna": _standing(100, range(100)), "bela": _standing(400, range(20, 100))})
    anna, bela = _follow(scene, 100)
    assert anna.frames == list(range(100))
    assert bela.frames[0] in range(20, 33)
    assert scene.n_searches <= 10


def test_a_small_newcomer_waits_for_the_fine_search() -> None:
    scene = Scene({"anna": _standing(100, range(100)), "bela": _standing(400, range(20, 100))}, small={"bela"})
    _, bela = _follow(scene, 100)
    assert bela.frames[0] == 72


def test_a_face_lost_for_a_few_frames_is_the_same_one() -> None:
    seen = {i: (100.0 + i, 100.0) for i in range(60) if not 20 <= i < 28}
    (anna,) = _follow(Scene({"anna": seen}), 60)
    assert anna.frames == sorted(seen)


def test_a_face_hidden_for_longer_is_known_again_by_its_place_and_size() -> None:
    hidden = _standing(100, range(20)) | _standing(110, range(60, 90))
    (anna,) = _follow(Scene({"anna": hidden, "bela": _standing(400, range(90))}), 90)[:1]
    assert anna.frames[0] == 0
    assert anna.frames[-1] == 89


def test_a_face_that_jumps_across_the_picture_is_somebody_else() -> None:
    scene = Scene({"anna": _standing(100, range(30)), "bela": _standing(500, range(30, 60))})
    assert [(tracklet.frames[0], tracklet.frames[-1]) for tracklet in _follow(scene, 60)] == [(0, 29), (30, 59)]


def test_every_shot_begins_anew() -> None:
    found = _follow(Scene({"anna": _standing(100, range(40))}), 40, shots=(0, 25))
    assert [(tracklet.shot, tracklet.frames[0], tracklet.frames[-1]) for tracklet in found] == [(0, 0, 24), (1, 25, 39)]


def test_a_face_seen_for_a_blink_is_none() -> None:
    blink = _standing(400, range(12, 15))
    assert len(_follow(Scene({"anna": _standing(100, range(40)), "blink": blink}), 40)) == 1


def test_a_crowd_is_followed_in_part() -> None:
    crowd = {f"face {k}": _standing(100 * k, range(10)) for k in range(12)}
    scene = Scene(crowd)
    assert len(_follow(scene, 10)) == MOST_FACES
    assert scene.n_looks <= 10 * MOST_FACES + 2 * MOST_FACES
