"""What is in front of the mouth is noticed, and a bare mouth is not taken for covered."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dub import media
from dub.source import VideoFacts
from dub.video_facts import video_facts
from engines import registry
from engines.face.contract import TrackedFace
from engines.lipsync import mouth_bank
from engines.lipsync.mouth_occlusion import covered_frames
from tests.engines.lipsync import cartoon, occluders
from tests.engines.lipsync.occluders import Floats

LONGEST_FRAMES = 170
CLEARLY = 0.25
"""Share of the lips' area."""
DARK = np.array([45.0, 128, 128], np.float32)

Thing = Callable[[int], tuple[Floats, Floats]]


def with_occluder(
    video: Path, facts: VideoFacts, face: TrackedFace, thing: Thing, out: Path
) -> tuple[VideoFacts, np.ndarray]:
    """The video with a thing passing; facts of what was written, and the share of the lips covered per frame."""
    n = min(facts.n_frames, LONGEST_FRAMES)
    facts = facts.model_copy(update={"n_frames": n})
    iod = float(np.nanmedian(face.iod_px))
    drawn = thing(int(iod * (1.1 if thing is occluders.hand else 0.8)))
    share = np.zeros(n)
    with media.FrameWriter(out, facts, crf=16) as writer:
        for i, frame in enumerate(media.read_frames(video, facts)):
            offset = occluders.passing(i / float(facts.frame_rate))
            if offset is not None and face.is_found[i]:
                colour = occluders.skin_of(frame, face, i) if thing is occluders.hand else DARK
                share[i] = occluders.hold_before(frame, face, i, drawn, colour, offset)
            writer.write(frame)
    return facts, share


def test_a_hand_before_a_drawn_mouth_is_noticed_and_never_borrowed(tmp_path: Path) -> None:
    clip = cartoon.make(tmp_path, talks_from_s=0.2, talks_to_s=5.8)
    facts, share = with_occluder(clip.video, clip.facts, clip.face, occluders.hand, tmp_path / "hand.mp4")
    covered = covered_frames(tmp_path / "hand.mp4", facts, {0: clip.face})[0]
    assert (share > CLEARLY).sum() > 30
    assert covered[share > CLEARLY].all()
    assert covered.sum() < (share > 0).sum() + 12
    assert not covered_frames(clip.video, clip.facts, {3: clip.face})[3].any()
    outline = mouth_bank.outline(facts, clip.face, np.ones(facts.n_frames, bool), is_covered=covered)
    assert outline is not None
    assert not covered[outline.chosen].any()


def test_a_face_seen_too_shortly_to_know_is_not_called_covered(tmp_path: Path) -> None:
    clip = cartoon.make(tmp_path, seconds=1.6, talks_from_s=0, talks_to_s=1.6)
    assert not covered_frames(clip.video, clip.facts, {0: clip.face})[0].any()
    nobody = replace(clip.face, points=np.full_like(clip.face.points, np.nan))
    assert not covered_frames(clip.video, clip.facts, {0: nobody})[0].any()


def _recall_and_false_alarms(video: Path, thing: Thing, folder: Path) -> tuple[float, float, float]:
    """Share of the clearly covered frames that are found; share of the untouched video's frames that are; share of the
    covered video's frames that are, although the thing is nowhere near."""
    facts, tracker = video_facts(video), registry.load("face", "mediapipe")
    face = tracker.track(video, facts).faces[0]
    clean = covered_frames(video, facts, {0: face})[0]
    short, share = with_occluder(video, facts, face, thing, folder / "covered.mp4")
    seen = tracker.track(folder / "covered.mp4", short).where(face)
    found = covered_frames(folder / "covered.mp4", short, {0: seen})[0] | ~seen.is_found
    seconds = np.arange(short.n_frames) / float(facts.frame_rate)
    far = np.array([occluders.passing(s - 0.2) is None and occluders.passing(s + 0.2) is None for s in seconds])
    return float(found[share > CLEARLY].mean()), float(clean.mean()), float(found[far].mean())


@pytest.mark.models
@pytest.mark.slow
def test_a_hand_before_the_samples_mouth(sample_video: Path, tmp_path: Path) -> None:
    recall, clean, far = _recall_and_false_alarms(sample_video, occluders.hand, tmp_path)
    assert recall >= 0.95
    assert clean <= 0.01
    assert far <= 0.01


@pytest.mark.media
@pytest.mark.models
@pytest.mark.slow
@pytest.mark.parametrize("thing", [occluders.hand, occluders.microphone])
@pytest.mark.parametrize(
    "clip_name", ["english_10s", "english_portrait_20s", "russian_portrait_10s", "spanish_editlist_10s"]
)
def test_people_with_hands_and_microphones(clip_name: str, thing: Thing, shared_media: Path, tmp_path: Path) -> None:
    """A beard with glasses, and sunglasses, are among them."""
    recall, clean, far = _recall_and_false_alarms(shared_media / "video" / f"{clip_name}.mp4", thing, tmp_path)
    assert recall >= 0.95
    assert clean <= 0.01
    assert far <= 0.01
