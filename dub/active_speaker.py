"""Who on screen is speaking: each part of an utterance given to the face whose mouth moves with the sound.

Two things are held against each other: how far open a mouth is, and how open the sound is. Wide mouths sound different
from narrow ones in any language and voice: four numbers per frame of the sound's spectrum, weighed once and for all,
follow the lips of speakers who had no part in the weighing with r = 0.36 to 0.62, while a stranger's lips give
0 +- 0.12 over ten seconds (measured on five speakers, each left out in turn). Short parts say little by themselves, so
evidence is pooled: over all parts of one diarized speaker, and over the shots that show one person.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dub.mfcc import mfcc
from dub.on_screen import OnScreen, SeenSpan

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

OPENNESS = (0.12, -0.35, -0.37, -0.12)
"""Weights of the first four cepstra, each by its own spread: ridge regression on the lips of five speakers; leaving any
one of them out changes no weight by more than 0.07."""
FASTEST_S, SLOWEST_S = 0.04, 0.48
"""What is compared changes with the syllables: faster is noise, slower is loudness, pose and mood."""
MOST_SPREADS = 3.0
LIVELY_S, LIVELIEST = 0.5, 1.5
"""A mouth that talks all the time moves so much more in its liveliest seconds than in the mean (measured)."""
FOLLOWS = 0.5
"""Correlation of a speaking mouth with its own sound: the middle of what was measured over whole clips."""
INDEPENDENT_PER_S = 5.0
"""Independent looks in a second: the spread of a stranger's correlation over T seconds is 1 / sqrt(5 T) (measured)."""
MOST_PER_S = 1.5
"""What a second of a part may say at most, in natural logarithms of the odds: speakers reach 0.7 to 2.3 (measured)."""
MOST_LEAD_S = 0.1
"""Lips lead their sound by up to this."""
STILL = 0.006
"""Mean movement of the aperture (IOD) between a still mouth, 0.001 to 0.003, and a talking one, 0.0165 to 0.043."""
TALKS = (-4.0, 0.3)
"""What a still and a moving mouth say of who speaks: a still one does not; a moving one may well say something else."""
ONLY_ONE_TALKS = 1.0
"""What it says for a face that it talks while all others in the picture are still."""
NOISE_PX = 0.3
"""How far a still lip's point trembles in tracking: in a small face that is much movement in eye distances."""
FACE_TO_BEGIN, NOBODY_TO_BEGIN, NOBODY_BUT_ONE = 1.0, 1.0, 0.5
"""What is believed before anything is known, in parts seen; NOBODY_BUT_ONE in a title of one face and one voice, where
that they belong together needs least proof."""
UNSEEN_SHARE = 0.3
"""How far a speaker whose face is known is believed to be out of the picture when that face is: the same person may
go by two faces, where identity was in doubt."""
SCENE_DRAWN = 1.0
"""How strongly a speaker's shot is drawn towards the speaker's other shots, in parts."""
SURE, SURE_OF_NOBODY = 0.8, 0.95
"""Under this certainty a part is in doubt; the latter while a mouth in the picture talks."""
WHOLE_PART_S = 0.8
_N_ROUNDS = 12


@dataclass(frozen=True)
class Mouth:
    """One face's, (n_frames,), NaN where it is not seen. `aperture` in IOD; `jaw_open` 0..1; `iod_px`."""

    aperture: Floats
    jaw_open: Floats
    iod_px: Floats


def openness(
    samples: npt.NDArray[np.float32], rate_hz: int, frame_rate: float, is_speech: npt.NDArray[np.bool_]
) -> Doubles:
    """(n_frames,): how open the mouth sounds, in the rhythm of syllables, of spread 1 where `is_speech` (n_frames,).
    `samples`: mono dialogue."""
    n_frames = len(is_speech)
    cepstra = mfcc(samples, rate_hz, frame_rate, len(OPENNESS), n_frames=n_frames).astype(np.float64)
    changes = _syllables(cepstra, frame_rate)
    heard = is_speech if is_speech.any() else np.ones(n_frames, bool)
    sound = changes / np.maximum(changes[heard].std(axis=0), 1e-3) @ np.array(OPENNESS)
    return np.asarray(np.clip(sound / max(1e-3, float(sound[heard].std())), -MOST_SPREADS, MOST_SPREADS))


def who_speaks(
    parts: Sequence[SeenSpan],
    mouths: Sequence[Mouth],
    open_sound: Doubles,
    frame_rate: float,
    shots: Sequence[int] = (0,),
) -> OnScreen:
    """`parts`: utterances cut at shots, whose verdicts are to be found. `open_sound`: as `openness` gives it.

    Per part and face: the likelihood of the lips' movement if this face says the part against if it does not. What a
    speaker's parts say together weighs in every one of them: shares of the speaker's parts that each face says, and of
    a face's speech that is this speaker's, found by expectation-maximisation.
    """
    evidence, talks = np.full((len(parts), len(mouths)), np.nan), np.zeros((len(parts), len(mouths)), bool)
    for k, mouth in enumerate(mouths):
        moves = _moves(mouth, frame_rate, shots)
        lead = _lead(moves, open_sound, frame_rate)
        for p, part in enumerate(parts):
            frames = slice(part.first_frame, part.end_frame)
            evidence[p, k], talks[p, k] = _evidence(mouth, moves, np.roll(open_sound, -lead), frames, frame_rate)
    seconds = np.array([(part.end_frame - part.first_frame) / frame_rate for part in parts])
    weights = np.minimum(1.0, seconds / WHOLE_PART_S)
    stands_out = talks & ((talks.sum(axis=1) == 1) & (np.isfinite(evidence).sum(axis=1) > 1))[:, None]
    evidence += ONLY_ONE_TALKS * stands_out * weights[:, None]
    shot_of = np.searchsorted(shots, [part.first_frame for part in parts], side="right")
    said_by = [(part.speaker, int(shot)) for part, shot in zip(parts, shot_of, strict=True)]
    belief = _believed(evidence, said_by, weights)
    is_seen = np.isfinite(evidence)
    return _verdicts(parts, belief, np.any(is_seen, axis=1), np.any(talks, axis=1))


def _verdicts(
    parts: Sequence[SeenSpan], belief: Doubles, is_seen: npt.NDArray[np.bool_], somebody_talks: npt.NDArray[np.bool_]
) -> OnScreen:
    spans = []
    seconds_of: dict[str, dict[int, int]] = {}
    for part, of_part, seen, talks in zip(parts, belief, is_seen, somebody_talks, strict=True):
        winner, certainty = int(of_part.argmax()), float(min(1.0, of_part.max()))
        found: dict[str, object] = {"certainty": round(certainty, 3)}
        is_nobody = winner == len(of_part) - 1
        if not seen:
            found = {"verdict": "off screen", "certainty": 1.0}
        elif certainty < (SURE_OF_NOBODY if is_nobody and talks else SURE):
            found["verdict"] = "uncertain"
        elif is_nobody:
            found["verdict"] = "off screen"
        else:
            found |= {"verdict": "speaks", "face": winner}
            of_speaker = seconds_of.setdefault(part.speaker, {})
            of_speaker[winner] = of_speaker.get(winner, 0) + part.end_frame - part.first_frame
        spans.append(part.model_copy(update=found))
    faces_of = {
        speaker: tuple(sorted(of_speaker, key=lambda face: -of_speaker[face]))
        for speaker, of_speaker in seconds_of.items()
    }
    return OnScreen(spans=tuple(spans), faces_of=faces_of)


def _evidence(
    mouth: Mouth, moves: Doubles, open_sound: Doubles, frames: slice, frame_rate: float
) -> tuple[float, bool]:
    """(log likelihood ratio, this face says it against it does not; whether it talks at all). (NaN, False) where it is
    not seen for half of the time.

    Given the sound x and the lips y, both of spread 1: y is r x + noise of a speaker, noise of anybody else.
    """
    seen = np.isfinite(moves[frames])
    if not seen.any() or seen.sum() * 2 < len(seen):
        return float("nan"), False
    y, x = moves[frames][seen], open_sound[frames][seen]
    of_frame = (FOLLOWS * x * y - FOLLOWS**2 * (x**2 + y**2) / 2) / (1 - FOLLOWS**2) - np.log(1 - FOLLOWS**2) / 2
    seconds = len(x) / frame_rate
    most = MOST_PER_S * max(seconds, 0.5)
    follows = float(np.clip(of_frame.sum() * INDEPENDENT_PER_S / frame_rate, -most, most))
    aperture = mouth.aperture[frames][seen]
    still = max(STILL, NOISE_PX / float(np.nanmedian(mouth.iod_px[frames])))
    movement = float(np.abs(aperture - np.median(aperture)).mean())
    talks = float(np.clip(1.5 * np.log((movement + 1e-4) / still), *TALKS)) * min(1.0, seconds / WHOLE_PART_S)
    return follows + talks, talks > 0


def _believed(evidence: Doubles, said_by: Sequence[tuple[str, int]], weights: Doubles) -> Doubles:
    """(n_parts, n_faces + 1): how sure it is that each face says each part; the last column: nobody in the picture.

    `said_by`: (speaker, shot) of each part. What holds for a speaker in a shot is drawn towards what holds for that
    speaker in the whole title.
    """
    n_faces = evidence.shape[1]
    is_seen = np.isfinite(evidence)
    likely = np.where(is_seen, np.nan_to_num(evidence), -np.inf)
    speaker, scene = _numbers([speaker for speaker, _ in said_by]), _numbers(said_by)
    nobody = NOBODY_BUT_ONE if n_faces == 1 and speaker.max(initial=0) == 0 else NOBODY_TO_BEGIN
    begin = np.r_[np.full(n_faces, FACE_TO_BEGIN), nobody]
    prior = np.tile(begin / begin.sum(), (len(said_by), 1))
    owned = np.ones((len(said_by), n_faces))
    belief = np.zeros_like(prior)
    for _ in range(_N_ROUNDS):
        elsewhere = UNSEEN_SHARE * np.where(is_seen, 0.0, prior[:, :-1]).sum(axis=1)
        with np.errstate(divide="ignore"):
            scores = np.c_[np.log(prior[:, :-1] * owned) + likely, np.log(prior[:, -1] + elsewhere)]
        scores -= scores.max(axis=1, keepdims=True)
        belief = np.exp(scores)
        belief /= belief.sum(axis=1, keepdims=True)
        counted = belief * weights[:, None]
        counted[:, -1] *= prior[:, -1] / (prior[:, -1] + elsewhere)  # a known face out of the picture is not none
        of_speaker = _added(counted, speaker)
        of_face = of_speaker[:, :-1] + 0.5
        owned = (of_face / of_face.max(axis=0))[speaker]
        share = of_speaker + begin
        share = (share / share.sum(axis=1, keepdims=True))[speaker]
        prior = _added(counted, scene)[scene] + SCENE_DRAWN * share
        prior /= prior.sum(axis=1, keepdims=True)
    return belief


def _numbers(names: Sequence[object]) -> npt.NDArray[np.int64]:
    """Equal numbers for equal names, from 0."""
    known = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return np.array([known[name] for name in names], np.int64)


def _added(rows: Doubles, group: npt.NDArray[np.int64]) -> Doubles:
    """(n_groups, ...): the sum of each group's rows."""
    sums = np.zeros((int(group.max(initial=-1)) + 1, rows.shape[1]))
    np.add.at(sums, group, rows)
    return sums


def _moves(mouth: Mouth, frame_rate: float, shots: Sequence[int]) -> Doubles:
    """(n_frames,): how the mouth opens and shuts in the rhythm of syllables, spread 1 in the frames that show it."""
    moves = np.full(len(mouth.aperture), np.nan)
    found = np.isfinite(mouth.aperture) & np.isfinite(mouth.jaw_open)
    edges = np.unique(np.r_[0, np.flatnonzero(np.diff(found)) + 1, list(shots), len(found)])
    pieces = [slice(a, b) for a, b in itertools.pairwise(edges) if b > a and found[a]]
    opens, jaws = (
        np.concatenate([_syllables(of[piece].astype(np.float64), frame_rate) for piece in pieces] or [np.zeros(0)])
        for of in (mouth.aperture, mouth.jaw_open)
    )
    moves[found] = _to_spread(_to_spread(opens, frame_rate, 0.01) + _to_spread(jaws, frame_rate, 0.01), frame_rate, 0.5)
    return moves


def _lead(moves: Doubles, open_sound: Doubles, frame_rate: float) -> int:
    """Frames by which this face's lips lead the sound, from none to MOST_LEAD_S: where the two fit best."""
    most = round(MOST_LEAD_S * frame_rate)
    return max(range(most + 1), key=lambda lead: float(np.nansum(moves * np.roll(open_sound, -lead))))


def _syllables(values: Doubles, frame_rate: float) -> Doubles:
    """Along axis 0: what changes more slowly than SLOWEST_S and faster than FASTEST_S taken out."""
    from scipy.ndimage import gaussian_filter1d

    fast, slow = (gaussian_filter1d(values, s * frame_rate, axis=0, mode="nearest") for s in (FASTEST_S, SLOWEST_S))
    return np.asarray(fast - slow)


def _to_spread(values: Doubles, frame_rate: float, least: float) -> Doubles:
    """In units of the spread that its liveliest seconds have, or `least`: who mostly listens still speaks as others."""
    from scipy.ndimage import gaussian_filter1d

    if not len(values):
        return values
    around = np.sqrt(gaussian_filter1d(values**2, LIVELY_S * frame_rate, mode="nearest"))
    spread = max(least, float(np.quantile(around, 0.95)) / LIVELIEST)
    return np.asarray(np.clip(values / spread, -MOST_SPREADS, MOST_SPREADS))
