"""A title rendered in parts is the title: the same frames for the encoder, no seam that can be seen, and a changed line
plans nothing anew but what it touches."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import fields, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from dub import media
from dub.join_video import join_video
from dub.script import PhonemeSpan
from dub.source import VideoFacts
from dub.timecode import MASTER_RATE_HZ
from dub.video_facts import video_facts
from dub.wav import write_wav
from engines import registry
from engines.face.contract import PER_FRAME, TrackedFace, TrackedFaces
from engines.lipsync.contract import LipSyncer, Scene, SpokenSpan
from engines.lipsync.exemplar import load_banks, save_banks
from tests.engines.lipsync import cartoon
from tests.engines.lipsync.test_exemplar import SAID, scene_of, shown_by
from tests.engines.lipsync.test_onnx_network import network
from tests.engines.lipsync.whole import render_whole

Frames = list[np.ndarray]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> cartoon.Cartoon:
    return cartoon.make(tmp_path_factory.mktemp("cartoon"))


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Frames:
    """What is handed to encoders, in order."""
    seen: Frames = []
    write = media.FrameWriter.write
    monkeypatch.setattr(media.FrameWriter, "write", lambda w, frame: (seen.append(frame.copy()), write(w, frame))[1])
    return seen


def _in_parts(
    engine: LipSyncer,
    scene: Scene,
    bank: Path,
    said: tuple[SpokenSpan, ...],
    sound: Path,
    cuts: Sequence[int],
    to: Path,
) -> Path:
    """Each part by a call of its own, the last one first; then joined."""
    edges = [0, *cuts, scene.facts.n_frames]
    parts = [range(a, b) for a, b in itertools.pairwise(edges)]
    to.mkdir()
    (to / "joined").mkdir()
    engine.plan(scene, bank, said, sound, parts, to)
    for number, part in reversed(list(enumerate(parts))):
        engine.render(scene.video, scene.facts, bank, to / str(number), part, to / f"{number}.mp4")
    return join_video([to / f"{number}.mp4" for number in range(len(parts))], scene.facts, to / "joined")


def _assert_the_same_picture(truth: Frames, whole: Path, joined: Path, cuts: Sequence[int]) -> None:
    """Joined parts are as near to the frames handed to the encoder as the file of the whole is, at the seams too. (Two
    encodes at crf 18 differ from one another by as much as from the truth: 42 to 45 dB here.)"""
    facts = video_facts(joined)
    assert facts == video_facts(whole)
    of_whole, of_joined = _psnr_db(truth, whole, facts), _psnr_db(truth, joined, facts)
    assert of_joined.min() > of_whole.min() - 0.5
    at_seams = np.concatenate([of_joined[cut - 3 : cut + 4] for cut in cuts])
    at_key_frames = np.concatenate([of_whole[cut - 3 : cut + 4] for cut in range(50, facts.n_frames - 4, 50)])
    assert at_seams.min() > at_key_frames.min() - 0.5, "a seam is a key frame like any other"
    assert abs(float(np.median(of_joined) - np.median(of_whole))) < 0.5
    assert _psnr_db(list(media.read_frames(whole, facts)), joined, facts).min() > 41
    height = facts.height_px
    shown = [truth, list(media.read_frames(whole, facts)), list(media.read_frames(joined, facts))]
    of_truth, of_whole, of_joined = (
        np.array([np.abs(b[:height].astype(np.int16) - a[:height]).mean() for a, b in itertools.pairwise(frames)])
        for frames in shown
    )
    pops = (of_whole - of_truth)[49 : facts.n_frames - 4 : 50]
    seams = (of_joined - of_truth)[[cut - 1 for cut in cuts]]
    assert seams.max() < 1.2 * pops.max() + 0.1, "grey levels by which more than the picture itself changes"


def _psnr_db(truth: Frames, path: Path, facts: VideoFacts) -> np.ndarray:
    pictures = zip(truth, media.read_frames(path, facts), strict=True)
    error = np.array([float(np.square(a.astype(np.float32) - b).mean()) for a, b in pictures])
    return np.asarray(10 * np.log10(255**2 / np.maximum(error, 1e-9)))


CUTS = (40, 61, 62 + 15, 119)
"""In the pause before the dub, in the middle of two words, and in the silence after."""


def test_a_drawn_face_in_parts(clip: cartoon.Cartoon, written: Frames, tmp_path: Path) -> None:
    scene, engine = scene_of(clip, tmp_path), registry.load("lipsync", "exemplar")
    engine.prepare(scene, tmp_path / "bank")
    log = render_whole(engine, scene, tmp_path / "bank", SAID, clip.dialogue, tmp_path / "whole.mp4")
    whole = written.copy()
    assert log.is_rendered()[0, [60, 61, 76, 77]].all(), "two of the cuts are where the mouth is being moved"
    written.clear()
    joined = _in_parts(engine, scene, tmp_path / "bank", SAID, clip.dialogue, CUTS, tmp_path / "parts")
    starts = [119, 77, 61, 40, 0]
    order = [i for a, b in zip(starts, [clip.facts.n_frames, *starts], strict=False) for i in range(a, b)]
    in_order = [frame for _, frame in sorted(zip(order, written, strict=True), key=lambda pair: pair[0])]
    assert len(in_order) == len(whole) == clip.facts.n_frames
    assert all(np.array_equal(a, b) for a, b in zip(whole, in_order, strict=True))
    _assert_the_same_picture(whole, tmp_path / "whole.mp4", joined, CUTS)


def test_a_networks_face_in_parts(clip: cartoon.Cartoon, written: Frames, tmp_path: Path) -> None:
    scene = scene_of(clip, tmp_path)
    engine = registry.load("lipsync", "onnx", file=str(network(tmp_path / "n.onnx", "wav2lip", "loud")), batch=5)
    engine.prepare(scene, tmp_path / "bank")
    render_whole(engine, scene, tmp_path / "bank", SAID, clip.dialogue, tmp_path / "whole.mp4")
    whole = written.copy()
    written.clear()
    _in_parts(engine, scene, tmp_path / "bank", SAID, clip.dialogue, (61,), tmp_path / "parts")
    assert all(np.array_equal(a, b) for a, b in zip(whole, [*written[-61:], *written[:-61]], strict=True))


@pytest.mark.models
def test_the_shipped_sample_in_parts(sample_video: Path, written: Frames, tmp_path: Path) -> None:
    facts = video_facts(sample_video)
    registry.load("face", "mediapipe").track(sample_video, facts).save(tmp_path / "faces.npz")
    sound = np.random.default_rng(0).normal(0, 0.1, (1, round(facts.duration * MASTER_RATE_HZ))).astype(np.float32)
    write_wav(tmp_path / "dub.wav", sound, MASTER_RATE_HZ)
    said = shown_by(0, (_line("u0001", 0.5, 40), _line("u0002", 6.2, 40)))
    scene = Scene(sample_video, facts, tmp_path / "faces.npz", tmp_path / "dub.wav", said)
    engine = registry.load("lipsync", "exemplar")
    engine.prepare(scene, tmp_path / "bank")
    render_whole(engine, scene, tmp_path / "bank", said, tmp_path / "dub.wav", tmp_path / "whole.mp4")
    whole = written.copy()
    written.clear()
    joined = _in_parts(engine, scene, tmp_path / "bank", said, tmp_path / "dub.wav", (70, 145), tmp_path / "parts")
    again = [*written[-70:], *written[facts.n_frames - 145 : -70], *written[: facts.n_frames - 145]]
    assert all(np.array_equal(a, b) for a, b in zip(whole, again, strict=True))
    _assert_the_same_picture(whole, tmp_path / "whole.mp4", joined, (70, 145))


def _line(name: str, start_s: float, n_sounds: int, seed: int = 0) -> SpokenSpan:
    """Consonant and vowel in turn, 0.11 s each."""
    choose = np.random.default_rng([seed, round(start_s * 10)])
    phonemes, at = [], start_s
    for i in range(n_sounds):
        ipa = str(choose.choice(list("aeiou" if i % 2 else "pbmtdkslfn")))
        start, end = (round(second * MASTER_RATE_HZ) for second in (at, at + 0.11))
        phonemes.append(PhonemeSpan(ipa=ipa, start_sample=start, end_sample=end))
        at += 0.11
    return SpokenSpan(name, phonemes[0].start_sample, phonemes[-1].end_sample, (), tuple(phonemes))


def _repeated(face: TrackedFace, times: int) -> TrackedFace:
    return replace(face, **{name: np.concatenate([getattr(face, name)] * times) for name in PER_FRAME})


@pytest.fixture(scope="module")
def long_scene(clip: cartoon.Cartoon, tmp_path_factory: pytest.TempPathFactory) -> tuple[Scene, Path]:
    """The drawn face's track over and over, two minutes: nobody looks at the pixels of a plan. It talks throughout."""
    folder = tmp_path_factory.mktemp("long")
    short = scene_of(clip, folder)
    registry.load("lipsync", "exemplar").prepare(short, folder / "short")
    banks = load_banks(folder / "short")
    save_banks(
        {k: replace(bank, is_covered=np.tile(bank.is_covered, 20)) for k, bank in banks.items()}, folder / "bank"
    )
    face = _repeated(clip.face, 20)
    TrackedFaces(face.n_frames, face.shots, (face,)).save(folder / "faces.npz")
    facts = clip.facts.model_copy(update={"n_frames": face.n_frames})
    said = shown_by(0, (SpokenSpan("u0001", 0, 120 * MASTER_RATE_HZ, ()),))
    return Scene(clip.video, facts, folder / "faces.npz", clip.dialogue, said), folder / "bank"


def test_one_changed_line_changes_only_the_plans_that_it_touches(
    long_scene: tuple[Scene, Path], tmp_path: Path
) -> None:
    """Without a pause: 120 s of unbroken lines, one of 3 s at 60 s changed, and said 0.3 s longer."""
    scene, bank = long_scene
    lines = [_line(f"u{i:04d}", 3.0 * i, 24) for i in range(40)]
    changed = [*lines[:20], _line("u0020", 60.0, 27, seed=1), *lines[21:]]
    parts = [range(k * 125, (k + 1) * 125) for k in range(24)]
    plans = []
    for name, said in (("before", lines), ("after", changed)):
        (tmp_path / name).mkdir()
        registry.load("lipsync", "exemplar").plan(
            scene, bank, shown_by(0, tuple(said)), scene.dialogue, parts, tmp_path / name
        )
        plans.append([(tmp_path / name / str(k)).read_bytes() for k in range(24)])
    touched = [k for k in range(24) if plans[0][k] != plans[1][k]]
    assert 12 in touched
    assert set(touched) <= {10, 11, 12, 13, 14}, "5 s each; a frame's opening is measured against 6 s around it"


def test_a_network_hears_nothing_new_where_nothing_was_changed(long_scene: tuple[Scene, Path], tmp_path: Path) -> None:
    scene, _ = long_scene
    engine = registry.load("lipsync", "onnx", file=str(network(tmp_path / "n.onnx", "wav2lip", "loud")))
    with (tmp_path / "bank").open("wb") as file:
        np.savez(file)
    lines = shown_by(0, tuple(_line(f"u{i:04d}", 3.0 * i, 24) for i in range(40)))
    sound = np.random.default_rng(0).normal(0, 0.05, 120 * MASTER_RATE_HZ).astype(np.float32)
    sound[MASTER_RATE_HZ] = 0.9
    parts = [range(k * 125, (k + 1) * 125) for k in range(24)]
    plans = []
    for name in ("before", "after"):
        (tmp_path / name).mkdir()
        write_wav(tmp_path / name / "dub.wav", sound[None], MASTER_RATE_HZ)
        engine.plan(scene, tmp_path / "bank", lines, tmp_path / name / "dub.wav", parts, tmp_path / name)
        plans.append([(tmp_path / name / str(k)).read_bytes() for k in range(24)])
        sound[60 * MASTER_RATE_HZ : 63 * MASTER_RATE_HZ] *= 0.5
    assert [k for k in range(24) if plans[0][k] != plans[1][k]] == [11, 12]


def test_parts_of_a_track_are_one_again(clip: cartoon.Cartoon) -> None:
    def part(frames: slice, n_faces: int) -> TrackedFaces:
        face = replace(clip.face, **{name: getattr(clip.face, name)[frames] for name in PER_FRAME})
        away = replace(face, points=face.points + np.float32(400))
        return TrackedFaces(face.n_frames, np.array([0], np.int32), (away, face)[-n_faces:])

    joined = TrackedFaces.joined([part(slice(0, 50), 2), part(slice(50, 90), 1), part(slice(90, 150), 2)])
    assert (joined.n_frames, joined.shots.tolist(), len(joined.faces)) == (150, [0, 50, 90], 2)
    found = joined.where(clip.face)
    for field in fields(TrackedFace):
        if field.name in PER_FRAME:
            assert np.array_equal(getattr(found, field.name), getattr(clip.face, field.name))
    assert Fraction(joined.n_frames, 25) == clip.facts.duration
