"""Lips that follow a sound nobody has words for: learned from a speaker whose every sound and opening is known."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from dub.errors import BadInput
from dub.on_screen import ShownRun
from dub.script import PhonemeSpan
from dub.source import VideoFacts
from dub.wav import write_wav
from engines.face.contract import TrackedFace, TrackedFaces
from engines.face.mediapipe_landmarker import KEPT_POINTS
from engines.lipsync.audio_curve import as_spoken_by, learn, sound_around, with_sound
from engines.lipsync.contract import Scene, SpokenSpan
from engines.lipsync.mouth_curve import SpeakerRange, mouth_curve

RATE, RATE_HZ = Fraction(25), 48_000
SECONDS = 12
N_FRAMES = SECONDS * 25
SPEAKER = SpeakerRange(
    aperture_mean=0.1, aperture_sd=0.06, aperture_high=0.25, width_low=0.5, width_mid=0.56, width_high=0.62,
    width_rest=0.55, lip_low=0.08, lip_mid=0.1, lip_high=0.12,
)  # fmt: skip


def opening(seed: int, n_frames: int = N_FRAMES) -> np.ndarray:
    """An aperture that wanders as syllables do, 0.02 to 0.2 IOD."""
    rng = np.random.default_rng(seed)
    times = np.arange(n_frames) / float(RATE)
    waves = sum(np.sin(2 * np.pi * hz * times + rng.uniform(0, 6)) for hz in rng.uniform(0.6, 3.5, 3))
    return np.clip(0.11 + 0.035 * waves, 0.02, 0.2)


@lru_cache(maxsize=4)
def bands(seed: int) -> np.ndarray:
    """(8, n): whispering noise in eight bands, one after another."""
    noise = np.fft.rfft(np.random.default_rng(seed).standard_normal(SECONDS * RATE_HZ))
    hz = np.fft.rfftfreq(SECONDS * RATE_HZ, 1 / RATE_HZ)
    edges = np.geomspace(100, 7000, 9)
    return np.stack([np.fft.irfft(noise * ((hz >= a) & (hz < b))) for a, b in pairwise(edges)])


def voice(aperture: np.ndarray, colour: int = 0, level: float = 0.1) -> np.ndarray:
    """float32 (1, n): a whisper that gets louder and brighter as the mouth opens. Another `colour` is another person:
    other noise through another throat."""
    at = np.arange(SECONDS * RATE_HZ) / RATE_HZ
    wide = np.interp(at, (np.arange(len(aperture)) + 0.5) / float(RATE), aperture) / 0.2
    throat = 10 ** np.random.default_rng(colour).uniform(-0.4, 0.4, 8)
    gains = [throat[k] * np.exp((0.3 * k - 0.5) * wide) for k in range(8)]
    sound = sum(gain * band for gain, band in zip(gains, bands(colour), strict=True))
    return (level * sound / np.abs(sound).max()).astype(np.float32)[None]


def face_with(aperture: np.ndarray) -> TrackedFaces:
    face = TrackedFace.empty(len(aperture), np.array(KEPT_POINTS, np.int16), np.zeros(1, np.int32))
    ids = list(KEPT_POINTS)
    face.points[:] = 0.0
    face.points[:, ids.index(263)] = (100.0, 0.0)
    face.points[:, ids.index(14), 1] = 100 * aperture
    face.points[:, ids.index(291), 0] = 100 * (0.6 - 0.3 * aperture)
    for values in (face.yaw_deg, face.pitch_deg, face.sharpness, face.brightness):
        values[:] = 1.0
    return TrackedFaces(len(aperture), face.shots, (face,))


def span(start_s: float, end_s: float, name: str = "d0001") -> SpokenSpan:
    return SpokenSpan(name, round(start_s * RATE_HZ), round(end_s * RATE_HZ), (ShownRun(0, N_FRAMES, 0),))


def scene(folder: Path, sound: np.ndarray, seconds: float = SECONDS) -> Scene:
    write_wav(folder / "dialogue.wav", sound, RATE_HZ)
    facts = VideoFacts(width_px=64, height_px=48, frame_rate=RATE, n_frames=N_FRAMES)
    return Scene(folder / "none.mp4", facts, folder / "none.npz", folder / "dialogue.wav", (span(0.2, seconds - 0.2),))


@pytest.fixture(scope="module")
def talking(tmp_path_factory: pytest.TempPathFactory) -> tuple[Scene, TrackedFaces]:
    aperture = opening(1)
    return scene(tmp_path_factory.mktemp("voice"), voice(aperture)), face_with(aperture)


def test_what_sound_does_to_the_lips_is_learned_and_carries_to_another_voice(
    talking: tuple[Scene, TrackedFaces],
) -> None:
    source, faces = talking
    learned = learn(source, faces, 0)
    assert learned.correlation > 0.8
    assert learned.speech_s == pytest.approx(SECONDS, abs=0.5)
    other = opening(2)
    inputs = sound_around(voice(other, colour=3, level=0.02)[0], [span(0.2, 11.8)], RATE, N_FRAMES)
    known = np.isfinite(inputs[:, 0])
    mouth = learned.mouth(inputs[known])
    assert np.corrcoef(mouth[:, 0], other[known])[0, 1] > 0.7
    assert np.corrcoef(mouth[:, 1], other[known])[0, 1] < -0.7, "this speaker's mouth narrows as it opens"


def test_lips_that_do_not_follow_the_voice_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="do not follow the voice") as caught:
        learn(scene(tmp_path, voice(opening(1))), face_with(opening(5)), 0)
    assert "--text" in caught.value.mend


def test_a_still_mouth_and_little_speech_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="do not follow the voice"):
        learn(scene(tmp_path, voice(opening(1))), face_with(np.full(N_FRAMES, 0.05)), 0)
    with pytest.raises(BadInput, match=r"shows 2\.\d s"):
        learn(scene(tmp_path, voice(opening(1)), seconds=2.5), face_with(opening(1)), 0)


def test_the_curve_moves_with_the_sound_and_is_shut_in_pauses(
    talking: tuple[Scene, TrackedFaces], tmp_path: Path
) -> None:
    source, faces = talking
    aperture = opening(3)
    sound = voice(aperture, colour=5)
    sound[:, 5 * RATE_HZ : 7 * RATE_HZ] = 0
    write_wav(tmp_path / "dub.wav", sound, RATE_HZ)
    still = mouth_curve((), RATE, N_FRAMES, SPEAKER)
    spoken = [span(1.0, 10.0)]
    moved = with_sound(still, source, faces, 0, spoken, tmp_path / "dub.wav", SPEAKER)
    speech = np.r_[30:120, 180:245]
    assert np.corrcoef(moved.aperture[speech], aperture[speech])[0, 1] > 0.7
    assert moved.aperture[speech].std() == pytest.approx(SPEAKER.aperture_sd, rel=0.35)
    assert moved.aperture[130:170].max() < 0.005
    assert np.array_equal(moved.aperture[:20], still.aperture[:20]), "outside its line the curve is as it was"
    assert (moved.width[speech] >= SPEAKER.width_low - 1e-6).all()
    assert np.abs(np.diff(moved.aperture, 2)).max() < 0.1
    assert not still.aperture.any(), "the curve that was given is not changed"


def test_lines_with_phonemes_are_left_to_them(talking: tuple[Scene, TrackedFaces], tmp_path: Path) -> None:
    source, faces = talking
    told = replace(span(1.0, 2.0), phonemes=(PhonemeSpan(ipa="a", start_sample=48_000, end_sample=96_000),))
    curve = mouth_curve(told.phonemes, RATE, N_FRAMES, SPEAKER)
    assert with_sound(curve, source, faces, 0, [told], tmp_path / "no.wav", SPEAKER) is curve
    elsewhere = replace(span(1.0, 2.0), shown=(ShownRun(0, N_FRAMES, 1),))
    assert with_sound(curve, source, faces, 0, [elsewhere], tmp_path / "no.wav", SPEAKER) is curve


def test_a_regression_of_nothing_but_noise_is_not_blown_up() -> None:
    flat = np.stack([0.1 + 1e-4 * np.random.default_rng(0).standard_normal(50), np.full(50, 0.56)], axis=1)
    spoken = as_spoken_by(SPEAKER, flat, np.ones(50, bool))
    assert np.abs(spoken[:, 0] - SPEAKER.aperture_mean).max() < 1e-3
