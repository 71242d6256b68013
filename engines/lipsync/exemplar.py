"""Lip-sync without a network: the speaker's own frames are the model.

Phonemes become a curve of mouth shapes within this speaker's range (mouth_curve), each frame borrows the best fitting
mouth of the same speaker (mouth_bank, mouth_search), which is warped onto the shape asked for (mouth_warp) and set into
the frame's own lower face, whose jaw follows (mouth_blend). After Video Rewrite (Bregler et al. 1997), with text-driven
unit search as in Fried et al. 2019 and rules of JALI (Edwards et al. 2016).
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from dub import media, progress
from dub.errors import EngineFailed
from dub.on_screen import OFF_SCREEN, UNCERTAIN
from dub.overlay import Overlay
from dub.source import VideoFacts
from engines.face.contract import TrackedFace, TrackedFaces, shot_numbers
from engines.lipsync import audio_curve, mouth_bank, plan_file
from engines.lipsync import frame_choice as choice
from engines.lipsync import mouth_geometry as geometry
from engines.lipsync.contract import RenderLog, Scene, SpokenSpan
from engines.lipsync.frame_threads import Ahead, Behind
from engines.lipsync.mouth_bank import MouthBank
from engines.lipsync.mouth_curve import mouth_curve
from engines.lipsync.mouth_occlusion import covered_frames
from engines.lipsync.mouth_painter import MouthPainter
from engines.lipsync.mouth_plan import MouthFrame, MouthPlan
from engines.spec import EngineSpec

MOST_FACES = 8
"""Faces that get a bank, those heard most first; further ones keep their frames."""


class Exemplar:
    """LipSyncer. Holds nothing between calls, so any number of threads may use it."""

    def prepare(self, scene: Scene, bank: Path) -> None:
        faces = TrackedFaces.load(scene.faces)
        spoken = [_source_speech(k, scene, faces) for k in range(len(faces.faces))]
        heard = np.array([int((face.is_found & said).sum()) for face, said in zip(faces.faces, spoken, strict=True)])
        leading = [int(k) for k in np.argsort(-heard, kind="stable")[:MOST_FACES] if heard[k]]
        share = mouth_bank.MAX_CROP_BYTES // max(1, len(leading))
        with progress.part(0, 0.5):
            covered = covered_frames(scene.video, scene.facts, {k: faces.faces[k] for k in leading})
        outlines = {k: mouth_bank.outline(scene.facts, faces.faces[k], spoken[k], share, covered[k]) for k in leading}
        chosen = {k: o for k, o in outlines.items() if o is not None}
        with progress.part(0.5, 1):
            save_banks(mouth_bank.cut(scene.video, scene.facts, faces.faces, chosen), bank)

    def plan(
        self,
        scene: Scene,
        bank: Path,
        spoken: tuple[SpokenSpan, ...],
        dialogue: Path,
        parts: Sequence[range],
        folder: Path,
    ) -> RenderLog:
        facts, faces = scene.facts, TrackedFaces.load(scene.faces)
        if faces.n_frames != facts.n_frames:
            raise EngineFailed(f"the face track has {faces.n_frames} frames, the video {facts.n_frames}")
        banks = load_banks(bank)
        log = decided(scene, faces, banks, spoken, {k: mouths.is_covered for k, mouths in banks.items()})
        shot = shot_numbers(faces)
        plans = []
        for k, mouths in banks.items():
            phonemes = [
                phoneme for span in spoken if k in {run.face for run in span.shown} for phoneme in span.phonemes
            ]
            face, share = _uncovered(faces.faces[k], mouths.is_covered), choice.ramps(log.is_rendered()[k], shot)
            curve = mouth_curve(phonemes, facts.frame_rate, facts.n_frames, mouths.speaker)
            curve = audio_curve.with_sound(curve, scene, faces, k, spoken, dialogue, mouths.speaker)
            aimed = share * curve.aperture + (1 - share) * np.nan_to_num(face.aperture)
            log.aperture[k, share > 0] = aimed[share > 0]
            planned = MouthPlan(face, mouths, curve, share, facts.frame_rate).frames()
            plans.append(zip(planned, itertools.repeat(k)))
        work = heapq.merge(*plans, key=lambda planned: planned[0].index)
        following = next(work, None)
        for number, part in enumerate(parts):
            of_part: dict[int, list[MouthFrame]] = {k: [] for k in banks}
            while following is not None and following[0].index < part.stop:
                of_part[following[1]].append(following[0])
                following = next(work, None)
            plan_file.save(folder / str(number), of_part)
            progress.report(part.stop, facts.n_frames)
        return log

    def render(
        self,
        video: Path,
        facts: VideoFacts,
        bank: Path,
        plan: Path,
        frames: range,
        out: Path,
        overlay: Overlay | None = None,
    ) -> None:
        planned = plan_file.load(plan)
        painters = {k: MouthPainter(mouths, facts) for k, mouths in load_banks(bank).items() if k in planned}
        work = heapq.merge(*(zip(planned[k], itertools.repeat(painters[k])) for k in planned), key=lambda w: w[0].index)
        following = next(work, None)
        with (
            Ahead(media.read_frames(video, facts, first=frames.start, n=len(frames))) as pictures,
            media.FrameWriter(out, facts, overlay=overlay) as writer,
            Behind(writer.write) as finished,
        ):
            for i, picture in zip(frames, pictures, strict=True):
                while following is not None and following[0].index == i:
                    mouth, painter = following
                    painter.paint(picture, mouth)
                    following = next(work, None)
                finished.put(picture)
                progress.report(i + 1 - frames.start, len(frames))


def _source_speech(code: int, scene: Scene, faces: TrackedFaces) -> choice.Mask:
    """(n_frames,): the source's lines that face `code` says; lips open to breathe in before an utterance."""
    return choice.speech_of(code, scene.said, shot_numbers(faces), scene.facts.frame_rate, choice.INHALE_S)


def decided(
    scene: Scene,
    faces: TrackedFaces,
    banks: Container[int],
    spoken: tuple[SpokenSpan, ...],
    covered: Mapping[int, choice.Mask] = MappingProxyType({}),
) -> RenderLog:
    """What is to be done to every face in every frame; no aperture is aimed at yet. `banks`: the faces that can
    be moved. `covered`: by face, (n_frames,), something is in front of its mouth."""
    shot, rate = shot_numbers(faces), scene.facts.frame_rate

    def in_dub(code: int) -> choice.Mask:
        return choice.speech_of(code, spoken, shot, rate)

    off_screen, unclear = in_dub(OFF_SCREEN), in_dub(UNCERTAIN)
    rows = [
        choice.decide(
            face,
            in_dub(k),
            _source_speech(k, scene, faces),
            off_screen,
            unclear,
            has_bank=k in banks,
            is_inside=_is_inside(face, scene.facts),
            frame_rate=rate,
            is_covered=covered.get(k),
        )
        for k, face in enumerate(faces.faces)
    ]
    if not rows:
        sounds = [in_dub(code) for code in {run.face for span in spoken for run in span.shown}]
        rows = [np.where(np.any([off_screen, *sounds], axis=0), choice.NO_FACE, choice.NOBODY).astype(np.uint8)]
    decision = np.stack(rows)
    return RenderLog(choice.REASONS, decision, np.full(decision.shape, np.nan, np.float32))


def _uncovered(face: TrackedFace, is_covered: choice.Mask) -> TrackedFace:
    """The track without what it guessed under a hand: nothing beside it is to be smoothed with that."""
    if not is_covered.any():
        return face
    return replace(face, points=np.where(is_covered[:, None, None], np.float32(np.nan), face.points))


def save_banks(banks: dict[int, MouthBank], path: Path) -> None:
    """Banks by face number, as one .npz."""
    arrays = {f"{k}/{name}": array for k, bank in banks.items() for name, array in bank.arrays().items()}
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def load_banks(path: Path) -> dict[int, MouthBank]:
    of_face: dict[int, dict[str, npt.NDArray[Any]]] = {}
    with np.load(path, allow_pickle=False) as arrays:
        for key in arrays.files:
            k, name = key.split("/")
            of_face.setdefault(int(k), {})[name] = arrays[key]
    return {k: MouthBank(**fields) for k, fields in of_face.items()}


def _is_inside(face: TrackedFace, facts: VideoFacts) -> npt.NDArray[np.bool_]:
    """(n_frames,): all of the lips lie in the picture. NaN (no face) counts as outside."""
    lips = face.at(*geometry.SHAPE_POINTS[: 4 * geometry.N_LIP]) if face.is_found.any() else None
    if lips is None:
        return np.zeros(face.n_frames, bool)
    inside: npt.NDArray[np.bool_] = ((lips >= 0) & (lips < np.array([facts.width_px, facts.height_px]))).all(
        axis=(1, 2)
    )
    return inside


ENGINE = EngineSpec(
    id="exemplar",
    family="lipsync",
    version=11,
    summary="The speaker's own frames, searched, warped and blended; no network, CPU.",
    load=Exemplar,
    extra="embedded",
    packages=("cv2",),
    capabilities={"learns_from_sound": True},
)
