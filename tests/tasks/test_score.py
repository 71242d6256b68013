"""The score of the shipped sample, and of the sample with one fault at a time.

Here a fault is planted in the tracked lips and in the sound; in pictures, tracked again, by the `media` tests below and
by infra/plant_mouth_faults.py.
"""

from __future__ import annotations

import json
from dataclasses import fields, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from dub.av_offset import ROWS_PER_S, av_offset
from dub.errors import BadInput
from dub.finding import Level
from dub.media import read_audio
from dub.mfcc import mfcc
from dub.score import METRICS, MouthScore
from dub.script import PhonemeSpan
from dub.source import VideoFacts
from dub.speech_activity import levels_db, speech_islands
from dub.timecode import timecode
from dub.video_facts import video_facts
from engines import registry
from engines.face.contract import TrackedFace
from flows.score_preflight import ScoreJob
from flows.score_title import score_title
from lang.bcp47 import Locale
from tasks.score_measures import Evidence, measure
from tests.mouth_faults import CAUGHT_BY, FAULTS, Clip

HZ = 48_000


@pytest.fixture(scope="module")
def truth(sample_video: Path) -> dict[str, list[dict[str, object]]]:
    found: dict[str, list[dict[str, object]]] = json.loads(sample_video.with_suffix(".json").read_text())
    return found


@pytest.fixture(scope="module")
def evidence(sample_video: Path, truth: dict[str, list[dict[str, float]]]) -> Evidence:
    """The sample as it is, with its true phoneme times."""
    facts = video_facts(sample_video)
    face = registry.load("face", "mediapipe").track(sample_video, facts).faces[0]
    said = tuple(
        PhonemeSpan(ipa=p["ipa"], start_sample=round(p["start_s"] * HZ), end_sample=round(p["end_s"] * HZ))
        for p in truth["phonemes"]
    )
    return heard(
        Evidence(facts.frame_rate, face, (), said, None, None, sound_is_new=False), sound_of(sample_video, facts)
    )


def sound_of(video: Path, facts: VideoFacts) -> np.ndarray:
    return read_audio(video, HZ, 1)[0][: round(facts.duration * HZ)]


def heard(evidence: Evidence, sound: np.ndarray, late_s: float = 0.0) -> Evidence:
    """With this sound, and with the words that much later."""
    shift = round(late_s * HZ)
    said = tuple(
        p.model_copy(update={"start_sample": p.start_sample + shift, "end_sample": p.end_sample + shift})
        for p in evidence.said or ()
    )
    offset = av_offset(mfcc(sound, HZ, ROWS_PER_S), evidence.face.aperture, evidence.rate)
    return replace(evidence, spoken=speech_islands(levels_db([sound], HZ)), said=said, offset=offset)


def reordered(evidence: Evidence, order: np.ndarray) -> Evidence:
    """Frame i shows the face of frame order[i]."""
    face, n = evidence.face, evidence.face.n_frames
    moved = {
        field.name: value[order]
        for field in fields(TrackedFace)
        if isinstance(value := getattr(face, field.name), np.ndarray) and len(value) == n
    }
    return replace(evidence, face=replace(face, **moved))


def scored(evidence: Evidence) -> MouthScore:
    n = evidence.face.n_frames
    return MouthScore(title="hello", locale=None, measures=measure(evidence), n_frames=n, n_frames_with_face=n)


@pytest.mark.models
def test_the_sample_passes_every_gate(evidence: Evidence) -> None:
    score = scored(evidence)
    assert [each.metric for each in score.measures] == list(METRICS)
    assert score.verdict is Level.OK
    assert score.value("closure_recall") == 1
    assert score.value("av_offset") == pytest.approx(0, abs=40)


@pytest.mark.models
def test_sound_half_a_second_late_fails(evidence: Evidence, sample_video: Path) -> None:
    sound = sound_of(sample_video, video_facts(sample_video))
    score = scored(heard(evidence, np.roll(sound, HZ // 2), late_s=0.5))
    assert score.value("av_offset") == pytest.approx(500, abs=40)
    assert score.level("av_offset") is Level.FAILED
    assert score.level("aperture_correlation") is Level.FAILED


@pytest.mark.models
def test_other_words_fail(evidence: Evidence, sample_video: Path) -> None:
    sound = sound_of(sample_video, video_facts(sample_video))
    score = scored(heard(evidence, np.roll(sound, 4 * HZ), late_s=4.0))
    assert score.level("aperture_correlation") is Level.FAILED
    assert score.level("closure_recall") in (Level.DEGRADED, Level.FAILED)


@pytest.mark.models
def test_a_frozen_mouth_fails(evidence: Evidence) -> None:
    typical = int(np.argmin(np.abs(evidence.face.aperture - np.median(evidence.face.aperture[evidence.speech]))))
    score = scored(reordered(evidence, np.full(evidence.face.n_frames, typical)))
    assert score.level("lip_dynamics") is Level.FAILED
    assert score.level("closure_recall") is Level.FAILED


@pytest.mark.models
def test_a_mouth_that_speaks_in_silence_fails(evidence: Evidence) -> None:
    order, speaking = np.arange(evidence.face.n_frames), np.flatnonzero(evidence.speech)
    silent = np.flatnonzero(~evidence.speech)
    order[silent] = speaking[np.arange(len(silent)) % len(speaking)]
    assert scored(reordered(evidence, order)).level("silence_movement") in (Level.DEGRADED, Level.FAILED)


@pytest.mark.models
def test_jumping_frames_fail(evidence: Evidence) -> None:
    n = evidence.face.n_frames
    order = np.clip(np.arange(n) + np.random.default_rng(0).integers(-6, 7, n), 0, n - 1)
    assert scored(reordered(evidence, order)).level("aperture_jerk") is Level.FAILED


@pytest.mark.models
def test_what_cannot_be_measured_says_why(evidence: Evidence) -> None:
    score = scored(replace(evidence, said=None, spoken=(), offset=None))
    unknown = {each.metric: each.note for each in score.measures if each.value is None}
    assert unknown["closure_recall"] == "the words are not known"
    assert unknown["lip_dynamics"] == "nobody is heard while the face is seen"
    assert unknown["sharpness_ratio"] == "no source is given"
    assert "9 s" in unknown["av_offset"]


@pytest.mark.models
def test_the_whole_story_of_a_score(
    sample_video: Path, truth: dict[str, list[dict[str, float]]], tmp_path: Path
) -> None:
    """A given timed script, the sample held against itself: aligned, measured, drawn, published, remembered."""
    cues = [
        f"{n}\n{srt(line['start_s'])} --> {srt(line['end_s'])}\n{line['text']}\n"
        for n, line in enumerate(truth["utterances"], 1)
    ]
    (tmp_path / "hello.srt").write_text("\n".join(cues))
    job = ScoreJob(
        video=sample_video, source=sample_video, script=tmp_path / "hello.srt", language=Locale("en"),
        out=tmp_path / "out", store=tmp_path / "store",
    )  # fmt: skip
    score = score_title(job)
    assert score.verdict is Level.OK
    assert score.value("closure_recall") == 1, "aligned times are good enough"
    assert score.value("frames_touched") == 0
    page = (job.out / "hello.score.html").read_text()
    assert page.count("<svg") == 3
    assert "data:image/jpeg" in page
    assert MouthScore.model_validate_json((job.out / "hello.score.json").read_text()) == score


def test_what_cannot_work_is_said_at_once(sample_video: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"nowhere\.mp4 does not exist"):
        score_title(ScoreJob(video=tmp_path / "nowhere.mp4", out=tmp_path))
    (tmp_path / "a.srt").write_text("")
    with pytest.raises(BadInput, match=r"language of a\.srt"):
        score_title(ScoreJob(video=sample_video, script=tmp_path / "a.srt", out=tmp_path))


def srt(seconds: float) -> str:
    return timecode(Fraction(round(seconds * 1000), 1000), decimal=",")


@pytest.mark.media
@pytest.mark.models
@pytest.mark.parametrize(
    ("name", "too_small_to_tell"), [("english_10s", []), ("spanish_editlist_10s", ["mouth never still"])]
)
def test_every_fault_in_a_real_video_is_caught(
    shared_media: Path, tmp_path: Path, name: str, too_small_to_tell: list[str]
) -> None:
    """The Spanish speaker's lips hardly part: a mouth that always moves as they do moves little."""
    video = shared_media / "video" / f"{name}.mp4"
    facts = video_facts(video)
    face = registry.load("face", "mediapipe").track(video, facts).faces[0]
    clip = Clip.read(video, facts, face)
    assert FAULTS.keys() == {"clean", *CAUGHT_BY}
    missed = []
    for fault, plant in FAULTS.items():
        faulty = plant(clip, tmp_path / f"{fault.replace(' ', '_')}.mkv")
        score = score_title(ScoreJob(video=faulty, source=video, words=False, out=tmp_path, store=tmp_path / "store"))
        if fault == "clean":
            assert score.verdict is Level.OK, score
        elif all(score.level(metric) in (None, Level.OK) for metric in CAUGHT_BY[fault]):
            missed.append(fault)
    assert missed == too_small_to_tell


@pytest.mark.media
@pytest.mark.models
def test_a_dub_that_left_the_lips_alone_fails(shared_media: Path, tmp_path: Path) -> None:
    video = shared_media / "video" / "spanish_editlist_10s.peer_dub_en.mp4"
    source = shared_media / "video" / "spanish_editlist_10s.mp4"
    score = score_title(ScoreJob(video=video, source=source, words=False, out=tmp_path, store=tmp_path / "store"))
    assert score.level("speech_frames_touched") is Level.FAILED
    assert score.level("aperture_correlation") is Level.FAILED
    assert score.value("frames_touched") == 0
