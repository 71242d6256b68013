"""Lip-sync without a network: the speaker's own frames are the model.

Phonemes become a curve of mouth shapes within this speaker's range (mouth_curve), each frame borrows the best fitting
mouth of the same speaker (mouth_bank, mouth_search), which is warped onto the shape asked for (mouth_warp) and set into
the frame's own lower face, whose jaw follows (mouth_blend). After Video Rewrite (Bregler et al. 1997), with text-driven
unit search as in Fried et al. 2019 and rules of JALI (Edwards et al. 2016).
"""

from __future__ import annotations

import heapq
import itertools
import queue
import threading
from collections.abc import Callable, Iterator
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
from engines.lipsync import mouth_bank, mouth_blend
from engines.lipsync import mouth_geometry as geometry
from engines.lipsync import mouth_warp as warp
from engines.lipsync.contract import RenderLog, SpokenSpan
from engines.lipsync.mouth_bank import MouthBank
from engines.lipsync.mouth_curve import mouth_curve
from engines.lipsync.mouth_plan import MouthFrame, MouthPlan
from engines.lipsync.same_face import face_of_frames
from engines.spec import EngineSpec

Bytes = npt.NDArray[np.uint8]

FRAMES_AHEAD = 6
"""Decoded and finished frames that may wait: decoder, renderer and encoder work at the same time."""
MOST_FACES = 8
"""Faces that get a bank, those heard most first; further ones keep their frames."""
MASK_BESIDE_MOUTH, MASK_BELOW_NOSE, MASK_ABOVE_CHIN = 0.20, 0.02, 0.03


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
            face, is_dub, stored.is_speech, stored.is_off_screen, has_bank, _is_inside(face, facts)
        )
        log = RenderLog(choice.REASONS, decision, np.full(facts.n_frames, np.nan, np.float32))
        share = choice.ramps(log.is_rendered(), geometry.shot_numbers(face))
        phonemes = [phoneme for span in spoken for phoneme in span.phonemes]
        plans = []
        for k, mouths in stored.banks.items():
            own = np.where(stored.who == k, share, np.float32(0))
            curve = mouth_curve(phonemes, facts.frame_rate, facts.n_frames, mouths.speaker)
            log.aperture[own > 0] = curve.aperture[own > 0]
            painter = _Painter(mouths, facts)
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


class _Painter:
    """Sets planned mouths into frames. Keeps only the bank and its lines."""

    def __init__(self, bank: MouthBank, facts: VideoFacts) -> None:
        self._bank, self._facts = bank, facts
        usual = bank.model.shapes(np.concatenate([bank.measures, bank.pose], axis=1))
        self._lines = [
            warp.mouth_lines(shape, float(known[geometry.NOSE, 1]), float(known[geometry.CHIN, 1]))
            for shape, known in zip(bank.shape, usual, strict=True)
        ]
        self._mask_half_width = bank.speaker.width_high / 2 + MASK_BESIDE_MOUTH

    def paint(self, frame: Bytes, plan: MouthFrame) -> None:
        """In place."""
        target, terms = plan.target, plan.terms
        nose_y, chin_y = float(target[geometry.NOSE, 1]), float(target[geometry.CHIN, 1])
        lip_y = float(target[geometry.LIP_LINES[2], 1].mean())
        field = warp.JawField(lip_y=lip_y, chin_y=plan.own_chin_y)
        top, bottom = nose_y + MASK_BELOW_NOSE, chin_y - MASK_ABOVE_CHIN
        mask = mouth_blend.MaskShape((top + bottom) / 2, self._mask_half_width, (bottom - top) / 2)
        size = self._facts.width_px, self._facts.height_px
        moved, covered = mouth_blend.lower_face_corners(field, mask)
        box = mouth_blend.box_around(terms, moved, *size)
        if not box.is_empty:
            x, y = mouth_blend.canonical_grid(terms, box)
            mouth_blend.move_jaw(frame, box, field.at(x, y), terms, plan.share * (chin_y - plan.own_chin_y))
        box = mouth_blend.box_around(terms, covered, *size)
        if box.is_empty:
            return
        k = plan.bank_index
        x, y = mouth_blend.canonical_grid(terms, box)
        from_x, from_y = warp.source_of(x, y, warp.mouth_lines(target, nose_y, chin_y), self._lines[k])
        corner = int(self._bank.corner[k, 0]), int(self._bank.corner[k, 1])
        map_x, map_y = mouth_blend.to_pixels(self._bank.placement[k], from_x, from_y, corner)
        px_per_unit = float(np.hypot(terms[0], terms[1]))
        alpha = mask.at(x, y) * np.float32(plan.share)
        alpha *= mouth_blend.inside_face(plan.oval_px, box, px_per_unit)
        bank_scale = float(np.hypot(self._bank.placement[k, 0], self._bank.placement[k, 1]))
        crop = self._bank.luma[k].shape
        alpha *= mouth_blend.inside_bank_face(self._bank.oval_px[k], crop, bank_scale, map_x, map_y)
        mouth_blend.set_mouth(frame, box, alpha, self._bank.luma[k], self._bank.chroma[k], map_x, map_y)


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


class Ahead:
    """Iterates over `frames` in a thread of its own, a few frames ahead. A context manager; errors come out here."""

    _END = object()

    def __init__(self, frames: Iterator[Bytes]) -> None:
        self._frames = frames
        self._ready: queue.Queue[Any] = queue.Queue(FRAMES_AHEAD)
        self._error: BaseException | None = None
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Iterator[Bytes]:
        self._thread.start()
        return iter(self)

    def __iter__(self) -> Iterator[Bytes]:
        while (frame := self._ready.get()) is not self._END:
            yield frame
        if self._error is not None:
            raise self._error

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        while self._thread.is_alive():
            try:
                self._ready.get(timeout=0.05)
            except queue.Empty:
                continue

    def _read(self) -> None:
        try:
            for frame in self._frames:
                if self._is_over.is_set():
                    break
                self._ready.put(frame)
        except BaseException as error:
            self._error = error
        finally:
            self._frames.close()  # type: ignore[attr-defined]
            self._ready.put(self._END)


class Behind:
    """Hands frames to `write` from a thread of its own. Leaving it waits for the last one; errors come out at `put` or
    there."""

    def __init__(self, write: Callable[[Bytes], None]) -> None:
        self._write = write
        self._waiting: queue.Queue[Bytes | None] = queue.Queue(FRAMES_AHEAD)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> Behind:
        self._thread.start()
        return self

    def put(self, frame: Bytes) -> None:
        if self._error is not None:
            raise self._error
        self._waiting.put(frame)

    def __exit__(self, kind: object, *_: object) -> None:
        self._waiting.put(None)
        self._thread.join()
        if kind is None and self._error is not None:
            raise self._error

    def _work(self) -> None:
        while (frame := self._waiting.get()) is not None:
            if self._error is None:
                try:
                    self._write(frame)
                except BaseException as error:
                    self._error = error


ENGINE = EngineSpec(
    id="exemplar",
    family="lipsync",
    version=1,
    summary="The speaker's own frames, searched, warped and blended; no network, CPU.",
    load=Exemplar,
    extra="embedded",
    packages=("cv2",),
)
