"""The mouth bank: this speaker's own frames, chosen for sharpness and variety, with what is known of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dub import media, progress
from dub.source import VideoFacts
from engines.face.contract import TrackedFace, shot_numbers
from engines.face.mediapipe_landmarker import FACE_OVAL
from engines.lipsync import mouth_geometry as geometry
from engines.lipsync.mouth_curve import SpeakerRange

Floats = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.uint8]

MAX_FRAMES = 600
MAX_CROP_BYTES = 100_000_000
RUN = 4
"""Frames taken together from a long title: consecutive frames follow one another without a seam."""
LARGEST_TURN_DEG = 24.0
BLURRED = 0.5
"""A frame with less than this share of its shot's median sharpness is blurred by motion."""
THUMB_PX = (16, 10)
FEWEST_FRAMES = 12


@dataclass(frozen=True)
class MouthBank:
    """`frame` int32 (n,): the source frame of each crop. `luma` uint8 (n, h, w) and `chroma` (n, 2, h/2, w/2): raw
    pixels of the source, never resampled, whose top left corner was at `corner` int32 (n, 2) x, y. `placement`
    (n, 4): see geometry.Placement. `shape` (n, n_points, 2) canonical, as tracked. `measures` (n, 3): aperture,
    width, lower lip. `forward` (n,): 0..1, how far the lips are pushed out among this speaker's frames, of which
    `pucker_steps` (21,) holds the tracker's reading at every twentieth. `pose` (n, 2): yaw, pitch. `oval_px`
    (n, 36, 2): the face's outline in the crop's pixels. `brightness` (n,). `thumb` float32 (n, d): what the mouth's
    inside looks like. `template`, `model_*`, `speaker`: geometry.rigid_template, ShapeModel and SpeakerRange of the
    title. `is_covered` bool (n_frames of the title,): something is in front of the mouth.
    """

    frame: npt.NDArray[np.int32]
    corner: npt.NDArray[np.int32]
    luma: Bytes
    chroma: Bytes
    placement: Floats
    shape: Floats
    measures: Floats
    forward: Floats
    pucker_steps: Floats
    pose: Floats
    oval_px: npt.NDArray[np.float32]
    brightness: Floats
    shot: npt.NDArray[np.int64]
    thumb: npt.NDArray[np.float32]
    template: Floats
    model_weights: Floats
    model_mean: Floats
    model_sd: Floats
    speaker_range: Floats
    is_covered: npt.NDArray[np.bool_]

    @property
    def n(self) -> int:
        return len(self.frame)

    @property
    def model(self) -> geometry.ShapeModel:
        return geometry.ShapeModel(self.model_weights, self.model_mean, self.model_sd)

    @property
    def speaker(self) -> SpeakerRange:
        return SpeakerRange(*(float(value) for value in self.speaker_range))

    def forwardness(self, pucker: npt.NDArray[np.floating]) -> Floats:
        """The tracker's `pucker` as this speaker's share, 0..1: its own scale differs tenfold between faces."""
        return _forwardness(pucker, self.pucker_steps)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        return {field.name: getattr(self, field.name) for field in fields(self)}


def speaker_range(measures: geometry.MouthMeasures, is_usable: npt.NDArray[np.bool_]) -> SpeakerRange:
    """Ranges over the usable frames in which the speaker talks (all usable ones where that is under a second's worth).

    A mouth that hardly moves in the source gets the least range that still reads as talking.
    """
    aperture, width, lip = (values[is_usable] for values in (measures.aperture, measures.width, measures.lip))
    is_shut = aperture < max(0.02, float(np.quantile(aperture, 0.05)))
    high = float(np.quantile(aperture, 0.98))
    low_width, mid_width, high_width = (float(value) for value in np.quantile(width, [0.03, 0.5, 0.97]))
    low_lip, mid_lip, high_lip = (float(value) for value in np.quantile(lip, [0.05, 0.5, 0.95]))
    return SpeakerRange(
        aperture_mean=max(0.05, float(aperture.mean())),
        aperture_sd=max(0.03, float(aperture.std())),
        aperture_high=max(0.12, high),
        width_low=low_width,
        width_mid=mid_width,
        width_high=high_width,
        width_rest=float(np.median(width[is_shut])),
        lip_low=low_lip,
        lip_mid=mid_lip,
        lip_high=high_lip,
    )


@dataclass(frozen=True)
class BankOutline:
    """A bank whose frames are chosen and not yet cut: everything but pixels."""

    chosen: npt.NDArray[np.int64]
    corner_of: npt.NDArray[np.int64]
    size: tuple[int, int]
    fields: dict[str, Any]


def outline(
    facts: VideoFacts,
    face: TrackedFace,
    is_speech: npt.NDArray[np.bool_],
    most_bytes: int = MAX_CROP_BYTES,
    is_covered: npt.NDArray[np.bool_] | None = None,
) -> BankOutline | None:
    """Choose the frames of one person; (n_frames,) each: `is_speech`, they speak; `is_covered`, something is in front
    of the mouth: such frames are neither learnt from nor shown. None where fewer than FEWEST_FRAMES are fit."""
    is_covered = np.zeros(face.n_frames, bool) if is_covered is None else is_covered
    fit = usable_frames(face) & ~is_covered
    if fit.sum() < FEWEST_FRAMES:
        return None
    template = geometry.rigid_template(face)
    placement = geometry.place(face, template)
    shapes = placement.to_canonical(face.at(*geometry.SHAPE_POINTS))
    measures = geometry.measure(face)
    inputs = np.stack([measures.aperture, measures.width, measures.lip, face.yaw_deg, face.pitch_deg], axis=1)
    known = np.flatnonzero(fit)
    fitted = known[:: max(1, len(known) // 20_000)]
    model = geometry.ShapeModel.fit(shapes[fitted], inputs[fitted])
    talking = fit & is_speech
    speaker = speaker_range(measures, talking if talking.sum() >= float(facts.frame_rate) else fit)
    corner_of, (width, height) = _crop_boxes(placement, shapes, fit, facts)
    pucker_steps = np.quantile(face.pucker[talking if talking.any() else fit].astype(np.float64), np.linspace(0, 1, 21))
    n_most = int(max(FEWEST_FRAMES, min(MAX_FRAMES, most_bytes // (width * height * 3 // 2))))
    chosen = choose(inputs, model, fit, n_most)
    known_fields = {
        "frame": chosen.astype(np.int32),
        "corner": corner_of[chosen].astype(np.int32),
        "placement": placement.terms[chosen],
        "shape": shapes[chosen],
        "measures": inputs[chosen, :3],
        "forward": _forwardness(face.pucker[chosen], pucker_steps),
        "pucker_steps": pucker_steps,
        "pose": inputs[chosen, 3:],
        "oval_px": (face.at(*FACE_OVAL)[chosen] - corner_of[chosen, None]).astype(np.float32),
        "brightness": face.brightness[chosen].astype(np.float64),
        "shot": shot_numbers(face)[chosen],
        "template": template,
        "model_weights": model.weights,
        "model_mean": model.mean,
        "model_sd": model.sd,
        "is_covered": is_covered,
        "speaker_range": np.array([getattr(speaker, field.name) for field in fields(speaker)]),
    }
    return BankOutline(chosen, corner_of, (width, height), known_fields)


def cut(
    video: Path, facts: VideoFacts, faces: Sequence[TrackedFace], outlines: Mapping[int, BankOutline]
) -> dict[int, MouthBank]:
    """Fill the outlines, by face number, with pixels, in one pass over the video."""
    luma = {k: np.empty((len(o.chosen), o.size[1], o.size[0]), np.uint8) for k, o in outlines.items()}
    chroma = {k: np.empty((len(o.chosen), 2, o.size[1] // 2, o.size[0] // 2), np.uint8) for k, o in outlines.items()}
    places: dict[int, list[tuple[int, int]]] = {}
    for k, o in outlines.items():
        for place, i in enumerate(o.chosen):
            places.setdefault(int(i), []).append((k, place))
    for i, frame in enumerate(media.read_frames(video, facts) if places else ()):
        for k, place in places.get(i, ()):
            luma[k][place], chroma[k][place] = _cut(frame, outlines[k].corner_of[i], *outlines[k].size)
        progress.report(i + 1, facts.n_frames)
    banks = {}
    for k, o in outlines.items():
        px = faces[k].at(*geometry.SHAPE_POINTS)[o.chosen] - o.corner_of[o.chosen, None]
        thumbs = np.stack([_thumb(image, points) for image, points in zip(luma[k], px, strict=True)])
        banks[k] = MouthBank(luma=luma[k], chroma=chroma[k], thumb=thumbs, **o.fields)
    return banks


def usable_frames(face: TrackedFace) -> npt.NDArray[np.bool_]:
    """(n_frames,): face found, turned little, and not blurred by motion."""
    fit = face.is_found & (np.abs(face.yaw_deg) < LARGEST_TURN_DEG) & np.isfinite(face.sharpness)
    for shot in np.unique(numbers := shot_numbers(face)):
        own = fit & (numbers == shot)
        if own.any():
            fit[own] = face.sharpness[own] > BLURRED * np.median(face.sharpness[own])
    return fit


def choose(
    inputs: Floats, model: geometry.ShapeModel, fit: npt.NDArray[np.bool_], n_most: int
) -> npt.NDArray[np.int64]:
    """All fit frames of a short title; of a long one, runs of RUN frames whose starts lie farthest from one another in
    mouth shape and pose. Sorted."""
    known = np.flatnonzero(fit)
    if len(known) <= n_most:
        return known
    codes = (inputs - model.mean) / model.sd * np.array([2.0, 1.0, 1.0, 0.7, 0.7])
    starts = known[:: max(1, len(known) // (12 * n_most))]
    chosen = [int(starts[np.argmin(codes[starts, 0])])]
    nearest = np.full(len(starts), np.inf)
    while len(chosen) < n_most // RUN:
        nearest = np.minimum(nearest, np.square(codes[starts] - codes[chosen[-1]]).sum(axis=1))
        chosen.append(int(starts[int(np.argmax(nearest))]))
    runs = {frame for start in chosen for frame in range(start, min(start + RUN, len(fit))) if fit[frame]}
    return np.array(sorted(runs))


def _forwardness(pucker: npt.NDArray[np.floating], steps: Floats) -> Floats:
    return np.interp(pucker.astype(np.float64), steps, np.linspace(0, 1, len(steps)))


def _crop_boxes(
    placement: geometry.Placement, shapes: Floats, fit: npt.NDArray[np.bool_], facts: VideoFacts
) -> tuple[npt.NDArray[np.int64], tuple[int, int]]:
    """Top left corners (n_frames, 2) and one (width, height) that holds every fit frame's lower face; all even."""
    low, high = np.quantile(shapes[fit], [0.01, 0.99], axis=0)
    x0, x1 = low[: 4 * geometry.N_LIP, 0].min() - 0.24, high[: 4 * geometry.N_LIP, 0].max() + 0.24
    y0, y1 = low[geometry.NOSE, 1] - 0.06, high[geometry.CHIN, 1] + 0.06
    corners = np.array([(x0, y0), (x1, y0), (x0, y1), (x1, y1)])
    a, b, tx, ty = (placement.terms[:, k, None] for k in range(4))
    px = np.stack([a * corners[:, 0] - b * corners[:, 1] + tx, b * corners[:, 0] + a * corners[:, 1] + ty], axis=-1)
    top_left, size = px.min(axis=1), np.quantile((px.max(axis=1) - px.min(axis=1))[fit], 0.99, axis=0)
    width = min(facts.width_px, int(np.ceil(size[0])) + 2 + int(np.ceil(size[0])) % 2) & ~1
    height = min(facts.height_px, int(np.ceil(size[1])) + 2 + int(np.ceil(size[1])) % 2) & ~1
    limit = np.array([facts.width_px - width, facts.height_px - height])
    corner = np.clip(np.nan_to_num(top_left), 0, limit).astype(np.int64) & ~1
    return corner, (width, height)


def _cut(frame: Bytes, corner: npt.NDArray[np.int64], width: int, height: int) -> tuple[Bytes, Bytes]:
    """Luma and chroma of one box of a planar yuv420p frame."""
    (x, y), (rows, columns) = (int(v) for v in corner), (frame.shape[0] * 2 // 3, frame.shape[1])
    chroma = frame[rows:].reshape(2, rows // 2, columns // 2)
    return (
        frame[y : y + height, x : x + width],
        chroma[:, y // 2 : (y + height) // 2, x // 2 : (x + width) // 2],
    )


def _thumb(luma: Bytes, points_px: Floats) -> npt.NDArray[np.float32]:
    """The lips' box as a few brightness-free pixels, whatever their size and place: two frames with near thumbs can
    follow one another unseen."""
    import cv2

    lips = points_px[: 4 * geometry.N_LIP]
    (x0, y0), (x1, y1) = lips.min(axis=0), lips.max(axis=0)
    matrix = np.array([[(x1 - x0) / THUMB_PX[0], 0, x0], [0, max(y1 - y0, 1) / THUMB_PX[1], y0]], np.float64)
    soft = cv2.GaussianBlur(luma, (0, 0), max(0.6, (x1 - x0) / THUMB_PX[0] / 2))
    thumb = cv2.warpAffine(
        soft, matrix, THUMB_PX, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
    ).astype(np.float32)
    return (thumb - thumb.mean()).reshape(-1)
