"""Lip-sync without a network: the speaker's own frames are the model.

Phonemes become a curve of mouth shapes within this speaker's range (mouth_curve), each frame borrows the best fitting
mouth of the same speaker (mouth_bank, mouth_search), which is warped onto the shape asked for (mouth_warp) and set into
the frame's own lower face, whose jaw follows (mouth_blend). After Video Rewrite (Bregler et al. 1997), with text-driven
unit search as in Fried et al. 2019 and rules of JALI (Edwards et al. 2016).
"""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dub import media, progress, speech_activity, wav
from dub.errors import EngineFailed
from dub.source import VideoFacts
from engines.face.contract import TrackedFace
from engines.lipsync import frame_choice as choice
from engines.lipsync import mouth_bank
from engines.lipsync import mouth_geometry as geometry
from engines.lipsync.contract import RenderLog, SpokenSpan
from engines.lipsync.frame_threads import Ahead, Behind
from engines.lipsync.mouth_bank import MouthBank
from engines.lipsync.mouth_curve import mouth_curve
from engines.lipsync.mouth_painter import MouthPainter
from engines.lipsync.mouth_plan import MouthPlan
from engines.lipsync.same_face import face_of_frames
from engines.spec import EngineSpec

MOST_FACES = 8
"""Faces that get a bank, those heard most first; further ones keep their frames."""


class Exemplar:
    """LipSyncer. Holds nothing between calls, so any number of threads may use it."""

    def prepare(self, video: Path, facts: VideoFacts, track: Path, dialogue: Path, bank: Path) -> None:
        face = TrackedFace.load(track)
        is_speech = choice.source_speech(_islands(dialogue), facts.frame_rate, facts.n_frames)
        is_off_screen = choice.voice_off_screen(face, is_speech, facts.frame_rate)
        who = face_of_frames(face)
        heard = np.bincount(who[(who >= 0) & is_speech], minlength=who.max() + 1 if len(who) else 0)
        leading = [int(k) for k in np.argsort(-heard, kind="stable")[:MOST_FACES]]
        share = mouth_bank.MAX_CROP_BYTES // max(1, len(leading))
        outlines = {k: mouth_bank.outline(facts, face, who == k, is_speech, share) for k in leading}
        banks = mouth_bank.cut(video, facts, face, {k: o for k, o in outlines.items() if o is not None})
        StoredSource(is_speech, is_off_screen, who, banks).save(bank)

    def render(
        self,
        video: Path,
        facts: VideoFacts,
        track: Path,
        bank: Path,
        spoken: tuple[SpokenSpan, ...],
        dialogue: Path,
        out: Path,
    ) -> RenderLog:
        face = TrackedFace.load(track)
        if face.n_frames != facts.n_frames:
            raise EngineFailed(f"the face track has {face.n_frames} frames, the video {facts.n_frames}")
        stored = StoredSource.load(bank)
        is_dub = choice.dub_speech(spoken, facts.frame_rate, facts.n_frames)
        has_bank = np.isin(stored.who, list(stored.banks))
        decision = choice.decide(
            face, is_dub, stored.is_speech, stored.is_off_screen, has_bank, _is_inside(face, facts), facts.frame_rate
        )
        log = RenderLog(choice.REASONS, decision, np.full(facts.n_frames, np.nan, np.float32))
        share = choice.ramps(log.is_rendered(), geometry.shot_numbers(face))
        phonemes = [phoneme for span in spoken for phoneme in span.phonemes]
        plans = []
        for k, mouths in stored.banks.items():
            own = np.where(stored.who == k, share, np.float32(0))
            curve = mouth_curve(phonemes, facts.frame_rate, facts.n_frames, mouths.speaker)
            aimed = own * curve.aperture + (1 - own) * np.nan_to_num(face.aperture)
            log.aperture[own > 0] = aimed[own > 0]
            painter = MouthPainter(mouths, facts)
            planned = MouthPlan(face, mouths, curve, own, facts.frame_rate).frames()
            plans.append(zip(planned, itertools.repeat(painter)))
        work = heapq.merge(*plans, key=lambda planned: planned[0].index)
        following = next(work, None)
        with (
            Ahead(media.read_frames(video, facts)) as frames,
            media.FrameWriter(out, facts) as writer,
            Behind(writer.write) as finished,
        ):
            for i, frame in enumerate(frames):
                if following is not None and following[0].index == i:
                    plan, painter = following
                    painter.paint(frame, plan)
                    following = next(work, None)
                finished.put(frame)
                progress.report(i + 1, facts.n_frames)
        return log


@dataclass(frozen=True)
class StoredSource:
    """What `prepare` leaves for `render`: when the source speaks, which shots a narrator speaks over, whose face each
    frame shows (-1: nobody's), and the banks by face."""

    is_speech: npt.NDArray[np.bool_]
    is_off_screen: npt.NDArray[np.bool_]
    who: npt.NDArray[np.int64]
    banks: dict[int, MouthBank]

    def save(self, path: Path) -> None:
        arrays = {f"{k}/{name}": array for k, bank in self.banks.items() for name, array in bank.arrays().items()}
        arrays |= {"is_speech": self.is_speech, "is_off_screen": self.is_off_screen, "who": self.who}
        with path.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: Path) -> StoredSource:
        of_face: dict[int, dict[str, npt.NDArray[Any]]] = {}
        with np.load(path, allow_pickle=False) as arrays:
            for key in arrays.files:
                if "/" in key:
                    k, name = key.split("/")
                    of_face.setdefault(int(k), {})[name] = arrays[key]
            banks = {k: MouthBank(**fields) for k, fields in of_face.items()}
            return cls(arrays["is_speech"], arrays["is_off_screen"], arrays["who"], banks)


def _islands(dialogue: Path) -> list[tuple[float, float]]:
    """Where speech sounds on the dialogue stem, in seconds; the stem is read in blocks."""
    samples, rate_hz = wav.open_wav(dialogue)
    blocks = (samples[0, at : at + wav.BLOCK_SAMPLES] for at in range(0, samples.shape[1], wav.BLOCK_SAMPLES))
    islands = speech_activity.speech_islands(speech_activity.levels_db(blocks, rate_hz))
    return [(float(span.start), float(span.end)) for span in islands]


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
    version=4,
    summary="The speaker's own frames, searched, warped and blended; no network, CPU.",
    load=Exemplar,
    extra="embedded",
    packages=("cv2",),
)
