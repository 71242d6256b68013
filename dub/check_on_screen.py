"""Checks of whose mouth was moved: the speaker's, nobody else's, and what was left because nobody could be told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from dub.finding import Finding
from dub.gates import Gates, not_measured
from dub.on_screen import UNCERTAIN, ShownRun
from dub.timecode import Span, timecode

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]
Shown = Mapping[str, Sequence[ShownRun]]
"""By utterance id: whose mouth says it, frame by frame."""

AROUND_S = 0.3
"""Before and after its own lines a mouth may be moved: it closes, and it opens ahead of the sound."""
MOVED = 0.03
"""Mean change of the aperture (IOD) over MOVED_FRAMES that is no tracking noise: one and the same face, tracked before
and after encoding, differs by 0.002 to 0.008."""
MOVED_FRAMES = 5
TREMBLES_PX = 1.0


@dataclass(frozen=True)
class Bystander:
    """One face, (n_frames,): `is_idle`: it is seen and has nothing to say; `is_moved`: its mouth was moved there."""

    is_idle: Mask
    is_moved: Mask


def idle_frames(face: int, is_seen: Mask, shown: Sequence[ShownRun], frame_rate: Fraction) -> Mask:
    """Where this face is seen and says nothing, in the source or in the dub. `shown`: everybody's runs of both."""
    idle = is_seen.copy()
    around = int(np.ceil(AROUND_S * float(frame_rate)))
    for run in shown:
        if run.face == face:
            idle[max(0, run.first_frame - around) : run.end_frame + around] = False
    return idle


def moved_frames(before: Floats, after: Floats, iod_px: Floats) -> Mask:
    """(n_frames,): the mouth of the dub opens otherwise than the source's. Apertures in IOD, NaN where unknown."""
    change = np.abs(after - before)
    is_known = np.isfinite(change)
    mean = np.convolve(np.where(is_known, change, 0), np.full(MOVED_FRAMES, 1 / MOVED_FRAMES), mode="same")
    limit = np.maximum(MOVED, TREMBLES_PX / np.where(np.isfinite(iod_px), iod_px, np.inf))
    return np.asarray(is_known & (mean > limit))


def check_wrong_mouths(bystanders: Sequence[Bystander], frame_rate: Fraction, gates: Gates) -> tuple[Finding, ...]:
    """Faces that should not speak must not have been moved."""
    n_idle = sum(int(face.is_idle.sum()) for face in bystanders)
    if not n_idle:
        return (not_measured("wrong_mouth", "no face is seen that has nothing to say", matters=False),)
    n_moved = sum(int((face.is_idle & face.is_moved).sum()) for face in bystanders)
    where = "; ".join(
        f"person {k}: {', '.join(_time(span) for span in spans_of(face.is_idle & face.is_moved, frame_rate)[:3])}"
        for k, face in enumerate(bystanders, 1)
        if (face.is_idle & face.is_moved).any()
    )
    return (
        gates.finding(
            "wrong_mouth",
            float(n_moved / frame_rate),
            f"Faces with nothing to say were watched for {float(n_idle / frame_rate):.1f} s; their mouths were moved "
            f"for {float(n_moved / frame_rate):.2f} s{f' ({where})' if where else ''}.",
            todo="A mouth moves without a voice of its own: look at these moments.",
        ),
    )


def check_placement(shown: Shown, somebody_seen: Mask, frame_rate: Fraction, gates: Gates) -> tuple[Finding, ...]:
    """What was left untouched because nobody could be told to speak, in all and line by line, and what is said by
    voices off screen. `somebody_seen` (n_frames,): a face is in the picture."""
    n_of: dict[str, tuple[int, int]] = {}
    for utterance_id, runs in shown.items():
        unclear = sum(
            int(somebody_seen[run.first_frame : run.end_frame].sum()) for run in runs if run.face == UNCERTAIN
        )
        n_of[utterance_id] = unclear, sum(int(somebody_seen[run.first_frame : run.end_frame].sum()) for run in runs)
    n_unclear, n_seen = (sum(pair[k] for pair in n_of.values()) for k in (0, 1))
    if not n_seen:
        return ()
    whole = gates.finding(
        "unclear_speaker",
        n_unclear / n_seen,
        f"For {float(n_unclear / frame_rate):.1f} of {float(n_seen / frame_rate):.1f} s in which the dub speaks over a "
        "face, nobody could be told to speak.",
        todo="The mouths keep the source's movement there: see the lines.",
    )
    lines = []
    for utterance_id, runs in shown.items():
        if n_of[utterance_id][0]:
            spans = [_span(run, frame_rate) for run in runs if run.face == UNCERTAIN]
            lines.append(
                Finding(
                    level=whole.level,
                    check="unclear_speaker",
                    message="Nobody could be told to speak: left untouched at "
                    f"{', '.join(_time(span) for span in spans)}.",
                    value=n_of[utterance_id][0] / n_of[utterance_id][1],
                    utterance_id=utterance_id,
                    span=spans[0],
                )
            )
    return whole, *lines


def said_by(shown: Shown, is_rendered: npt.NDArray[np.bool_]) -> dict[str, str]:
    """Per line, in words: whose mouth says it and how much of it was moved. `is_rendered` (n_faces, n_frames)."""
    return {utterance_id: "; ".join(_told(runs, is_rendered)) for utterance_id, runs in shown.items()}


def _told(runs: Sequence[ShownRun], is_rendered: npt.NDArray[np.bool_]) -> list[str]:
    told = []
    for face in dict.fromkeys(run.face for run in runs):
        frames = np.concatenate([np.arange(run.first_frame, run.end_frame) for run in runs if run.face == face])
        if face >= 0:
            n_moved = int(is_rendered[face % len(is_rendered), frames].sum())
            told.append(f"person {face + 1}: moved in {n_moved} of {len(frames)} frames")
        else:
            why = "speaker unclear" if face == UNCERTAIN else "off screen"
            told.append(f"{why}: {len(frames)} frames left untouched")
    return told


def spans_of(mask: Mask, frame_rate: Fraction) -> list[Span]:
    """Runs of True frames as times."""
    edges = np.flatnonzero(np.diff(np.r_[False, mask, False].astype(np.int8)))
    return [_span(ShownRun(int(a), int(b), 0), frame_rate) for a, b in edges.reshape(-1, 2)]


def _span(run: ShownRun, frame_rate: Fraction) -> Span:
    return Span(start=run.first_frame / frame_rate, end=run.end_frame / frame_rate)


def _time(span: Span) -> str:
    return f"{timecode(span.start)}-{timecode(span.end)}"
