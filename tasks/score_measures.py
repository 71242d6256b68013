"""From tracked lips, words and sound to the measures of a MouthScore."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from dub.av_offset import SHORTEST_S, AvOffset
from dub.compare_pictures import MIN_FRAMES, Comparison
from dub.mouth_metrics import (
    ALIGNMENT_ERROR_S,
    Closure,
    Floats,
    Mask,
    aperture_jerk,
    chance_of_closure,
    closures,
    false_closures,
    is_luck,
    lip_dynamics,
    rest,
    silences,
    spoken_frames,
)
from dub.score import Measure, measured
from dub.script import PhonemeSpan
from dub.timecode import Span
from engines.face import mediapipe_landmarker as mesh
from engines.face.contract import TrackedFace

LIPS = tuple(dict.fromkeys(mesh.OUTER_LIP_TOP + mesh.OUTER_LIP_BOTTOM + mesh.INNER_LIP_TOP + mesh.INNER_LIP_BOTTOM))
"""40 points."""


@dataclass(frozen=True)
class Evidence:
    """What the measures are taken from. `spoken`: when somebody is heard. `said`: phonemes in 48 kHz samples, None
    where nobody knows the words. `compared`: str where the source could not be compared, and why."""

    rate: Fraction
    face: TrackedFace
    spoken: tuple[Span, ...]
    said: tuple[PhonemeSpan, ...] | None
    offset: AvOffset | None
    compared: Comparison | str | None
    sound_is_new: bool

    @property
    def seen(self) -> Mask:
        return self.face.is_found

    @property
    def speech(self) -> Mask:
        """(n_frames,): frames in which somebody is heard."""
        return spoken_frames(self.spoken, self.rate, self.face.n_frames)

    def closures(self) -> tuple[Closure, ...]:
        return closures(self.face.aperture, self.rate, self.said or (), self.seen, ALIGNMENT_ERROR_S)


def measure(evidence: Evidence) -> tuple[Measure, ...]:
    """Every metric of dub.score.METRICS, in that order; what cannot be measured says why."""
    return (
        *_of_words(evidence),
        *_of_lips(evidence),
        *_of_sync(evidence),
        *_of_pictures(evidence),
    )


def _of_words(evidence: Evidence) -> Iterator[Measure]:
    names = ("closure_recall", "closure_by_chance", "false_closures")
    if evidence.said is None:
        yield from (measured(name, None, "the words are not known") for name in names)
        return
    aperture, rate, said, seen = evidence.face.aperture, evidence.rate, evidence.said, evidence.seen
    found = evidence.closures()
    n_closed = sum(closure.is_closed for closure in found)
    chance = chance_of_closure(aperture, rate, said, seen, ALIGNMENT_ERROR_S)
    if is_luck(chance, len(found)):
        by_chance = "" if chance is None else f", {chance:.0%} would close on any words"
        yield measured(names[0], None, f"{n_closed} of {len(found)} p, b, m in view{by_chance}: too few to tell")
    else:
        yield measured(names[0], n_closed / len(found), f"{n_closed} of {len(found)}")
    yield measured(names[1], chance)
    n_shut, n_vowels = false_closures(aperture, rate, said, seen)
    yield measured(names[2], n_shut / n_vowels if n_vowels else None, f"{n_shut} of {n_vowels} open vowels")


def _of_lips(evidence: Evidence) -> Iterator[Measure]:
    aperture, rate, n_frames = evidence.face.aperture, evidence.rate, evidence.face.n_frames
    resting = rest(aperture, rate, silences(evidence.spoken, n_frames / rate))
    note = f"{resting.n_frames} frames of silence" if resting else "no silence of 0.3 s shows the face"
    enough = resting is not None and resting.n_frames >= MIN_FRAMES
    yield measured("silence_movement", resting.movement if resting and enough else None, note)
    yield measured("silence_closed_share", resting.closed_share if resting and enough else None, note)
    speech = evidence.speech & evidence.seen
    if speech.sum() < MIN_FRAMES:
        why = "nobody is heard while the face is seen"
        yield from (measured(name, None, why) for name in ("lip_dynamics", "aperture_jerk"))
        return
    yield measured("lip_dynamics", lip_dynamics(_lips(evidence.face)[speech]))
    yield measured("aperture_jerk", aperture_jerk(aperture, speech))


def _lips(face: TrackedFace) -> Floats:
    """(n_frames, 40, 2) in IOD."""
    return np.asarray(face.at(*LIPS) / face.iod_px[:, None, None], np.float32)


def _of_sync(evidence: Evidence) -> Iterator[Measure]:
    offset = evidence.offset
    if offset is None:
        why = f"needs {SHORTEST_S:.0f} s with a face that moves and a sound that changes"
        yield from (measured(name, None, why) for name in ("aperture_correlation", "av_offset", "av_confidence"))
        return
    yield measured("aperture_correlation", offset.r_in_sync, f"best anywhere {offset.peak:.2f} at {offset.ms:+.0f} ms")
    why = "" if offset.is_clear else f"no peak stands clear of the rest (best at {offset.ms:+.0f} ms)"
    yield measured("av_offset", offset.ms if offset.is_clear else None, why)
    yield measured("av_confidence", offset.confidence)


def _of_pictures(evidence: Evidence) -> Iterator[Measure]:
    compared = evidence.compared
    names = (
        "sharpness_ratio", "flicker_ratio", "outside_psnr", "outside_change", "frames_touched", "speech_frames_touched",
    )  # fmt: skip
    if not isinstance(compared, Comparison):
        yield from (measured(name, None, compared or "no source is given") for name in names)
        return
    both = compared.is_compared
    if not both.any():
        yield from (measured(name, None, "no frame shows the mouth in both") for name in names)
        return
    few = f"under {MIN_FRAMES} frames of the mouth were changed"
    sharpness, flicker = compared.sharpness_ratio(), compared.flicker_ratio()
    yield measured(names[0], sharpness, "too few frames show the mouth" if sharpness is None else "")
    yield measured(names[1], flicker, few if flicker is None else "")
    yield measured(
        names[2], float(np.median(compared.psnr[both])), f"worst frame {float(compared.psnr[both].min()):.0f}"
    )
    yield measured(
        names[3], float(compared.worst_block[both].max()), f"frame {int(np.nanargmax(compared.worst_block))}"
    )
    touched = compared.is_touched & both
    lag = f"; the source starts {compared.lag} frames later" if compared.lag else ""
    yield measured(names[4], float(touched.sum() / both.sum()), f"{int(touched.sum())} of {int(both.sum())}{lag}")
    speech = evidence.speech & both
    if not evidence.sound_is_new:
        yield measured(names[5], None, "the sound is the source's own")
    elif not speech.any():
        yield measured(names[5], None, "nobody is heard while the mouth is seen")
    else:
        share = float((touched & speech).sum() / speech.sum())
        yield measured(names[5], share, f"{int((touched & speech).sum())} of {int(speech.sum())} frames")
