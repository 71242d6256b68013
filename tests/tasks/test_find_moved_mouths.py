"""Mouths moved by somebody else, in drawn pictures with known faces: repainted, only encoded, beyond compare."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dub.foreign_dub import MovedMouths
from dub.media import FrameWriter
from dub.on_screen import OnScreen, SeenSpan
from dub.script import DubScript, PlacedTake, Timeline, Utterance
from dub.source import FaceTrack, Source
from dub.stage import Desk
from dub.timecode import Span
from engines.face.contract import TrackedFace, TrackedFaces
from engines.lipsync.contract import RenderLog
from lang.bcp47 import Locale
from tasks.find_moved_mouths import find_moved_mouths
from tests.clips import facts
from tests.dub import dubs

N, WIDTH, HEIGHT, IOD, RATE = 60, 320, 160, 50.0, 25
EYES_X = (80.0, 240.0)
MOUTH_Y = 100
SPOKEN = range(10, 50)
IDS = np.array([33, 263, 61, 291, 13, 14], np.int16)


def face(x: float) -> TrackedFace:
    """Eyes level at y = 50, a still mouth one eye distance below."""
    points = np.zeros((N, len(IDS), 2), np.float32)
    points[:, 0], points[:, 1] = (x - IOD / 2, 50), (x + IOD / 2, 50)
    points[:, 2], points[:, 3] = (x - 15, MOUTH_Y), (x + 15, MOUTH_Y)
    points[:, 4] = points[:, 5] = (x, MOUTH_Y)
    return replace(TrackedFace.empty(N, IDS, np.zeros(1, np.int32)), points=points)


class Scene:
    """Person 1 speaks in frames 10 to 50; person 2 listens."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.desk = folder, Desk(store=str(folder / "store"))
        patches = np.random.default_rng(1).integers(90, 160, (40, 80)).repeat(4, 0).repeat(4, 1)
        grain = np.random.default_rng(2).normal(0, 4, (N, HEIGHT, WIDTH))
        drifting = np.stack([np.roll(patches, 2 * frame, axis=1) for frame in range(N)])
        self.lumas = np.clip(drifting + grain, 16, 235).astype(np.uint8)
        TrackedFaces(N, np.zeros(1, np.int32), (face(EYES_X[0]), face(EYES_X[1]))).save(folder / "faces.npz")
        landmarks = self.desk.open_store().put(folder / "faces.npz", "application/x-npz")
        self.track = FaceTrack(engine="drawn", n_frames=N, n_found=N, n_faces=2, landmarks=landmarks)
        self.source = self.video("source.mp4")

    def video(self, name: str, moved: range = range(0), n_frames: int = N, rate: int = RATE) -> Source:
        """A drifting picture with a film's grain, and with person 1's mouth painted anew in `moved`."""
        path = self.folder / name
        with FrameWriter(path, facts(n_frames, rate, WIDTH, HEIGHT), crf=10 if name == "source.mp4" else 23) as writer:
            for frame in range(n_frames):
                picture = np.full((HEIGHT * 3 // 2, WIDTH), 128, np.uint8)
                picture[:HEIGHT] = self.lumas[frame]
                if frame in moved:
                    picture[MOUTH_Y - 8 : MOUTH_Y + 8, 65:95] = 40 + 10 * (frame % 5)
                writer.write(picture)
        return Source(
            title=name, original=self.desk.open_store().put(path, "video/mp4"),
            video=facts(n_frames, rate, WIDTH, HEIGHT), programme=dubs.NOTHING, n_source_channels=1, mean_level_db=-30,
        )  # fmt: skip

    def found(self, video: Source) -> MovedMouths:
        span = Span.of_seconds(SPOKEN.start / RATE, SPOKEN.stop / RATE)
        line = Utterance(id="u0001", speaker="s1", span=span, text="Hola.")
        script = DubScript(source_locale=Locale("es"), duration=self.source.video.duration, utterances=(line,))
        start, end = (frame * 48_000 // RATE for frame in (SPOKEN.start, SPOKEN.stop))
        take = PlacedTake(
            utterance_id="u0001", speaker="s1", text="Hello.", slot=span, audio=dubs.NOTHING, start_sample=start,
            n_samples=end - start, stretch_ratio=1, speed=1, phonemes=(),
        )  # fmt: skip
        said = Timeline(locale=Locale("en"), placed=(take,), overruns=(), dialogue=dubs.NOTHING)
        seen = SeenSpan(
            utterance_id="u0001",
            speaker="s1",
            first_frame=SPOKEN.start,
            end_frame=SPOKEN.stop,
            verdict="speaks",
            face=0,
        )
        on_screen = OnScreen(spans=(seen,), faces_of={"s1": (0,)})
        return find_moved_mouths(self.desk, self.source, video, script, said, self.track, on_screen)

    def moved(self, video: Source) -> np.ndarray:
        """(n_faces, n_frames) that were found moved."""
        lips = self.found(video).lips
        assert lips is not None
        return RenderLog.load(self.desk.open_store().path(lips.log)).is_rendered()


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_a_mouth_painted_anew_is_found_in_its_frames(scene: Scene) -> None:
    moved = scene.moved(scene.video("dub.mp4", moved=range(15, 45)))
    assert set(np.flatnonzero(moved[0])) == set(range(15, 45)), "of who speaks"
    assert not moved[1].any(), "of who listens"


def test_a_picture_that_was_only_encoded_again_keeps_its_mouth(scene: Scene) -> None:
    found = scene.found(scene.video("dub.mp4"))
    assert found.lips is not None
    assert found.lips.n_rendered == 0
    assert found.lips.counts == {"kept: the source's own mouth": N}


def test_a_few_frames_that_differ_are_no_moved_mouth(scene: Scene) -> None:
    assert not scene.moved(scene.video("dub.mp4", moved=range(20, 23))).any()


def test_a_shorter_dub_is_held_against_the_frames_it_has(scene: Scene) -> None:
    moved = scene.moved(scene.video("dub.mp4", moved=range(15, 45), n_frames=30))
    assert moved.shape == (2, N)
    assert set(np.flatnonzero(moved[0])) == set(range(15, 30))


def test_pictures_that_cannot_be_compared_say_why(scene: Scene) -> None:
    found = scene.found(scene.video("dub.mp4", rate=30))
    assert found.lips is None
    assert found.why == "the source has 25 frames a second, the video 30"
