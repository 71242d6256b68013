"""Photos taken from the development clips: lips shut, smiling, with a beard, behind glasses."""

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from dub.avatar import Backdrop, Motion
from dub.media import read_frames
from dub.mouth_metrics import closures
from dub.script import PhonemeSpan
from dub.video_facts import video_facts
from dub.wav import write_wav
from engines import registry
from engines.portrait.contract import Performance
from tests.clips import speechlike

pytestmark = [pytest.mark.media, pytest.mark.models, pytest.mark.slow]
SOUNDS = tuple("mabopifaumetabanupesimalobi")
N_FRAMES = 100


@pytest.mark.parametrize(
    ("clip", "frame"),
    [
        ("english_10s", 0),  # beard, glasses, lips shut
        ("english_10s", 180),  # lips parted
        ("english_portrait_20s", 0),  # frown, lips shut
        ("english_portrait_20s", 222),  # a smile that shows teeth
        ("russian_portrait_10s", 24),  # a smile, head tilted
        ("spanish_editlist_10s", 0),  # beard, sunglasses
    ],
)
def test_the_lips_of_a_photo_meet_and_part(shared_media: Path, tmp_path: Path, clip: str, frame: int) -> None:
    video = shared_media / "video" / f"{clip}.mp4"
    picture = next(read_frames(video, video_facts(video), "rgb24", first=frame, n=1))
    cv2.imwrite(str(tmp_path / "photo.png"), picture[..., ::-1])
    phonemes = tuple(
        PhonemeSpan(ipa=ipa, start_sample=24_000 + k * 5_280, end_sample=24_000 + (k + 1) * 5_280)
        for k, ipa in enumerate(SOUNDS)
    )
    write_wav(tmp_path / "dialogue.wav", speechlike(N_FRAMES / 25), 48_000)
    engine = registry.load("portrait", "warped-photo")
    posed = engine.pose(tmp_path / "photo.png", "photo.png", 1920, tmp_path / "posed")
    facts = posed.as_video(N_FRAMES)
    performance = Performance(phonemes, tmp_path / "dialogue.wav", Motion(), Backdrop())
    log = engine.render(tmp_path / "posed", facts, performance, tmp_path / "out.mp4")
    face = registry.load("face", "mediapipe").track(tmp_path / "out.mp4", facts).faces[0]
    found = closures(face.aperture, Fraction(25), phonemes, np.ones(N_FRAMES, bool))
    recall = sum(closure.is_closed for closure in found) / len(found)
    r = float(np.corrcoef(log.aperture[0], face.aperture)[0, 1])
    print(f"{clip} frame {frame}: closures {recall:.2f} of {len(found)}, aimed against seen r {r:.2f}")
    assert recall >= 0.95
    assert r > 0.9
    assert face.aperture[log.aperture[0] > 0.12].mean() > 0.08
