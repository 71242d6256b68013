"""Does the mouth move with the sound? Measures on a lip aperture curve, without any network.

`aperture` everywhere: float32 (n_frames,), height of the inner lips' opening in inter-ocular distances (landmarks
|13-14| / |33-263|), NaN where no face was found. Frame i is shown in [i / rate, (i + 1) / rate) seconds.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from dub.script import PhonemeSpan
from dub.timecode import MASTER_RATE_HZ, Span
from lang.phonemes import closes_lips

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

CLOSED = 0.02
"""Lips in contact read under 0.005 in tracked faces, and real bilabials under 0.02 (28 of 28, 7 clips)."""
BEFORE_S, AFTER_S = Fraction(80, 1000), Fraction(40, 1000)
"""A bilabial's lips meet up to 80 ms before its onset is heard, and no later than 40 ms after."""
SILENCE_S = Fraction(300, 1000)
"""The shortest silence in which a mouth is expected at rest (THEval, arXiv 2511.04520)."""
VOWEL_S = Fraction(60, 1000)
ALIGNMENT_ERROR_S = Fraction(6, 100)
"""By which the closure window is widened: 9 of 10 aligned /p b m/ of samples/hello.mp4 lie within it of the truth."""
LUCK = 0.2
"""Closing on every /p b m/ must be less likely than this for a mouth that speaks other words: else it says nothing."""

OPEN_VOWELS = frozenset("aɑæɐɒɶ")


@dataclass(frozen=True)
class Closure:
    """One p, b or m: the smallest aperture around its onset, and the frame that has it."""

    ipa: str
    onset: Fraction
    aperture: float
    frame: int

    @property
    def is_closed(self) -> bool:
        return self.aperture < CLOSED


@dataclass(frozen=True)
class Rest:
    """The mouth over all silences of 300 ms and more. `movement`: median |aperture - its median|; `closed_share`:
    share of frames under CLOSED; both over `n_frames` frames with a face."""

    movement: float
    closed_share: float
    n_frames: int


def closures(
    aperture: Floats,
    frame_rate: Fraction,
    phonemes: Iterable[PhonemeSpan],
    counted: Mask,
    slack: Fraction = Fraction(0),
) -> tuple[Closure, ...]:
    """Every bilabial that is on screen: whose onset's own frame is `counted` (n_frames,) and shows a face.

    `phonemes`: in 48 kHz master samples. The window is [onset - 80 ms, onset + 40 ms], after the Bilabial Closure
    Score (arXiv 2606.13630), wider by `slack` seconds at both ends where the phonemes' times are no better than that.
    """
    found = []
    visible = counted & np.isfinite(aperture)
    for phoneme in phonemes:
        if not closes_lips(phoneme.ipa):
            continue
        onset = Fraction(phoneme.start_sample, MASTER_RATE_HZ)
        frame = int(onset * frame_rate)
        if frame >= len(aperture) or not visible[frame]:
            continue
        frames = _frames(onset - BEFORE_S - slack, onset + AFTER_S + slack, frame_rate, len(aperture))
        frames = frames[np.isfinite(aperture[frames])]
        narrowest = int(frames[np.argmin(aperture[frames])])
        found.append(Closure(phoneme.ipa, onset, float(aperture[narrowest]), narrowest))
    return tuple(found)


def false_closures(
    aperture: Floats, frame_rate: Fraction, phonemes: Iterable[PhonemeSpan], counted: Mask
) -> tuple[int, int]:
    """(open vowels whose middle half is shut at some frame, open vowels counted).

    Vowels under 60 ms are left out, and so are frames in which a neighbouring bilabial's closure belongs: by the window
    of `closures` the lips may meet 80 ms before a /b/ is heard, which is inside the vowel before it.
    """
    n_shut = n_counted = 0
    visible = counted & np.isfinite(aperture)
    phonemes = tuple(phonemes)
    for phoneme in phonemes:
        if closes_lips(phoneme.ipa):
            onset = Fraction(phoneme.start_sample, MASTER_RATE_HZ)
            visible[_frames(onset - BEFORE_S, onset + AFTER_S, frame_rate, len(aperture))] = False
    for phoneme in phonemes:
        start, end = (Fraction(at, MASTER_RATE_HZ) for at in (phoneme.start_sample, phoneme.end_sample))
        if _base(phoneme.ipa) not in OPEN_VOWELS or end - start < VOWEL_S:
            continue
        quarter = (end - start) / 4
        frames = _frames(start + quarter, end - quarter, frame_rate, len(aperture))
        frames = frames[visible[frames]]
        if len(frames):
            n_counted += 1
            n_shut += bool((aperture[frames] < CLOSED).any())
    return n_shut, n_counted


def chance_of_closure(
    aperture: Floats, frame_rate: Fraction, phonemes: Iterable[PhonemeSpan], counted: Mask, slack: Fraction
) -> float | None:
    """The closure recall that these lips would reach with any other words: the mean over the same phonemes at shifts of
    0.5 to 3 s both ways, round the title. A mouth that is shut half of the time meets most /p b m/ by chance."""
    phonemes = tuple(phonemes)
    length = int(len(aperture) * MASTER_RATE_HZ / frame_rate)
    recalls = []
    for tenths in (*range(-30, -4), *range(5, 31)):
        moved = [
            phoneme.model_copy(update={"start_sample": (phoneme.start_sample + tenths * MASTER_RATE_HZ // 10) % length})
            for phoneme in phonemes
        ]
        found = closures(aperture, frame_rate, moved, counted, slack)
        if found:
            recalls.append(sum(closure.is_closed for closure in found) / len(found))
    return float(np.mean(recalls)) if recalls else None


def is_luck(by_chance: float | None, n_closures: int) -> bool:
    """Whether so few closures say nothing. `by_chance`: as `chance_of_closure` gives it."""
    return by_chance is None or by_chance**n_closures > LUCK


def lip_dynamics(lips: Floats) -> float | None:
    """THEval's Lip Dynamics (arXiv 2511.04520): the mean over all pairs of lip points of the standard deviation in time
    of their distance, in IOD. `lips` (n_frames, n_points, 2) in IOD, NaN without a face; None under 10 frames."""
    seen = lips[np.isfinite(lips[:, 0, 0])].astype(np.float32)
    if len(seen) < 10:
        return None
    one, other = np.triu_indices(lips.shape[1], 1)
    spread = [
        np.linalg.norm(seen[:, one[part]] - seen[:, other[part]], axis=2).std(axis=0)
        for part in np.array_split(np.arange(len(one)), 1 + len(one) * len(seen) // 5_000_000)
    ]
    return float(np.concatenate(spread).mean())


def aperture_jerk(aperture: Floats, counted: Mask) -> float | None:
    """Mean |second difference| of the aperture per frame, in IOD, over `counted` frames whose neighbours show a face.
    None under 10 such frames."""
    change = np.abs(np.diff(aperture, 2))
    change = change[np.isfinite(change) & counted[1:-1]]
    return float(change.mean()) if len(change) >= 10 else None


def silences(spoken: Sequence[Span], duration: Fraction) -> tuple[Span, ...]:
    """The stretches of 300 ms and more in which no span of `spoken` sounds."""
    gaps, reached = [], Fraction(0)
    for span in sorted(spoken, key=lambda span: span.start):
        if span.start - reached >= SILENCE_S:
            gaps.append(Span(start=reached, end=span.start))
        reached = max(reached, span.end)
    if duration - reached >= SILENCE_S:
        gaps.append(Span(start=reached, end=duration))
    return tuple(gaps)


def rest(aperture: Floats, frame_rate: Fraction, quiet: Sequence[Span]) -> Rest | None:
    """How still the mouth is in silence (THEval's Silent Lip Stability); None where no silence shows a face.

    100 ms at both ends of a silence are left out: lips close after the sound and open before it.
    """
    margin = Fraction(1, 10)
    frames = [
        _frames(span.start + margin, span.end - margin, frame_rate, len(aperture))
        for span in quiet
        if span.duration > 2 * margin
    ]
    pieces = [aperture[piece][np.isfinite(aperture[piece])] for piece in frames]
    pieces = [piece for piece in pieces if len(piece)]
    if not pieces:
        return None
    moved = np.concatenate([np.abs(piece - np.median(piece)) for piece in pieces])
    values = np.concatenate(pieces)
    return Rest(float(np.median(moved)), float((values < CLOSED).mean()), len(values))


def spoken_frames(spoken: Sequence[Span], frame_rate: Fraction, n_frames: int) -> Mask:
    """(n_frames,): frames during which a span of `spoken` sounds."""
    mask = np.zeros(n_frames, bool)
    for span in spoken:
        mask[_frames(span.start, span.end, frame_rate, n_frames)] = True
    return mask


def laplacian_energy(luma: npt.NDArray[np.uint8]) -> float:
    """Mean squared 4-neighbour Laplacian of a grey picture (h, w): its sharpness, in squared grey levels."""
    grey = luma.astype(np.float32)
    edges = 4 * grey[1:-1, 1:-1] - grey[:-2, 1:-1] - grey[2:, 1:-1] - grey[1:-1, :-2] - grey[1:-1, 2:]
    return float(np.mean(edges**2)) if edges.size else float("nan")


def second_difference(before: npt.NDArray[np.uint8], now: npt.NDArray[np.uint8], after: npt.NDArray[np.uint8]) -> float:
    """Mean |x[t-1] - 2 x[t] + x[t+1]| of three pictures of one size: flicker and jitter weigh, steady motion little."""
    change = before.astype(np.int16) - 2 * now.astype(np.int16) + after.astype(np.int16)
    return float(np.abs(change).mean())


def _base(ipa: str) -> str:
    """First letter of a phoneme without stress, tie bars and diacritics: `pʰ` is p, `m̩` is m, `ã` is a."""
    for char in unicodedata.normalize("NFD", ipa):
        if unicodedata.category(char) in ("Ll", "Lo", "Lu"):
            return char
    return ""


def _frames(start: Fraction, end: Fraction, frame_rate: Fraction, n_frames: int) -> npt.NDArray[np.int64]:
    """Frames shown at some time within [start, end], within the title."""
    first = max(0, int(start * frame_rate)) if start > 0 else 0
    last = min(n_frames - 1, int(end * frame_rate))
    return np.arange(first, last + 1)
