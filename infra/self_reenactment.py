"""How near a rendered mouth comes to the real one: `python infra/self_reenactment.py talk.mp4 ...`

The last fifth of a video (or another, `--fifth`) is hidden from the mouth bank and rendered again from the others: once
with the mouth that was truly made there as the target (oracle: what search, warp and blend can do) and once from the
phonemes of its own sound (recognised and aligned: what a dub gets). In the same run, by the same blend, and with the
oracle's target: one closed and one open mouth warped (what one reference picture can do), and the nearest frame as it
is, unwarped.

Measured on the luma of the lips' bounding box, made 1.35 times as large, before encoding, against the hidden frames:
PSNR (mean over frames), SSIM (Wang et al. 2004: Gaussian window of 11 px, sd 1.5), sharpness (mean squared Laplacian,
rendered over real, median over frames), and the correlation of the aperture aimed at with the real one.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from dub import media, mouth_metrics
from dub.script import PhonemeSpan
from dub.source import VideoFacts
from dub.timecode import MASTER_RATE_HZ
from dub.video_facts import video_facts
from dub.wav import write_wav
from engines import registry
from engines.face.contract import TrackedFace, shot_numbers
from engines.lipsync import mouth_bank
from engines.lipsync import mouth_geometry as geometry
from engines.lipsync.mouth_bank import MouthBank
from engines.lipsync.mouth_curve import MouthCurve, mouth_curve
from engines.lipsync.mouth_painter import MouthPainter
from engines.lipsync.mouth_plan import EXPRESSION, MouthFrame, MouthPlan
from engines.lipsync.mouth_search import MouthSearch

N_PARTS, ORACLE = 5, "exemplar, oracle target"
BOX = 1.35
Luma = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Likeness:
    """Of one frame's mouth box with the real one."""

    psnr_db: float
    ssim: float
    sharpness: float


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("videos", type=Path, nargs="+")
    parser.add_argument("--fifth", type=int, choices=range(1, N_PARTS + 1), default=N_PARTS, help="which is hidden")
    options = parser.parse_args()
    print("| clip | variant | PSNR dB | SSIM | sharpness | frames | aperture r |\n|---|---|---|---|---|---|---|")
    for video in options.videos:
        reenact(video, options.fifth)


def reenact(video: Path, part: int) -> None:
    facts = video_facts(video)
    tracked = registry.load("face", "mediapipe").track(video, facts)
    face: TrackedFace = tracked.faces[0]
    phonemes = phonemes_of(video)
    hidden = np.arange(facts.n_frames) * N_PARTS // facts.n_frames == part - 1
    bank = bank_of(video, facts, face, hidden, phonemes)
    judged = hidden & mouth_bank.usable_frames(face)
    plans, correlations = variants(face, bank, hidden, judged, phonemes, facts)
    painter = MouthPainter(bank, facts)
    found: dict[str, list[Likeness]] = defaultdict(list)
    boxes = lip_boxes(face, facts)
    for i, frame in enumerate(media.read_frames(video, facts)):
        if not judged[i]:
            continue
        real = cropped(frame, boxes[i])
        for name, plan in plans.items():
            painted = frame.copy()
            painter.paint(painted, plan[i])
            found[name].append(likeness(real, cropped(painted, boxes[i])))
    for name, values in found.items():
        psnr_db, ssim = (float(np.mean([getattr(v, field) for v in values])) for field in ("psnr_db", "ssim"))
        sharpness = float(np.median([v.sharpness for v in values]))
        r = f"{correlations[name]:.2f}" if name in correlations else ""
        print(
            f"| {video.stem} | {name} | {psnr_db:.2f} | {ssim:.3f} | {sharpness:.2f} | {len(values)} | {r} |",
            flush=True,
        )


def phonemes_of(video: Path) -> list[PhonemeSpan]:
    """What is said, recognised and aligned segment by segment."""
    sound = media.read_audio(video, MASTER_RATE_HZ, 1)[0]
    with tempfile.TemporaryDirectory() as folder:
        write_wav(Path(folder, "said.wav"), sound[None], MASTER_RATE_HZ)
        heard = registry.load("asr", "faster-whisper").recognise(Path(folder, "said.wav"))
    aligner = registry.load("aligner", "dtw")
    spans = []
    for segment in heard.segments:
        first = max(0, round(segment.start_s * MASTER_RATE_HZ))
        piece = sound[first : round(segment.end_s * MASTER_RATE_HZ)]
        spans += [
            PhonemeSpan(ipa=p.ipa, start_sample=first + p.start_sample, end_sample=first + p.end_sample)
            for p in aligner.align(piece, MASTER_RATE_HZ, segment.text.strip(), heard.locale)
        ]
    return spans


def bank_of(
    video: Path, facts: VideoFacts, face: TrackedFace, hidden: npt.NDArray[np.bool_], phonemes: list[PhonemeSpan]
) -> MouthBank:
    """A bank of the frames that are not hidden."""
    known = replace(face, points=np.where(hidden[:, None, None], np.float32(np.nan), face.points))
    is_speech = np.zeros(facts.n_frames, bool)
    for phoneme in phonemes:
        first, last = (
            int(Fraction(at, MASTER_RATE_HZ) * facts.frame_rate) for at in (phoneme.start_sample, phoneme.end_sample)
        )
        is_speech[first : last + 1] = True
    outline = mouth_bank.outline(facts, known, is_speech)
    if outline is None:
        raise SystemExit(f"{video}: too few frames with a face")
    return mouth_bank.cut(video, facts, [face], {0: outline})[0]


def variants(
    face: TrackedFace,
    bank: MouthBank,
    hidden: npt.NDArray[np.bool_],
    judged: npt.NDArray[np.bool_],
    phonemes: list[PhonemeSpan],
    facts: VideoFacts,
) -> tuple[dict[str, dict[int, MouthFrame]], dict[str, float]]:
    """Plans by variant and frame; the correlation of each curve's aperture with the real one."""

    def planned(curve: MouthCurve) -> dict[int, MouthFrame]:
        plan = MouthPlan(face, bank, curve, hidden.astype(np.float32), facts.frame_rate)
        return {frame.index: frame for frame in plan.frames()}

    oracle = oracle_curve(face, bank, facts)
    spoken = mouth_curve(phonemes, facts.frame_rate, facts.n_frames, bank.speaker)
    r = np.corrcoef(spoken.aperture[judged], face.aperture[judged])[0, 1]
    plans = {ORACLE: planned(oracle), "exemplar, own phonemes": planned(spoken)}
    for name, k in zip(
        ("one closed mouth, warped", "one open mouth, warped"), references(face, bank, judged), strict=True
    ):
        plans[name] = {i: replace(frame, bank_index=k, fading_index=None) for i, frame in plans[ORACLE].items()}
    plans["nearest frame, not warped"] = dict(nearest(face, bank, plans[ORACLE]))
    return plans, {"exemplar, own phonemes": float(r)}


def oracle_curve(face: TrackedFace, bank: MouthBank, facts: VideoFacts) -> MouthCurve:
    """The tracked mouth itself, less the slow expression that the plan adds back."""
    own = geometry.measure(face)
    sd_frames = geometry.SLOW_S * float(facts.frame_rate)
    values = np.stack([own.aperture, own.width, own.lip], axis=1)
    slow = geometry.smooth_within(values, shot_numbers(face), geometry.gaussian(sd_frames))
    usual = np.array([0.0, bank.speaker.width_mid, bank.speaker.lip_mid])
    said = values - EXPRESSION * (slow - usual) * np.array([0.0, 1.0, 1.0])
    forward = bank.forwardness(face.pucker).astype(np.float32)
    return MouthCurve(*(said[:, k].astype(np.float32) for k in range(3)), forward)


def references(face: TrackedFace, bank: MouthBank, judged: npt.NDArray[np.bool_]) -> tuple[int, int]:
    """The closed and the open mouth that a careful person would choose: nearest in pose to the hidden frames' mean."""
    pose = np.array([np.mean(face.yaw_deg[judged]), np.mean(face.pitch_deg[judged])])
    away = np.linalg.norm(bank.pose - pose, axis=1)
    aperture = bank.measures[:, 0]
    closed = np.where(aperture <= max(0.02, np.quantile(aperture, 0.05)), away, np.inf)
    opened = np.where(aperture >= np.quantile(aperture, 0.85), away, np.inf)
    return int(closed.argmin()), int(opened.argmin())


def nearest(face: TrackedFace, bank: MouthBank, frames: dict[int, MouthFrame]) -> Iterator[tuple[int, MouthFrame]]:
    search, shot = MouthSearch(bank), shot_numbers(face)
    own = geometry.measure(face)
    usual = bank.model.shapes(np.concatenate([bank.measures, bank.pose], axis=1))
    for i, frame in frames.items():
        measures = np.array([own.aperture[i], own.width[i], own.lip[i]])
        pose = np.array([face.yaw_deg[i], face.pitch_deg[i]], np.float64)
        if not np.isfinite(measures).all():
            continue
        k = int(
            search.unit_cost(
                measures, float(bank.forwardness(face.pucker[i])), pose, float(face.brightness[i]), int(shot[i])
            ).argmin()
        )
        target = bank.shape[k].copy()
        target[[geometry.NOSE, geometry.CHIN]] = usual[k][[geometry.NOSE, geometry.CHIN]]
        yield i, replace(frame, bank_index=k, fading_index=None, target=target)


def lip_boxes(face: TrackedFace, facts: VideoFacts) -> npt.NDArray[np.int64]:
    """(n_frames, 4): x0, y0, x1, y1 inside the picture; zeros without a face."""
    lips = np.nan_to_num(face.at(*geometry.SHAPE_POINTS[: 4 * geometry.N_LIP]))
    low, high = lips.min(axis=1), lips.max(axis=1)
    middle, half = (low + high) / 2, (high - low) / 2 * BOX
    size = np.array([facts.width_px, facts.height_px])
    corners = [np.clip(np.rint(side), 0, size) for side in (middle - half, middle + half)]
    return np.concatenate(corners, axis=1).astype(np.int64)


def cropped(frame: Luma, box: npt.NDArray[np.int64]) -> Luma:
    x0, y0, x1, y1 = (int(v) for v in box)
    return frame[y0:y1, x0:x1]


def likeness(real: Luma, made: Luma) -> Likeness:
    one, other = real.astype(np.float64), made.astype(np.float64)
    error = float(np.square(one - other).mean())
    sharpness = mouth_metrics.laplacian_energy(made) / max(mouth_metrics.laplacian_energy(real), 1e-6)
    return Likeness(10 * np.log10(255**2 / max(error, 1e-3)), ssim(one, other), sharpness)


def ssim(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    """Mean structural similarity (Wang et al. 2004) of two grey pictures, 0..255."""

    def local(picture: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.asarray(cv2.GaussianBlur(picture, (11, 11), 1.5)[5:-5, 5:-5])

    mean_1, mean_2 = local(one), local(other)
    variance_1, variance_2 = local(one * one) - mean_1**2, local(other * other) - mean_2**2
    shared = local(one * other) - mean_1 * mean_2
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    likeness_map = ((2 * mean_1 * mean_2 + c1) * (2 * shared + c2)) / (
        (mean_1**2 + mean_2**2 + c1) * (variance_1 + variance_2 + c2)
    )
    return float(likeness_map.mean())


if __name__ == "__main__":
    main()
