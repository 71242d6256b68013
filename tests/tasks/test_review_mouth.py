"""The review's eyes on a real face: a mouth that moves with the sound, and the same video frozen with it open."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from dub.artifact import Artifact
from dub.finding import Level
from dub.lips import LipSync
from dub.measured import Measured
from dub.media import FrameWriter, read_frames
from dub.mix import Dub
from dub.mouth_metrics import CLOSED
from dub.on_screen import OnScreen, SeenSpan
from dub.script import PhonemeSpan
from dub.source import FaceTrack, Source
from dub.stage import Desk, EngineChoice
from dub.store import Store
from dub.video_facts import video_facts
from engines import registry
from engines.face.contract import TrackedFaces
from engines.lipsync.contract import RenderLog
from lang.bcp47 import Locale
from tasks.review_mouth import look_at_mouth
from tests.dub import dubs

pytestmark = [pytest.mark.media, pytest.mark.models]

N_FRAMES = 120
TRACKER = EngineChoice(family="face", id="mediapipe", fingerprint="of no matter here")


class Clip:
    """The first four seconds of a real talking head, tracked, and phonemes that fit its own lips: an `m` wherever
    they meet after having been open."""

    def __init__(self, video: Path, store: Store, folder: Path) -> None:
        self.store, self.folder, self.video = store, folder, video
        self.desk = Desk(store=str(store.root))
        self.facts = video_facts(video).model_copy(update={"n_frames": N_FRAMES})
        faces: TrackedFaces = registry.load("face", TRACKER.id).track(video, self.facts)
        self.face = faces.faces[0]
        open_before = np.roll(self.face.aperture, 3) > 0.08
        onsets = np.flatnonzero((self.face.aperture < CLOSED) & open_before)
        self.onsets = [int(frame) for index, frame in enumerate(onsets) if not index or frame - onsets[index - 1] > 3]
        self.source = Source(
            title="clip",
            original=store.put_copy(video, "video/mp4"),
            video=self.facts,
            programme=dubs.NOTHING,
            n_source_channels=1,
            mean_level_db=-30,
        )
        faces.save(folder / "face.npz")
        self.track = FaceTrack(
            engine=TRACKER.id,
            n_frames=N_FRAMES,
            n_found=int(self.face.is_found.sum()),
            n_faces=len(faces.faces),
            landmarks=store.put(folder / "face.npz", "application/x-npz"),
        )

    def frames(self, order: list[int]) -> Artifact:
        """An MP4 of the clip's own frames in this order."""
        pictures = list(read_frames(self.video, self.facts))
        with FrameWriter(self.folder / "dub.mp4", self.facts) as writer:
            for frame in order:
                writer.write(pictures[frame])
        return self.store.put(self.folder / "dub.mp4", "video/mp4")

    def look(self, dub_video: Artifact) -> Measured:
        rate = self.facts.frame_rate
        samples = [round(frame / rate * 48_000) for frame in self.onsets]
        take = dubs.placed(1, 0.0, "mmm", seconds=float(N_FRAMES / rate)).model_copy(
            update={"phonemes": tuple(PhonemeSpan(ipa="m", start_sample=at, end_sample=at + 3_000) for at in samples)}
        )
        log = RenderLog(
            ("rendered: speaks",), np.zeros((1, N_FRAMES), np.uint8), np.full((1, N_FRAMES), 0.1, np.float32)
        )
        log.save(self.folder / "log.npz")
        lips = LipSync(
            locale=Locale("es"),
            engine="of no matter",
            n_frames=N_FRAMES,
            video=dub_video,
            log=self.store.put(self.folder / "log.npz", "application/x-npz"),
            counts=log.counts(),
        )
        dub = Dub(
            locale=Locale("es"),
            video=dub_video,
            n_frames=N_FRAMES,
            duration=self.facts.duration,
            sound_duration=Fraction(0),
            is_original_sound_copied=None,
        )
        found, facts = Measured(), video_facts(self.store.path(dub_video))
        timeline = dubs.timeline([take])
        whole = {"first_frame": 0, "end_frame": N_FRAMES, "verdict": "speaks", "face": 0}
        on_screen = OnScreen(spans=(SeenSpan(utterance_id=take.utterance_id, speaker=take.speaker, **whole),))
        look_at_mouth(
            found, self.desk, self.source, facts, dubs.script(), timeline, self.track, on_screen, lips, dub, TRACKER
        )
        return found


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory, shared_media: Path) -> Clip:
    folder = tmp_path_factory.mktemp("clip")
    store = Desk(store=str(folder / "store")).open_store()
    return Clip(shared_media / "video" / "english_10s.mp4", store, folder)


def levels(found: Measured) -> dict[str, Level]:
    """The level of each check over the whole dub."""
    return {finding.check: finding.level for finding in found.findings if not finding.utterance_id}


def test_a_mouth_in_step_is_ok(clip: Clip) -> None:
    assert len(clip.onsets) >= 2, "the speaker says `morning` and `my name`"
    found = clip.look(clip.frames(list(range(N_FRAMES))))
    assert found.metrics["closure_recall"] == 1
    assert set(levels(found).values()) == {Level.OK}
    assert found.metrics["sharpness_ratio"] == pytest.approx(1, abs=0.25)
    assert found.metrics["flicker_ratio"] == pytest.approx(1, abs=0.4)
    assert b"image/jpeg" in clip.store.read_bytes(found.figures["mouths"])


def test_a_mouth_frozen_open_fails(clip: Clip) -> None:
    widest = int(np.nanargmax(clip.face.aperture))
    found = clip.look(clip.frames([widest] * N_FRAMES))
    assert levels(found)["closure_recall"] is Level.FAILED
    assert found.metrics["closure_recall"] == 0


def test_a_picture_that_is_a_third_of_a_second_late_is_found(clip: Clip) -> None:
    late = [max(0, frame - round(clip.facts.frame_rate / 3)) for frame in range(N_FRAMES)]
    assert levels(clip.look(clip.frames(late)))["closure_recall"] is not Level.OK


def test_a_dub_that_is_cut_off_is_measured_on_what_it_has(clip: Clip) -> None:
    found = clip.look(clip.frames(list(range(N_FRAMES - 40))))
    assert found.metrics["closure_recall"] == 1
