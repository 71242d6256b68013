"""Faces with nothing to say, in drawn pictures whose tracks are known: untouched after encoding, then with a fault."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from dub.check_on_screen import Bystander
from dub.media import FrameWriter
from dub.mix import Dub
from dub.on_screen import ShownRun
from dub.source import Source, VideoFacts
from dub.stage import Desk
from engines.face.contract import TrackedFace, TrackedFaces
from engines.lipsync.contract import RenderLog
from lang.bcp47 import Locale
from tasks.review_bystanders import watch_bystanders
from tests.dub import dubs

N = 40
FACTS = VideoFacts(width_px=320, height_px=160, frame_rate=Fraction(25), n_frames=N)
SPEAKS, LISTENS = 0, 1
EYES_X = (80.0, 240.0)
IOD = 50.0
IDS = np.array([33, 263, 61, 291, 13, 14], np.int16)


def _face(x: float, aperture: np.ndarray) -> TrackedFace:
    """Eyes level at y = 50, mouth one eye distance below."""
    points = np.zeros((N, len(IDS), 2), np.float32)
    points[:, 0], points[:, 1] = (x - IOD / 2, 50), (x + IOD / 2, 50)
    points[:, 2], points[:, 3] = (x - 15, 50 + IOD), (x + 15, 50 + IOD)
    points[:, 4, 0] = points[:, 5, 0] = x
    points[:, 4, 1], points[:, 5, 1] = 50 + IOD, 50 + IOD + IOD * aperture
    return replace(TrackedFace.empty(N, IDS, np.zeros(1, np.int32)), points=points)


class Stage:
    """One who speaks and one who listens, over a grainy picture."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.store = folder, Desk(store=str(folder / "store")).open_store()
        self.picture = np.full((240, 320), 128, np.uint8)
        self.picture[:160] = np.random.default_rng(1).integers(90, 160, (20, 40)).repeat(8, 0).repeat(8, 1)
        self.still = np.full(N, 0.01, np.float32)
        self.before = self.tracked(self.still)
        video = self.store.put(self._encode("source.mp4", []), "video/mp4")
        self.source = Source(
            title="two", original=video, video=FACTS, programme=dubs.NOTHING, n_source_channels=1, mean_level_db=-30
        )

    def tracked(self, listens: np.ndarray) -> TrackedFaces:
        faces = (_face(EYES_X[SPEAKS], self.still), _face(EYES_X[LISTENS], listens))
        return TrackedFaces(N, np.zeros(1, np.int32), faces)

    def _encode(self, name: str, repainted: Sequence[int]) -> Path:
        with FrameWriter(self.folder / name, FACTS) as writer:
            for frame in range(N):
                picture = self.picture.copy()
                if frame in repainted:
                    picture[85:115, 225:255] = 30
                writer.write(picture)
        return self.folder / name

    def watch(
        self, *, repainted: Sequence[int] = (), listens: np.ndarray | None = None, rendered: Sequence[int] = ()
    ) -> tuple[Bystander, ...]:
        decision = np.zeros((2, N), np.uint8)
        decision[SPEAKS] = 1
        decision[LISTENS, list(rendered)] = 1
        log = RenderLog(("kept: nobody speaks", "rendered: speaks"), decision, np.full((2, N), np.nan, np.float32))
        video = self.store.put(self._encode("dub.mp4", repainted), "video/mp4")
        dub = Dub(
            locale=Locale("es"), video=video, n_frames=N, duration=FACTS.duration, sound_duration=Fraction(0),
            is_original_sound_copied=None,
        )  # fmt: skip
        after = self.tracked(self.still if listens is None else listens)
        shown = [ShownRun(0, N, SPEAKS)]
        return watch_bystanders(self.store, self.source, FACTS, dub, self.before, after, shown, log)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return Stage(tmp_path_factory.mktemp("stage"))


def test_a_listener_who_was_only_encoded_again_was_not_moved(stage: Stage) -> None:
    speaks, listens = stage.watch()
    assert not speaks.is_idle.any()
    assert listens.is_idle.all()
    assert not listens.is_moved.any()


def test_a_mouth_that_was_painted_over_is_found_by_its_pixels(stage: Stage) -> None:
    moved = stage.watch(repainted=list(range(10, 30)))[LISTENS].is_moved
    assert list(np.flatnonzero(moved)) == list(range(10, 30))


def test_a_mouth_that_opens_otherwise_is_found_by_its_aperture(stage: Stage) -> None:
    opens = stage.still.copy()
    opens[10:30] = 0.15
    moved = stage.watch(listens=opens)[LISTENS].is_moved
    assert moved[12:28].all()
    assert not moved[:8].any()


def test_what_the_lip_sync_says_it_moved_counts(stage: Stage) -> None:
    moved = stage.watch(rendered=[3, 4, 5])[LISTENS].is_moved
    assert list(np.flatnonzero(moved)) == [3, 4, 5]
